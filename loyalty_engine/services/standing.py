"""The tier while purchases are booked: the sums by day that it is judged by, and the upgrade that happens at once."""

from datetime import date, datetime
from typing import NamedTuple

from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import MemberState
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Tiers
from rules.reviews import By, safe_through
from rules.tiers import NET_SPEND, VISITS, metric_name, points_metric, rank, review_on, upgrade, window_start


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
    """Return the metric and the first day that count for the next level; None where there is none to reach or regain."""
    if tiers is None or (state.level == tiers.levels[-1].id and state.level_grace_until is None):
        return None
    return metric_name(tiers), window_start(tiers.window, today, state.joined_on)


def upgrade_tier(posting: Posting, state: MemberState, plan: Plan, source: Source) -> TierAnswer:
    """Raise the member to the level that the metric reaches, from the next purchase on; nobody is lowered here.

    In the days of grace a purchase that brings the metric to the level's own threshold keeps the level at once.
    """
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
        happened = min(source.occurred_at, booked_at)
        since = max(happened, state.level_since_at or happened)
        until = reached_until(tiers, state, raised.id, today)
        set_level(posting, state, plan, raised.id, since, booked_at, until, metric, source)
    elif state.level_since_at is not None and _is_regained(tiers, state, metric):
        assert state.level is not None
        until = reached_until(tiers, state, state.level, today)
        set_level(posting, state, plan, state.level, state.level_since_at, booked_at, until, metric, source)
    return TierAnswer(state.level, raised is not None, metric)


def reached_until(tiers: Tiers, state: MemberState, level: str | None, today: date) -> date | None:
    """Return the day through which a level that is reached `today` is safe; None where it needs no review."""
    return safe_through(tiers, rank(tiers, level), review_on(tiers.window, today, state.joined_on))


def _is_regained(tiers: Tiers, state: MemberState, metric: int) -> bool:
    place = rank(tiers, state.level)
    return state.level_grace_until is not None and place >= 0 and metric >= tiers.levels[place].threshold


def set_level(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    level: str | None,
    since_at: datetime,
    booked_at: datetime,
    review: date | None,
    metric: int | None,
    source: Source,
    by: By = "metric",
    reason: str | None = None,
) -> None:
    """Put the member on a level, and say so in the tier history."""
    state.level, state.level_since_at, state.level_review_on = level, since_at, review
    state.level_by, state.level_grace_until = by, None
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
