"""Stops messages and lets them go on: one template, everything, one message, or what a member no longer agrees to.

What is stopped is stopped by rows: a pause that a process has not seen yet is seen when the message is about to be sent.
"""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking, message_pauses
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import message_pauses as pauses
from loyalty_engine.store import message_stopping as store
from loyalty_engine.store import messages
from loyalty_engine.store.ids import is_id, new_id
from loyalty_engine.store.message_pauses import EVERYTHING, Pause
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Conflict, NotFound
from rules.messages import BUILT_IN

_CANCELLED_BY: Final = "staff"


def pause(actor: Actor, what: str, reason: str) -> tuple[Pause, int]:
    """Hold all messages of a template, or `everything`, until it is resumed; return the pause and how many are held.

    Raises `NotFound` for a template that neither the programme nor any waiting message has.
    """
    actor.check_everywhere()
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    wrong.refuse_any("reason_missing", "The pause")
    try:
        return in_transaction(lambda connection: _pause(connection, actor, what, why))
    finally:
        message_pauses.forget()


def _pause(connection: sa.Connection, actor: Actor, what: str, reason: str) -> tuple[Pause, int]:
    now = clock.now()
    known = {one.id for one in plan_for(connection, now).programme.messages.templates} | BUILT_IN.keys()
    held = store.hold(connection, what, now)
    if what not in known and what != EVERYTHING and not held:
        there_are = ", ".join(sorted(known))
        raise NotFound("template_not_found", f"There is no template {what}; there are: {EVERYTHING}, {there_are}.")
    made = Pause(what, now, str(actor), reason)
    pauses.put(connection, made)
    audit_log.record(connection, actor, "message.pause", what, {"reason": reason, "held": held})
    return made, held


def resume(actor: Actor, what: str) -> int:
    """End a pause; return how many messages go on. Raises `NotFound` where nothing of that name is paused."""
    actor.check_everywhere()
    try:
        return in_transaction(lambda connection: _resume(connection, actor, what))
    finally:
        message_pauses.forget()


def _resume(connection: sa.Connection, actor: Actor, what: str) -> int:
    now = clock.now()
    if not pauses.drop(connection, what):
        raise NotFound("pause_not_found", f"{what} is not paused.")
    store.expire_held(connection, now)
    freed = store.free(connection, message_pauses.paused_now(connection), now)
    audit_log.record(connection, actor, "message.resume", what, {"freed": freed})
    return freed


def paused() -> tuple[Pause, ...]:
    """Return what is paused."""
    with reading() as connection:
        return pauses.all_of(connection)


def release_unpaused(now: datetime, limit: int) -> int:
    """Free messages that were held by a pause that has ended since, and end those whose time is over; return how many.

    A transaction that planned while a pause ended may have held what nobody would free any more.
    """
    with reading() as connection:
        if not store.any_to_release(connection, message_pauses.paused_now(connection), now):
            return 0

    def look(connection: sa.Connection) -> int:
        ended = store.expire_held(connection, now)
        return ended + store.free(connection, message_pauses.paused_now(connection), now)

    return in_transaction(look)


def cancel(actor: Actor, message_id: str, reason: str) -> messages.Message:
    """Cancel one message that is planned or held. Raises `NotFound`, and `Conflict` for one that is past that."""
    actor.check_everywhere()
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    wrong.refuse_any("reason_missing", "The cancellation")
    return in_transaction(lambda connection: _cancel(connection, actor, message_id, why))


def _cancel(connection: sa.Connection, actor: Actor, message_id: str, reason: str) -> messages.Message:
    found = messages.anywhere(connection, message_id) if is_id(message_id) else None
    if found is None:
        raise NotFound("message_not_found", "There is no such message.")
    now = clock.now()
    if not store.cancel(connection, found.member_id, message_id, _CANCELLED_BY, now):
        raise Conflict("message_not_open", f"The message is {found.status}: only one that waits can be cancelled.")
    audit_log.record(connection, actor, "message.cancel", message_id, {"reason": reason})
    return replace(found, status="cancelled", reason=_CANCELLED_BY, changed_at=now, to_address=None)


def withdraw(connection: sa.Connection, member_id: str, channel: str, purpose: str) -> int:
    """Cancel what a member would be sent over a channel for a purpose that it refuses from now on."""
    return store.withdraw(connection, member_id, channel, purpose, clock.now())


def move(connection: sa.Connection, old_id: str, into_id: str) -> None:
    """Send what a merged member was still to be told to the one it went into; each cause once."""
    now = clock.now()
    waiting = store.open_of(connection, old_id)
    if not waiting:
        return
    there = messages.causes(connection, [into_id], [one.cause_id for one in waiting])
    moved = [
        asdict(replace(one, member_id=into_id, message_id=new_id(), changed_at=now))
        for one in waiting
        if (into_id, one.cause_kind, one.cause_id) not in there
    ]
    messages.insert(connection, [{name: row[name] for name in messages.INSERTED} for row in moved])
    store.cancel_all(connection, old_id, "member_merged", now)
