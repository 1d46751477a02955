"""Whether published versions are what they were, follow each other, and judged what fell into their time: invariant 11."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.version_digests import FIRST, digest
from loyalty_engine.store.audits import rows

_CHANGED: Final = Rule(11, "programme_versions", "a version is what was published")
_WITNESS: Final = Rule(11, "programme_versions", "the audit log bears a version's digest out")
_ORDER: Final = Rule(
    11, "programme_versions", "versions are numbered without a gap, and each begins after the one before"
)
_WRONG_TIME: Final = Rule(11, "purchases", "a purchase was judged by the version in force when it happened")

_SLACK: Final = timedelta(minutes=5)
"""A purchase on its way while a version is published may still be judged by the one before."""


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note versions that were changed, that overlap, or that judged what they should not have."""
    found = rows.versions(connection)
    report.looked_at["versions"] = len(found)
    with progress("versions", len(found)) as advance:
        published = rows.publishings(connection)
        before: str = FIRST
        for place, version in enumerate(found):
            before = _look_at_digest(report, version, before, published)
            _look_at_order(report, found, place)
            _look_at_purchases(connection, report, found, place)
            advance(1)


def _look_at_digest(report: Report, version: Mapping[str, Any], before: str, published: Mapping[str, str]) -> str:
    key = {"version": version["version"]}
    expected = digest(before, version)
    stored: str = version["digest"]
    if stored != expected:
        report.note(_CHANGED, key, {"digest": stored}, {"digest": expected})
    logged = json.loads(published.get(str(version["version"]), "{}")).get("digest")
    if logged != stored:
        report.note(_WITNESS, key, {"digest": stored}, {"digest": logged})
    return stored


def _look_at_order(report: Report, found: Sequence[Mapping[str, Any]], place: int) -> None:
    version, earlier = found[place], found[place - 1] if place else None
    begins = version["effective_at"]
    after = earlier is None or (
        begins is not None and (earlier["effective_at"] is None or begins > earlier["effective_at"])
    )
    if version["version"] != place + 1 or not after or (earlier is None and begins is not None):
        expected = {"version": place + 1, "effective_at": f"after {earlier['effective_at']}" if earlier else None}
        report.note(_ORDER, {"version": version["version"]}, {"effective_at": begins}, expected)


def _look_at_purchases(
    connection: sa.Connection, report: Report, found: Sequence[Mapping[str, Any]], place: int
) -> None:
    version = found[place]
    following = found[place + 1] if place + 1 < len(found) else None
    ends = (following["effective_at"], following["published_at"] + _SLACK) if following else None
    for row in rows.judged_out_of_time(connection, version["version"], version["effective_at"], ends):
        key = {"member_id": row.member_id, "posting_id": row.posting_id}
        report.note(_WRONG_TIME, key, {"version": version["version"], "occurred_at": row.occurred_at})
