"""Whether whatever was granted for a day was given: a row that says so without its points would be a gift that was lost."""

from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.store import survivors
from loyalty_engine.store.audits import occasions as rows
from rules.errors import NotFound
from rules.programme import Occasion, PointsGift

_NAMELESS: Final = Rule(11, "occasions_granted", "the version that granted it has its occasion")
_NOT_GIVEN: Final = Rule(6, "occasions_granted", "what was granted was given, to the member or to one who became it")


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note what was granted and not given, by what each version says."""
    kinds = rows.kinds(connection)
    report.looked_at["occasions"] = len(kinds)
    with progress("occasions", len(kinds)) as advance:
        for occasion_id, version in kinds:
            occasion = _occasion(connection, occasion_id, version)
            if occasion is None:
                report.note(_NAMELESS, {"occasion_id": occasion_id}, {"version": version})
            else:
                _look_at(connection, report, occasion, version)
            advance(1)


def _occasion(connection: sa.Connection, occasion_id: str, version: int) -> Occasion | None:
    try:
        programme = plan_of(connection, version).programme
    except NotFound:
        return None
    return next((one for one in programme.occasions if one.id == occasion_id), None)


def _look_at(connection: sa.Connection, report: Report, occasion: Occasion, version: int) -> None:
    for wallet in sorted({gift.wallet for gift in occasion.give if isinstance(gift, PointsGift)}):
        for member_id, occurrence in rows.without_entry(connection, occasion.id, version, wallet):
            # A merge copies the row and leaves the entry with the member that it was booked for.
            kin = survivors.family(connection, str(member_id))
            if not rows.is_given_to(connection, kin, f"{occasion.id}:{occurrence}", wallet):
                key = {"member_id": member_id, "occasion_id": occasion.id, "occurrence": occurrence}
                report.note(_NOT_GIVEN, key, {wallet: None})
