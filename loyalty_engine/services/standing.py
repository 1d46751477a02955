"""The tier while purchases are booked: the sums by day that it is judged by, and the upgrade that happens at once."""

from datetime import date, datetime
from typing import NamedTuple

from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import MemberState
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Tiers
from rules.tiers import NET_SPEND, VISITS, metric_name, points_metric, review_on, upgrade, window_start


def qualify(state: MemberState, day: date, points: dict[str, int], net_spend: int, visits: int) -> None:
    """Add to the day's sums that tiers are judged by; a return adds negative figures on its purchase's day."""
    for wallet, change in points.items():
        state.qualify(points_metric(wallet), day, change)
    state.qualify(NET_SPEND, day, net_spend)
    state.qualify(VISITS, day, visits)


class TierAnswer(NamedTuple):
    """Where a member stands after a purchase; without a metric there is no level to reach."""

    level: str | None
    upgraded: bool
    metric: int | None


def window(tiers: Tiers | None, state: MemberState, today: date) -> tuple[str, date] | None:
    """Return the metric and the first day that count for the next level; None where there is none to reach."""
    if tiers is None or state.level == tiers.levels[-1].id:
        return None
    return metric_name(tiers), window_start(tiers.window, today, state.joined_on)


def upgrade_tier(posting: Posting, state: MemberState, plan: Plan, source: Source) -> TierAnswer:
    """Raise the member to the level that the metric reaches, from the next purchase on; nobody is lowered here."""
    tiers = plan.programme.tiers
    if tiers is None:
        return TierAnswer(None, False, None)
    booked_at = posting.booked_at(state, source.occurred_at)
    today = business_day(booked_at, plan.programme.time_zone)
    counted = window(tiers, state, today)
    if counted is None:
        return TierAnswer(state.level, False, None)
    metric = member_state.qualified(posting.connection, state, *counted)
    raised = upgrade(tiers, state.level, metric)
    if raised is not None:
        review = review_on(tiers.window, today, state.joined_on)
        happened = min(source.occurred_at, booked_at)
        since = max(happened, state.level_since_at or happened)
        set_level(posting, state, plan, raised.id, since, booked_at, review, metric, source)
    return TierAnswer(state.level, raised is not None, metric)


def set_level(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    level: str,
    since_at: datetime,
    booked_at: datetime,
    review: date | None,
    metric: int | None,
    source: Source,
    reason: str | None = None,
) -> None:
    """Put the member on a level, and say so in the tier history."""
    state.level, state.level_since_at, state.level_review_on = level, since_at, review
    state.level_by, state.level_grace_until = "metric", None
    state.tier_changes += 1
    posting.appended.tier_changes.append(
        {
            "member_id": state.member_id,
            "change_no": state.tier_changes,
            "level": level,
            "since_at": since_at,
            "booked_at": booked_at,
            "review_on": review,
            "metric": metric,
            "version": plan.version,
            "source_kind": source.kind,
            "source_id": source.id,
            "actor": str(posting.actor),
            "reason": reason,
        }
    )
