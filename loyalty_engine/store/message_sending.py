"""Messages on their way out: claimed by a conditional UPDATE, changed only by who holds the claim, raised by call-backs.

A status only rises. Whoever comes late, after somebody else resolved a message, changes nothing and is told so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store.messages import COLUMNS, Message
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import messages as t

ONCE_MORE: Final = "once_more"
"""The reason of a message that was sent a second time after nobody knew of the first: there is no third."""

_ON_THE_WAY: Final = ("sending", "unknown")
_GIVEN_UP: Final = ("planned", "held", "suppressed", "expired", "cancelled")
_BELOW: Final[Mapping[str, tuple[str, ...]]] = {
    "accepted": _ON_THE_WAY,
    "sent": (*_ON_THE_WAY, "accepted"),
    "undelivered": (*_ON_THE_WAY, "accepted", "sent"),
    "failed": (*_ON_THE_WAY, "accepted", "sent"),
    "delivered": (*_ON_THE_WAY, "accepted", "sent", "undelivered", "failed"),
}
"""Each status that a gateway tells, with those that it may follow."""


@dataclass(frozen=True, slots=True)
class Group:
    """What goes out together."""

    member_id: str
    channel: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a message that is claimed. `send_at` None leaves it; `counted` says that it was tried."""

    status: str
    reason: str | None = None
    send_at: datetime | None = None
    provider_id: str | None = None
    error: str | None = None
    lease_until: datetime | None = None
    counted: bool = True


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
    changed_at: datetime
    ask_at: datetime
    sent_digest: str | None


