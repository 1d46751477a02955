"""Staff put a member on a level by hand, with a reason and an end; and end it early, back to what the metric says."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import GONE, checked_id, no_member
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.standing import reached_until, set_level
from loyalty_engine.store import member_state
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from rules.errors import Conflict, Invalid
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Tiers
from rules.reviews import By
from rules.tiers import metric_name, reached, window_start

_ACTION: Final = "member.set_level"


@dataclass(frozen=True, slots=True)
class ManualLevel:
    """What staff ask for: a level through its last day; without a level, the end of the one that was given."""

    level: str | None
    until: date | None
    reason: str


def put_in(connection: sa.Connection, actor: Actor, member_id: str, asked: ManualLevel) -> dict[str, Any]:
    """Put the member on the level, or end a manual one, in the caller's transaction; the same again changes nothing.

    Raises `Invalid` with `level_unknown`, `until_past` or `reason_missing`, and `Conflict` with `level_not_manual`.
    """
    actor.check_everywhere()
    wrong = Wrong()
    reason = checking.reason(wrong, "reason", asked.reason)
    wrong.refuse_any("reason_missing", "The change")
    now = clock.now()
    plan = plan_for(connection, now)
    posting = Posting(connection, actor, now)
    state = posting.member(checked_id(member_id))
    if state.status in GONE:
        raise no_member()
    tiers, today = plan.programme.tiers, business_day(now, plan.programme.time_zone)
    if asked.level is None:
        changed = _end(posting, state, plan, today, reason)
    else:
        _check(tiers, asked, today)
        changed = _give(posting, state, plan, today, asked, reason)
    if changed:
        posting.write()
        told = {"level": asked.level, "until": asked.until.isoformat() if asked.until else None, "reason": reason}
        audit_log.record(connection, actor, _ACTION, state.member_id, told)
    return _told(state)


def _check(tiers: Tiers | None, asked: ManualLevel, today: date) -> None:
    levels = [level.id for level in tiers.levels] if tiers else []
    if asked.level not in levels:
        known = f"must be one of {', '.join(levels)}" if levels else "the programme has no levels"
        raise Invalid("level_unknown", f"The programme has no level {asked.level}.", {"level": [known]})
    if asked.until is None or asked.until < today:
        detail = "A level that is given by hand has an end: its last day, today or later."
        raise Invalid("until_past", detail, {"until": [f"must be {today.isoformat()} or later"]})


def _give(posting: Posting, state: MemberState, plan: Plan, today: date, asked: ManualLevel, reason: str) -> bool:
    if (state.level, state.level_review_on, state.level_by) == (asked.level, asked.until, "manual"):
        return False
    _put(posting, state, plan, today, asked.level, asked.until, "manual", reason)
    return True


def _end(posting: Posting, state: MemberState, plan: Plan, today: date, reason: str) -> bool:
    """Let the level be what the metric says, by a change that names who ended it."""
    if state.level_by != "manual":
        detail = "This member's level was not given by hand, so there is nothing to end: name a level and its last day."
        raise Conflict("level_not_manual", detail, {"level": ["must be given"]})
    tiers = plan.programme.tiers
    found = reached(tiers, _metric(posting, state, plan, today)) if tiers else None
    until = reached_until(tiers, state, found.id, today) if tiers and found else None
    _put(posting, state, plan, today, found.id if found else None, until, "metric", reason)
    return True


def _put(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    today: date,
    level: str | None,
    until: date | None,
    by: By,
    reason: str,
) -> None:
    assert posting.now is not None, "staff act now"
    booked_at = posting.booked_at(state, posting.now)
    held_since = state.level_since_at
    since = held_since if held_since and level == state.level else max(posting.now, held_since or posting.now)
    source = Source("manual" if by == "manual" else "manual_end", new_id(), posting.now)
    set_level(
        posting, state, plan, level, since, booked_at, until, _metric(posting, state, plan, today), source, by, reason
    )


def _metric(posting: Posting, state: MemberState, plan: Plan, today: date) -> int:
    tiers = plan.programme.tiers
    if tiers is None:
        return 0
    start = window_start(tiers.window, today, state.joined_on)
    return member_state.qualified(posting.connection, state, metric_name(tiers), start)


def _told(state: MemberState) -> dict[str, Any]:
    until = state.level_review_on
    return {
        "member_id": state.member_id,
        "level": state.level,
        "by": state.level_by,
        "review_on": until.isoformat() if until else None,
    }
