"""Replays what the tier history says, as purchases and reviews make it: invariant 10."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.auditing.report import Report, Rule
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.reviews import removed_before
from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits.rows import Group
from loyalty_engine.store.survivors import MERGE_GRACE, MERGE_MANUAL
from rules.errors import NotFound
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Tiers
from rules.reviews import GRACE, By, Look, Standing, resettle, review
from rules.tiers import metric_name, rank, reached, window_start

_ORDER: Final = Rule(10, "tier_history", "changes of level never go back in time")
_UPGRADE: Final = Rule(10, "tier_history", "a purchase raises to the level that its metric reaches")
_REVIEW: Final = Rule(10, "tier_history", "a review does what its metric and the level before it say")
_MISSED: Final = Rule(10, "members", "the level is at least what the metric reached at the last purchase")


@dataclass(frozen=True, slots=True)
class LastPurchase:
    """The purchase of a member that was booked last: when, its posting, and the plan that judged it."""

    booked_at: datetime
    posting_id: str
    plan: Plan

    def is_after(self, other: "LastPurchase | None") -> bool:
        return other is None or (self.booked_at, self.posting_id) > (other.booked_at, other.posting_id)


def look_at_levels(
    connection: sa.Connection,
    report: Report,
    span: Group,
    standings: Mapping[str, LastPurchase],
    sums: Mapping[tuple[str, str, date], int],
) -> None:
    """Note changes of level that their own figures don't bear out, and upgrades that didn't happen."""
    last: dict[str, Any] = {}
    for change in rows.level_changes_of(connection, span):
        _look_at_change(connection, report, change, last.get(change.member_id))
        last[change.member_id] = change
    by_member: dict[str, dict[tuple[str, date], int]] = {}
    for (member_id, metric, day), amount in sums.items():
        by_member.setdefault(member_id, {})[metric, day] = amount
    for member in rows.members_of(connection, span):
        standing, change = standings.get(member.member_id), last.get(member.member_id)
        if standing is not None and not _was_set_since(change, standing):
            _look_at_member(report, member, standing, by_member.get(member.member_id, {}))


def _look_at_change(connection: sa.Connection, report: Report, change: Any, before: Any) -> None:
    key = {"member_id": change.member_id, "change_no": change.change_no}
    if before is not None and change.since_at < before.since_at:
        report.note(_ORDER, key, {"since_at": change.since_at}, {"since_at": f"from {before.since_at} on"})
    if change.source_kind == "purchase":
        _look_at_upgrade(connection, report, key, change, before)
    elif change.source_kind == "review":
        _look_at_review(connection, report, key, change, before)


def _was_set_since(change: Any, standing: LastPurchase) -> bool:
    """Tell whether staff or a review decided on the level after the last purchase was booked."""
    decided = change is not None and change.source_kind in ("manual", "manual_end", "review")
    return decided and change.booked_at >= standing.booked_at


def _look_at_upgrade(connection: sa.Connection, report: Report, key: Any, change: Any, before: Any) -> None:
    tiers = _tiers(connection, change.version)
    level = reached(tiers, change.metric) if tiers is not None and change.metric is not None else None
    rises = tiers is not None and rank(tiers, change.level) > rank(tiers, before.level if before else None)
    regained = _is_grace(before) and before.level == change.level
    if level is None or level.id != change.level or not (rises or regained):
        found = {"level": change.level, "metric": change.metric}
        report.note(_UPGRADE, key, found, {"level": level.id if level else None})


def _look_at_review(connection: sa.Connection, report: Report, key: Any, change: Any, before: Any) -> None:
    """Decide again, with the sum that decided then; only the days are not looked at."""
    tiers = _tiers(connection, change.version)
    if tiers is None or change.metric is None:
        report.note(_REVIEW, key, {"version": change.version, "metric": change.metric})
        return
    until = None if tiers.window == "lifetime" else date.max
    grace = date.max if tiers.downgrade.grace.count else None
    look = Look(date.max, date.min, date.min, until, until, until, grace)
    removed = removed_before(connection, change.version, tiers)
    at = _standing(before)
    decided = [decide(tiers, removed, at, look, change.metric, change.metric) for decide in (review, resettle)]
    if (change.level, change.reason) not in {(one.level, one.because) for one in decided if one is not None}:
        found = {"level": change.level, "metric": change.metric, "reason": change.reason}
        report.note(_REVIEW, key, found, {"before": at.level, "grace": _is_grace(before), "by": at.by})


def _standing(before: Any) -> Standing:
    if before is None:
        return Standing(None, None, None, "metric", date.min)
    grace_until = before.review_on if _is_grace(before) else None
    by: By = "manual" if before.source_kind in ("manual", MERGE_MANUAL) else "metric"
    return Standing(before.level, before.review_on, grace_until, by, date.min)


def _is_grace(change: Any) -> bool:
    if change is None:
        return False
    return bool(change.source_kind == MERGE_GRACE or (change.source_kind == "review" and change.reason == GRACE))


def _tiers(connection: sa.Connection, version: int) -> Tiers | None:
    try:
        return plan_of(connection, version).programme.tiers
    except NotFound:
        return None


def _look_at_member(report: Report, member: Any, standing: LastPurchase, sums: Mapping[tuple[str, date], int]) -> None:
    """Returns only lower a metric: what it is now for the last purchase's window was reached then at the latest."""
    tiers = standing.plan.programme.tiers
    if tiers is None or (member.level is not None and rank(tiers, member.level) < 0):
        return
    today = business_day(standing.booked_at, standing.plan.programme.time_zone)
    start, metric = window_start(tiers.window, today, member.joined_on), metric_name(tiers)
    amount = sum(amount for (name, day), amount in sums.items() if name == metric and day >= start)
    level = reached(tiers, amount)
    if rank(tiers, level.id if level else None) > rank(tiers, member.level):
        expected = {"level": level.id if level else None, metric: amount}
        report.note(_MISSED, {"member_id": member.member_id}, {"level": member.level}, expected)