def _bind(name: str, column: sa.Column[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=column.type)


_MEMBER: Final = _bind("of_member", t.c.member_id)
_MESSAGE: Final = _bind("of_message", t.c.message_id)
_NOW: Final = _bind("now", t.c.changed_at)
_CLAIM: Final = _bind("claim", t.c.lease_owner)
_MOST: Final = sa.bindparam("most", type_=sa.Integer)
_PLANNED: Final = t.c.status == sa.literal_column("'planned'")
_THIS: Final = (t.c.member_id == _MEMBER, t.c.message_id == _MESSAGE)
_TOGETHER: Final = (t.c.member_id == _MEMBER, sa.or_(t.c.message_id == _MESSAGE, t.c.merged_into == _MESSAGE))
_OF_GROUP: Final = (
    t.c.member_id == _MEMBER,
    t.c.channel == _bind("of_channel", t.c.channel),
    t.c.purpose == _bind("of_purpose", t.c.purpose),
)
_IS_CODE: Final = t.c.purpose == sa.literal_column("'code'")


def _among(column: sa.ColumnElement[Any], words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Written out, where a list of parameters would have to be filled in at each call."""
    return sa.or_(*(column == sa.literal_column(f"'{word}'") for word in words))


def _wiped(status: sa.ColumnElement[Any] | None = None) -> dict[str, Any]:
    """A code and its number are kept no longer than they may still be sent."""
    over = _IS_CODE if status is None else sa.and_(_IS_CODE, sa.not_(_among(status, ("planned", "held"))))
    return {
        "places": sa.case((over, "{}"), else_=t.c.places),
        "to_address": sa.case((over, sa.null()), else_=t.c.to_address),
    }


def _due(*conditions: sa.ColumnElement[bool]) -> Statement:
    of_channel = t.c.channel == _bind("of_channel", t.c.channel)
    query = sa.select(t.c.member_id, t.c.channel, t.c.purpose).where(_PLANNED, *conditions, t.c.send_at <= _NOW)
    return Statement(query.where(of_channel).order_by(t.c.send_at, t.c.message_id).limit(_MOST))


_codes_due: Final = _due(_IS_CODE)
_all_due: Final = _due()
_claim: Final = Statement(
    t.update()
    .where(*_OF_GROUP, _PLANNED, t.c.send_at <= _NOW)
    .values(
        status="sending",
        reason=sa.case((t.c.reason == ONCE_MORE, t.c.reason), else_=sa.null()),
        lease_owner=_CLAIM,
        lease_until=_bind("until", t.c.lease_until),
        provider=_bind("provider", t.c.provider),
        attempts=t.c.attempts + 1,
        changed_at=_NOW,
    )
)
_claimed: Final = Statement(
    sa.select(*COLUMNS)
    .where(*_OF_GROUP, t.c.status == "sending", t.c.lease_owner == _CLAIM)
    .order_by(t.c.send_at, t.c.message_id)
)
_mark: Final = Statement(
    t.update()
    .where(*_THIS, t.c.lease_owner == _CLAIM)
    .values(
        merged_into=_bind("merged_into", t.c.merged_into),
        segments=_bind("segments", t.c.segments),
        sent_digest=_bind("sent_digest", t.c.sent_digest),
    )
)
_STATUS: Final = _bind("new_status", t.c.status)
_REASON: Final = _bind("reason", t.c.reason)
_change: Final = Statement(
    t.update()
    .where(*_THIS, _among(t.c.status, _ON_THE_WAY), t.c.lease_owner == _CLAIM)
    .values(
        status=_STATUS,
        reason=sa.case((t.c.reason == ONCE_MORE, sa.func.coalesce(_REASON, t.c.reason)), else_=_REASON),
        send_at=sa.func.coalesce(_bind("send_at", t.c.send_at), t.c.send_at),
        provider_id=sa.func.coalesce(_bind("provider_id", t.c.provider_id), t.c.provider_id),
        provider_error=_bind("error", t.c.provider_error),
        lease_until=_bind("until", t.c.lease_until),
        attempts=t.c.attempts - sa.bindparam("uncounted", type_=sa.Integer),
        changed_at=_NOW,
        **_wiped(_STATUS),
    )
)
_raise: Final = {
    status: Statement(
        t.update()
        .where(
            *_TOGETHER,
            sa.or_(_among(t.c.status, below), sa.and_(_among(t.c.status, _GIVEN_UP), t.c.attempts > 0)),
            t.c.changed_at >= _bind("since", t.c.changed_at),
        )
        .values(
            status=status,
            reason=sa.case((t.c.reason == ONCE_MORE, t.c.reason), else_=_REASON),
            provider_id=sa.func.coalesce(t.c.provider_id, _bind("provider_id", t.c.provider_id)),
            provider_error=_bind("error", t.c.provider_error),
            lease_until=None,
            changed_at=_NOW,
            **_wiped(),
        )
    )
    for status, below in _BELOW.items()
}
_lapsed: Final = Statement(
    sa.select(t.c.member_id, t.c.message_id, t.c.lease_owner)
    .where(
        t.c.status == sa.literal_column("'sending'"),
        sa.or_(t.c.lease_until < _NOW, t.c.lease_until > _bind("absurd", t.c.lease_until)),
    )
    .limit(_MOST)
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
        t.c.changed_at,
        t.c.lease_until,
        t.c.sent_digest,
    )
    .where(_UNKNOWN, t.c.merged_into.is_(None), t.c.lease_until <= _NOW)
    .order_by(t.c.changed_at, t.c.message_id)
    .limit(_MOST)
)
_ask: Final = Statement(
    t.update()
    .where(*_THIS, _UNKNOWN, t.c.lease_until == _bind("before", t.c.lease_until))
    .values(lease_until=_bind("until", t.c.lease_until))
)
_again: Final = Statement(
    t.update()
    .where(*_TOGETHER, _UNKNOWN, sa.or_(t.c.reason.is_(None), t.c.reason != ONCE_MORE))
    .values(status="planned", reason=ONCE_MORE, send_at=_NOW, changed_at=_NOW, lease_until=None)
)


def due(connection: sa.Connection, channel: str, now: datetime, most: int) -> list[Group]:
    """Return the groups of up to `most` messages that are due: codes first, somebody waits for them; then the oldest."""
    rows = _codes_due.rows(connection, of_channel=channel, now=now, most=most)
    rows += _all_due.rows(connection, of_channel=channel, now=now, most=most)
    return list(dict.fromkeys(Group(*row) for row in rows))


def claim(
    connection: sa.Connection, group: Group, claim: str, provider: str, now: datetime, lease: timedelta
) -> list[Message]:
    """Take all of a group that is due, as `claim` alone; return it in the order of being due, empty where it is gone."""
    of_group = {"of_member": group.member_id, "of_channel": group.channel, "of_purpose": group.purpose}
    if not _claim.run(connection, **of_group, claim=claim, provider=provider, now=now, until=now + lease):
        return []
    return [Message(*row) for row in _claimed.rows(connection, **of_group, claim=claim)]


def mark(
    connection: sa.Connection, member_id: str, says: Sequence[str], claim: str, segments: int, digest: str | None
) -> None:
    """Note what is about to be sent: the first of `says` leads, and the others go out in its text."""
    for message_id in says:
        leads = message_id == says[0]
        _mark.run(
            connection,
            of_member=member_id,
            of_message=message_id,
            claim=claim,
            merged_into=None if leads else says[0],
            segments=segments if leads else 0,
            sent_digest=digest if leads else None,
        )


def change(connection: sa.Connection, member_id: str, message_id: str, claim: str, new: Change, now: datetime) -> bool:
    """Change a message that `claim` holds; False, and nothing changed, where somebody else resolved it or took it over."""
    return bool(
        _change.run(
            connection,
            of_member=member_id,
            of_message=message_id,
            claim=claim,
            new_status=new.status,
            reason=new.reason,
            send_at=new.send_at,
            provider_id=new.provider_id,
            error=new.error and new.error[:32],
            until=new.lease_until,
            uncounted=0 if new.counted else 1,
            now=now,
        )
    )


def raise_to(
    connection: sa.Connection,
    member_id: str,
    message_id: str,
    status: str,
    *,
    provider_id: str | None,
    error: str | None,
    reason: str | None,
    since: datetime,
    now: datetime,
) -> int:
    """Let a message, and what went out in its text, rise to what the gateway tells; return how many rose.

    What has not changed since `since` is left as it is. What was tried and then given up rises too: it was sent after all.
    """
    found = {"of_member": member_id, "of_message": message_id, "provider_id": provider_id, "reason": reason}
    return _raise[status].run(connection, **found, error=error and error[:32], since=since, now=now)


def lapsed(connection: sa.Connection, now: datetime, lease: timedelta, most: int) -> list[tuple[str, str, str]]:
    """Return member, message and claim of what is `sending` under a lease that is over.

    A lease that ends later than any that could be taken now is over too: the clock was set back.
    """
    rows = _lapsed.rows(connection, now=now, absurd=now + 2 * lease, most=most)
    return [(str(member_id), str(message_id), str(owner)) for member_id, message_id, owner in rows]


def unknown(connection: sa.Connection, now: datetime, most: int) -> list[Unknown]:
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
