"""Members with any level and any sums, written straight into the tables, and the nightly run over them done by hand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.reviews import removed_before
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db, reading
from loyalty_engine.store.tables import members, qualifying_days, tier_history
from rules.programme import Tiers
from rules.reviews import By, Standing, is_known, is_other_ladder, ladder_look, resettle, review, review_look
from tests.ledger import rows

Days = Mapping[date, int]


@dataclass(frozen=True)
class Member:
    """Somebody who is there before a run; `days` are the sums of the tier metric."""

    at: Standing
    days: Days
    member_id: str = ""


def put(metric: str, given: Iterable[Member]) -> list[Member]:
    """Write members into the tables, each with a history that says what its row says; return them with their ids."""
    there = [Member(one.at, one.days, new_id()) for one in given]
    now = clock.now()
    since = now - timedelta(days=4_000)
    with db.engine.begin() as connection:
        for one in there:
            connection.execute(members.insert().values(**_row(one, since)))
            connection.execute(tier_history.insert().values(**_change(one, since)))
            for day, amount in one.days.items():
                row = {"member_id": one.member_id, "metric": metric, "day": day, "amount": amount}
                connection.execute(qualifying_days.insert().values(**row))
    return there


def _row(one: Member, since: datetime) -> dict[str, Any]:
    at = one.at
    row = {"member_id": one.member_id, "status": "active", "joined_on": at.joined_on, "enrolled_at": since}
    row |= {"language": "en", "level": at.level, "level_since_at": since, "level_review_on": at.review_on}
    return row | {"level_grace_until": at.grace_until, "level_by": at.by, "tier_changes": 1}


def _change(one: Member, since: datetime) -> dict[str, Any]:
    kind, reason = ("review", "grace") if one.at.grace_until else ("manual", "a gift")
    if one.at.by == "metric" and not one.at.grace_until:
        kind, reason = "enrolment", None
    row = {"member_id": one.member_id, "change_no": 1, "level": one.at.level, "since_at": since, "booked_at": since}
    row |= {"review_on": one.at.review_on, "metric": 0, "version": 1, "source_kind": kind, "source_id": "x"}
    return row | {"actor": "test", "reason": reason}


def stored(member_id: str) -> Standing:
    """Return where a member stands by its row."""
    columns = (members.c.level, members.c.level_review_on, members.c.level_grace_until, members.c.level_by)
    with db.engine.connect() as connection:
        row = connection.execute(sa.select(*columns, members.c.joined_on).where(members.c.member_id == member_id)).one()
    return Standing(*row)


def told(member_id: str) -> list[tuple[str, str | None, str]]:
    """Return what reviews wrote of a member: the last day looked at, the level, and what became of it."""
    query = "SELECT source_id, level, reason FROM tier_history WHERE member_id = :member AND change_no > 1"
    return [
        (row["source_id"], row["level"], row["reason"]) for row in rows(f"{query} ORDER BY change_no", member=member_id)
    ]


def one_by_one(one: Member, night: date, version: int, before: int | None) -> tuple[Standing, list[tuple[Any, ...]]]:
    """Return where a member stands after the run by the pure rules, and what the history then says of it."""
    with reading() as connection:
        tiers = plan_of(connection, version).programme.tiers
        assert tiers is not None
        removed = removed_before(connection, version, tiers)
        earlier = plan_of(connection, before).programme.tiers if before else None
    at, history = one.at, []
    if not is_known(tiers, removed, at.level):
        return at, history
    if is_other_ladder(earlier, tiers):
        look = ladder_look(tiers, night, at.joined_on)
        found = resettle(tiers, removed, at, look, *_sums(one.days, look))
        if found is not None:
            at = Standing(found.level, found.review_on, found.grace_until, found.by, at.joined_on)
            history.append((night.isoformat(), found.level, found.because))
    while at.level is not None and at.review_on is not None and at.review_on < night:
        look = review_look(tiers, at.review_on, night, at.joined_on)
        due, found = at.review_on, review(tiers, removed, at, look, *_sums(one.days, look))
        at = Standing(found.level, found.review_on, found.grace_until, found.by, at.joined_on)
        history.append((due.isoformat(), found.level, found.because))
    return at, history


def _sums(days: Days, look: Any) -> tuple[int, int]:
    then = sum(amount for day, amount in days.items() if look.counts_from <= day <= look.through)
    return then, sum(amount for day, amount in days.items() if day >= look.running_from)


def programme(levels: Sequence[tuple[str, int]], window: Any, grace: str = "0 days", steps: str = "one") -> str:
    """Return a programme that judges by visits."""
    tiers = {
        "metric": "visits",
        "window": window,
        "downgrade": {"grace": grace, "steps": steps},
        "levels": [{"id": name, "name": name.title(), "from": starts} for name, starts in levels],
    }
    return json.dumps(
        {
            "programme": "tea-club",
            "name": "Tea Club",
            "money": "CNY",
            "time_zone": "Asia/Shanghai",
            "wallets": [{"id": "leaves", "name": "Leaves"}],
            "accrual": [{"id": "base", "wallet": "leaves", "earn": {"points": 1, "per": "1.00"}}],
            "tiers": tiers,
        }
    )


def by_metric(level: str | None, review_on: date | None, joined_on: date = date(2020, 5, 20)) -> Standing:
    """Return a level that the metric gave."""
    by: By = "metric"
    return Standing(level, review_on, None, by, joined_on)


__all__ = ["Days", "Member", "Tiers", "by_metric", "one_by_one", "programme", "put", "stored", "told"]
