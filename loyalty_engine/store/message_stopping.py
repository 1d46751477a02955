"""The statements that stop messages and let them go on: held and free again, cancelled, moved to a merged member.

Each is conditional on the state that it leaves: what is being sent meanwhile is past stopping.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store.message_pauses import EVERYTHING
from loyalty_engine.store.message_sending import ONCE_MORE
from loyalty_engine.store.messages import COLUMNS, OPEN, Message
from loyalty_engine.store.tables import messages

_WIPED: Final[Mapping[str, Any]] = {
    "places": sa.case((messages.c.purpose == "code", "{}"), else_=messages.c.places),
    "to_address": None,
}
"""A code that is not sent any more is forgotten, with the number that it was for."""
_PRESERVED = {"preserve_rowcount": True}


def _changed(connection: sa.Connection, update: sa.Update) -> int:
    return connection.execute(update, execution_options=_PRESERVED).rowcount


def _unless_sent(reason: str | None) -> sa.ColumnElement[Any]:
    """A message that may have been sent keeps that as its reason: there is no third time."""
    return sa.case(
        (messages.c.reason == ONCE_MORE, messages.c.reason), else_=sa.literal(reason, messages.c.reason.type)
    )


def hold(connection: sa.Connection, what: str, at: datetime) -> int:
    """Hold what is planned of a template, or everything; return how many."""
    held = messages.update().where(messages.c.status == "planned")
    if what != EVERYTHING:
        held = held.where(messages.c.template == what)
    return _changed(connection, held.values(status="held", reason=_unless_sent("paused"), changed_at=at))


def free(connection: sa.Connection, paused: Collection[str], at: datetime) -> int:
    """Let go on what is held and whose template is not among the paused ones; return how many."""
    if EVERYTHING in paused:
        return 0
    held = messages.update().where(messages.c.status == "held", _goes_on(paused))
    return _changed(connection, held.values(status="planned", reason=_unless_sent(None), changed_at=at))


def any_to_release(connection: sa.Connection, paused: Collection[str], at: datetime) -> bool:
    """Tell whether `free` or `expire_held` would find anything."""
    ways = [_is_over(at)] if EVERYTHING in paused else [_is_over(at), _goes_on(paused)]
    query = sa.select(sa.literal(1)).where(messages.c.status == "held", sa.or_(*ways)).limit(1)
    return connection.scalar(query) is not None


def _is_over(at: datetime) -> sa.ColumnElement[bool]:
    return messages.c.send_by < sa.literal(at, messages.c.send_by.type)


def _goes_on(paused: Collection[str]) -> sa.ColumnElement[bool]:
    return messages.c.template.not_in(sorted(paused))


def expire_held(connection: sa.Connection, at: datetime) -> int:
    """End what was held until it was no longer worth sending, and forget the codes among it; return how many."""
    over = messages.update().where(messages.c.status == "held", _is_over(at))
    return _changed(connection, over.values(status="expired", reason="too_late", changed_at=at, **_WIPED))


def cancel(connection: sa.Connection, member_id: str, message_id: str, reason: str, at: datetime) -> bool:
    """Cancel a message that has not begun to be sent; False for any other."""
    one = (messages.c.member_id == member_id, messages.c.message_id == message_id)
    return _cancelled(connection, one, reason, at) == 1


def withdraw(connection: sa.Connection, member_id: str, channel: str, purpose: str, at: datetime) -> int:
    """Cancel all that a member would be sent over a channel for a purpose; return how many."""
    of_it = (messages.c.member_id == member_id, messages.c.channel == channel, messages.c.purpose == purpose)
    return _cancelled(connection, of_it, "withdrawn", at)


def _cancelled(connection: sa.Connection, which: Sequence[sa.ColumnElement[bool]], reason: str, at: datetime) -> int:
    ended = {"status": "cancelled", "reason": reason, "changed_at": at, **_WIPED}
    return _changed(connection, messages.update().where(*which, messages.c.status.in_(OPEN)).values(**ended))


def open_of(connection: sa.Connection, member_id: str) -> list[Message]:
    """Return what a member is still to be sent, without the codes that it asked for."""
    mine = (messages.c.member_id == member_id, messages.c.status.in_(OPEN), messages.c.cause_kind != "code")
    return [Message(*row) for row in connection.execute(sa.select(*COLUMNS).where(*mine))]


def cancel_all(connection: sa.Connection, member_id: str, reason: str, at: datetime) -> int:
    """Cancel all that a member is still to be sent."""
    return _cancelled(connection, (messages.c.member_id == member_id,), reason, at)
