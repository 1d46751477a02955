"""What targets of webhooks still have to be told: a cursor is claimed with a lease by a conditional UPDATE, and moved on.

Whoever settles locks the cursor first and looks for events then: one that is being written wakes the cursor after that,
or was seen.
"""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import webhook_cursors, webhook_events

_c, _e = webhook_cursors.c, webhook_events.c
_AT: Final = _c.next_at.type
_member: Final = sa.bindparam("member", type_=_c.member_id.type)
_target: Final = sa.bindparam("of_target", type_=_c.target.type)
_now: Final = sa.bindparam("now", type_=_AT)
_owner: Final = sa.bindparam("owner", type_=_c.lease_owner.type)
_this: Final = (_c.member_id == _member, _c.target == _target)
_mine: Final = (*_this, _c.lease_owner == _owner, _c.delivered == sa.bindparam("before", type_=sa.BigInteger))


class Claimed(NamedTuple):
    """A cursor that somebody works on: how far its target is, and how often the next event was tried in vain."""

    member_id: str
    delivered: int
    attempts: int


class Event(NamedTuple):
    """An event as it is stored; `payload` is JSON."""

    event_no: int
    kind: str
    payload: str
    at: datetime


class Lengths(NamedTuple):
    """How long a lease is, and the longest pause between two attempts; what lies further ahead was set by a wrong clock."""

    lease: timedelta
    pause: timedelta


def _is_due(now: Any, far_lease: Any, far_pause: Any) -> sa.ColumnElement[bool]:
    free = sa.or_(_c.lease_until.is_(None), _c.lease_until < now, _c.lease_until > far_lease)
    return sa.and_(sa.or_(_c.next_at <= now, _c.next_at > far_pause), free)


_far: Final = tuple(sa.bindparam(name, type_=_AT) for name in ("far_lease", "far_pause"))
_due: Final = Statement(
    sa.select(_c.member_id)
    .where(_c.target == _target, _c.next_at.is_not(None), _is_due(_now, *_far))
    .order_by(_c.next_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_claim: Final = Statement(
    webhook_cursors.update()
    .where(*_this, _is_due(_now, *_far))
    .values(lease_owner=_owner, lease_until=sa.bindparam("until", type_=_AT))
)
_read: Final = Statement(sa.select(_c.delivered, _c.attempts).where(*_this))
_move: Final = Statement(
    webhook_cursors.update()
    .where(*_mine)
    .values(
        delivered=sa.bindparam("delivered_", type_=sa.BigInteger),
        attempts=sa.bindparam("attempts_", type_=sa.BigInteger),
        next_at=sa.bindparam("next_at_", type_=_AT),
        error=sa.bindparam("error_", type_=sa.Text),
        lease_owner=None,
        lease_until=None,
    )
)
_sleep: Final = Statement(webhook_cursors.update().where(*_this).values(next_at=None))
_after: Final = Statement(
    sa.select(_e.event_no, _e.kind, _e.payload, _e.at)
    .where(_e.member_id == _member, _e.event_no > sa.bindparam("after", type_=sa.BigInteger))
    .order_by(_e.event_no)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def _times(now: datetime, lengths: Lengths) -> dict[str, datetime]:
    return {"now": now, "far_lease": now + 2 * lengths.lease, "far_pause": now + 2 * lengths.pause}


def due(connection: sa.Connection, target: str, now: datetime, lengths: Lengths, most: int) -> list[str]:
    """Return members of whom a target waits to be told, those first that wait longest."""
    rows = _due.rows(connection, of_target=target, most=most, **_times(now, lengths))
    return [row[0] for row in rows]


def claim(
    connection: sa.Connection, member_id: str, target: str, owner: str, now: datetime, lengths: Lengths
) -> Claimed | None:
    """Take a cursor for as long as the lease; None where somebody else has it, or it waits for nothing any more."""
    this = {"member": member_id, "of_target": target}
    taken = _claim.run(connection, **this, owner=owner, until=now + lengths.lease, **_times(now, lengths))
    row = _read.one(connection, **this) if taken else None
    return Claimed(member_id, *row) if row else None


def events(connection: sa.Connection, member_id: str, after: int, most: int) -> list[Event]:
    """Return a member's next events after a number, in their order."""
    return [Event(*row) for row in _after.rows(connection, member=member_id, after=after, most=most)]


def settle(
    connection: sa.Connection,
    claimed: Claimed,
    target: str,
    owner: str,
    delivered: int,
    next_at: datetime | None,
    attempts: int = 0,
    error: str | None = None,
) -> bool:
    """Note how far a target came, and give the cursor back; False where it is no longer `owner`'s.

    Without an error it waits for nothing from then on, unless there are more events.
    """
    this = {"member": claimed.member_id, "of_target": target}
    moved = {"delivered_": delivered, "attempts_": attempts, "next_at_": next_at, "error_": error}
    if not _move.run(connection, **this, owner=owner, before=claimed.delivered, **moved):
        return False
    if error is None and not events(connection, claimed.member_id, delivered, 1):
        _sleep.run(connection, **this)
    return True
