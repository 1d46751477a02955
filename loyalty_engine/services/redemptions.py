"""What tills do with members' points: redeem them or a reward, capture or release what is held, look at it again.

Whoever it is not for isn't told of it: a till sees its own store's redemptions, and ends holds of its whole merchant.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    held_redemptions,
    held_rewards,
    points_redemptions,
    redemption_messages,
    reward_redemptions,
    undoing,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import RedemptionRequest
from loyalty_engine.services.one_time_codes import Right
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.redemption_answers import redemption_answer
from loyalty_engine.services.stores import place
from loyalty_engine.store import accounts
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from loyalty_engine.store.session import StillInWork, in_transaction, reading
from rules.errors import Forbidden, Invalid, NotFound

TIMED_OUT_BY = Actor("time-out", "service")
"""Who frees holds that nobody captured."""


def redeem_in(
    connection: sa.Connection, actor: Actor, request: RedemptionRequest, right: Right | None = None
) -> Answer:
    """Use points as money, or for a reward: 201. `right` is the member's one-time code, once it was tried.

    Raises `Invalid` (`gift_not_allowed`) for a reason that is none of staff's.
    """
    if request.reason is not None and actor.role not in ("staff", "admin"):
        said = {"reason": ["leave it out to use points, or ask staff to give the reward"]}
        raise Invalid("gift_not_allowed", "Only staff give rewards for nothing, which is what a reason is for.", said)
    if request.reward is not None:
        return reward_redemptions.redeem(connection, actor, request, right)
    if actor.role in ("staff", "admin"):
        raise Forbidden("role_not_allowed", "Points are used at a till; staff give rewards, with a reason.")
    return points_redemptions.redeem(connection, actor, request, right)


def capture_in(connection: sa.Connection, actor: Actor, redemption_id: str, points: int | None) -> Answer:
    """Spend what is held, or `points` of it: 200, also for a repetition. See `held_redemptions.capture`, of a
    reward `held_rewards.capture`.
    """

    def end(posting: Posting, state: MemberState, held: Redemption) -> Redemption:
        if held.status == "held":
            points_redemptions.check_active(state)
        if held.reward is not None:
            return held_rewards.capture(posting, state, held, points)
        return held_redemptions.capture(posting, state, held, points)

    return _ended(connection, actor, redemption_id, end)


def release_in(connection: sa.Connection, actor: Actor, redemption_id: str, reason: str | None = None) -> Answer:
    """Free what is held, or give back what was spent for nothing: 200, also for a repetition.

    See `held_redemptions.release` and `undoing.undo`. Raises `Invalid` where staff say no reason.
    """

    def end(posting: Posting, state: MemberState, held: Redemption) -> Redemption:
        why = undoing.check_reason(posting, reason)
        if held.status == "captured":
            return undoing.undo(posting, state, held, why)
        return held_redemptions.release(posting, state, held)

    return _ended(connection, actor, redemption_id, end)


def _ended(
    connection: sa.Connection,
    actor: Actor,
    redemption_id: str,
    end: Callable[[Posting, MemberState, Redemption], Redemption],
) -> Answer:
    member_id = store.owner(connection, redemption_id)
    if member_id is None:
        raise _not_found()
    posting = Posting(connection, actor, clock.now())
    state = posting.member(member_id)
    held = store.find(connection, member_id, redemption_id)
    if held is None or not _is_of_merchant(connection, actor, held):
        raise _not_found()
    ended = end(posting, state, held)
    posting.write()
    if held.status == "held":
        redemption_messages.tell(posting, state, [ended])
    return Answer(200, redemption_answer(connection, ended, state.accounts))


def find(actor: Actor, redemption_id: str) -> bytes:
    """Return a redemption as it is now; raises `NotFound`, also for another merchant's, or for a till another store's."""
    with reading() as connection:
        member_id = store.owner(connection, redemption_id)
        found = store.find(connection, member_id, redemption_id) if member_id is not None else None
        if member_id is None or found is None or not _is_of_merchant(connection, actor, found):
            raise _not_found()
        if actor.role == "terminal" and found.store_id != actor.store_id:
            raise _not_found()
        _, held = accounts.of_member(connection, member_id)
        return redemption_answer(connection, found, held)


def _is_of_merchant(connection: sa.Connection, actor: Actor, redemption: Redemption) -> bool:
    if actor.merchant_id is None:
        return True
    at = place(connection, redemption.store_id) if redemption.store_id is not None else None
    return at is not None and at.merchant_id == actor.merchant_id


def _not_found() -> NotFound:
    return NotFound("redemption_not_found", "There is no such redemption here.")


def time_out_holds(now: datetime, limit: int) -> int:
    """Free up to `limit` holds whose time is over at `now`, each in a transaction of its own; return how many.

    Two may run at once, for the member's row decides; ask again until it is 0. A member that somebody else is at work
    on is left for the next time.
    """
    with reading() as connection:
        due = store.due(connection, now, limit)
    freed = 0
    for member_id, redemption_id in due:
        with suppress(StillInWork):
            freed += in_transaction(partial(_time_out, member_id=member_id, redemption_id=redemption_id, now=now))
    return freed


def _time_out(connection: sa.Connection, member_id: str, redemption_id: str, now: datetime) -> int:
    posting = Posting(connection, TIMED_OUT_BY, now)
    state = posting.member(member_id)
    held = store.find(connection, member_id, redemption_id)
    if held is None or held.status != "held" or held.expires_at is None or held.expires_at > now:
        return 0
    held_redemptions.time_out(posting, state, held)
    posting.write()
    return 1
