"""Messages of which nobody knows whether they were sent: whose lease is over, what is to be asked for, and sent once more."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.message_sending import MOST, NOW, ONCE_MORE, THIS, TOGETHER, bind
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import messages as t


@dataclass(frozen=True, slots=True)
class Unknown:
    """A text of which nobody knows whether it was sent: what is needed to ask for it."""

    member_id: str
    message_id: str
    channel: str
    template: str
    cause_kind: str
    purpose: str
    reason: str | None
    planned_at: datetime
    changed_at: datetime
    ask_at: datetime
    sent_digest: str | None


_lapsed: Final = Statement(
    sa.select(t.c.member_id, t.c.message_id, t.c.lease_owner)
    .where(
        t.c.status == sa.literal_column("'sending'"),
        sa.or_(t.c.lease_until < NOW, t.c.lease_until > bind("absurd", t.c.lease_until)),
    )
    .limit(MOST)
)
_UNKNOWN: Final = t.c.status == sa.literal_column("'unknown'")
_unknown: Final = Statement(
    sa.select(
        t.c.member_id,
        t.c.message_id,
        t.c.channel,
        t.c.template,
        t.c.cause_kind,
        t.c.purpose,
        t.c.reason,
        t.c.planned_at,
        t.c.changed_at,
        t.c.lease_until,
        t.c.sent_digest,
    )
    .where(_UNKNOWN, t.c.merged_into.is_(None), t.c.lease_until <= NOW)
    .order_by(t.c.changed_at, t.c.message_id)
    .limit(MOST)
)
_ask: Final = Statement(
    t.update()
    .where(*THIS, _UNKNOWN, t.c.lease_until == bind("before", t.c.lease_until))
    .values(lease_until=bind("until", t.c.lease_until))
)
_again: Final = Statement(
    t.update()
    .where(*TOGETHER, _UNKNOWN, sa.or_(t.c.reason.is_(None), t.c.reason != ONCE_MORE))
    .values(status="planned", reason=ONCE_MORE, send_at=NOW, changed_at=NOW, lease_until=None)
)


def lapsed(connection: sa.Connection, now: datetime, lease: timedelta, most: int) -> list[tuple[str, str, str]]:
    """Return member, message and claim of what is `sending` under a lease that is over.

    A lease that ends later than any that could be taken now is over too: the clock was set back.
    """
    rows = _lapsed.rows(connection, now=now, absurd=now + 2 * lease, most=most)
    return [(str(member_id), str(message_id), str(owner)) for member_id, message_id, owner in rows]


def to_ask_for(connection: sa.Connection, now: datetime, most: int) -> list[Unknown]:
    """Return what is to be asked for now, the oldest first."""
    return [Unknown(*row) for row in _unknown.rows(connection, now=now, most=most)]


def ask_later(connection: sa.Connection, one: Unknown, at: datetime | None) -> bool:
    """Note when to ask next, None for never; False where another worker is asking, or it is known by now."""
    until = {"before": one.ask_at, "until": at}
    return bool(_ask.run(connection, of_member=one.member_id, of_message=one.message_id, **until))


def send_again(connection: sa.Connection, one: Unknown, now: datetime) -> int:
    """Plan a message whose fate stayed unknown once more, with what went out in its text; 0 where that was done before."""
    return _again.run(connection, of_member=one.member_id, of_message=one.message_id, now=now)


def known_ids(connection: sa.Connection, member_id: str) -> set[str]:
    """Return the gateway's ids that a member's messages already stand for."""
    query = sa.select(t.c.provider_id).where(t.c.member_id == member_id, t.c.provider_id.is_not(None))
    return {str(one) for one in connection.scalars(query)}
