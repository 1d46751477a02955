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
_PUT_ASIDE: Final = ("planned", "held", "suppressed", "expired")
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


def bind(name: str, column: sa.Column[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=column.type)


MEMBER: Final = bind("of_member", t.c.member_id)
MESSAGE: Final = bind("of_message", t.c.message_id)
NOW: Final = bind("now", t.c.changed_at)
_CLAIM: Final = bind("claim", t.c.lease_owner)
MOST: Final = sa.bindparam("most", type_=sa.Integer)
_PLANNED: Final = t.c.status == sa.literal_column("'planned'")
THIS: Final = (t.c.member_id == MEMBER, t.c.message_id == MESSAGE)
TOGETHER: Final = (t.c.member_id == MEMBER, sa.or_(t.c.message_id == MESSAGE, t.c.merged_into == MESSAGE))
_OF_GROUP: Final = (
    t.c.member_id == MEMBER,
    t.c.channel == bind("of_channel", t.c.channel),
    t.c.purpose == bind("of_purpose", t.c.purpose),
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
    of_channel = t.c.channel == bind("of_channel", t.c.channel)
    query = sa.select(t.c.member_id, t.c.channel, t.c.purpose).where(_PLANNED, *conditions, t.c.send_at <= NOW)
    return Statement(query.where(of_channel).order_by(t.c.send_at, t.c.message_id).limit(MOST))


_codes_due: Final = _due(_IS_CODE)
_others_due: Final = _due(t.c.purpose != sa.literal_column("'code'"))
_claim: Final = Statement(
    t.update()
    .where(*_OF_GROUP, _PLANNED, t.c.send_at <= NOW)
    .values(
        status="sending",
        reason=sa.case((t.c.reason == ONCE_MORE, t.c.reason), else_=sa.null()),
        lease_owner=_CLAIM,
        lease_until=bind("until", t.c.lease_until),
        provider=bind("provider", t.c.provider),
        attempts=t.c.attempts + 1,
        changed_at=NOW,
    )
)
_claimed: Final = Statement(
    sa.select(*COLUMNS)
    .where(*_OF_GROUP, t.c.status == "sending", t.c.lease_owner == _CLAIM)
    .order_by(t.c.send_at, t.c.message_id)
)
_mark: Final = Statement(
    t.update()
    .where(*THIS, t.c.lease_owner == _CLAIM)
    .values(
        merged_into=bind("merged_into", t.c.merged_into),
        segments=bind("segments", t.c.segments),
        sent_digest=bind("sent_digest", t.c.sent_digest),
    )
)
_STATUS: Final = bind("new_status", t.c.status)
_REASON: Final = bind("reason", t.c.reason)
_ALONE: Final = sa.or_(_among(_STATUS, _PUT_ASIDE), _among(_REASON, ("gave_up",)))
"""What was certainly not sent is in nobody's text any more: the text's own message may go out without it."""
_STAYS: Final = sa.and_(t.c.reason == ONCE_MORE, sa.or_(_REASON.is_(None), _among(_STATUS, ("planned", "held"))))
"""A message that may yet be sent does not forget that it was."""
_WAS_TRIED: Final = sa.and_(t.c.message_id == MESSAGE, _among(t.c.status, _GIVEN_UP), t.c.attempts > 0)
_change: Final = Statement(
    t.update()
    .where(*THIS, _among(t.c.status, _ON_THE_WAY), t.c.lease_owner == _CLAIM)
    .values(
        status=_STATUS,
        reason=sa.case((_STAYS, t.c.reason), else_=_REASON),
        merged_into=sa.case((_ALONE, sa.null()), else_=t.c.merged_into),
        send_at=sa.func.coalesce(bind("send_at", t.c.send_at), t.c.send_at),
        provider_id=sa.func.coalesce(bind("provider_id", t.c.provider_id), t.c.provider_id),
        provider_error=bind("error", t.c.provider_error),
        lease_until=bind("until", t.c.lease_until),
        attempts=t.c.attempts - sa.bindparam("uncounted", type_=sa.Integer),
        changed_at=NOW,
        **_wiped(_STATUS),
    )
)
_raise: Final = {
    status: Statement(
        t.update()
        .where(
            *TOGETHER,
            sa.or_(_among(t.c.status, below), _WAS_TRIED),
            t.c.changed_at >= bind("since", t.c.changed_at),
        )
        .values(
            status=status,
            reason=sa.case((t.c.reason == ONCE_MORE, t.c.reason), else_=_REASON),
            provider_id=sa.func.coalesce(t.c.provider_id, bind("provider_id", t.c.provider_id)),
            provider_error=bind("error", t.c.provider_error),
            lease_until=None,
            changed_at=NOW,
            **_wiped(),
        )
    )
    for status, below in _BELOW.items()
}


def due(connection: sa.Connection, channel: str, now: datetime, most: int) -> list[Group]:
    """Return the groups of up to `most` messages that are due: codes first, somebody waits for them; then the oldest."""
    rows = _codes_due.rows(connection, of_channel=channel, now=now, most=most)
    rows += _others_due.rows(connection, of_channel=channel, now=now, most=most)
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

    What has not changed since `since` is left as it is. What was tried and then put off or given up rises only
    by a word about itself: it was sent after all. What another's text was to say then may have been left out of it.
    """
    found = {"of_member": member_id, "of_message": message_id, "provider_id": provider_id, "reason": reason}
    return _raise[status].run(connection, **found, error=error and error[:32], since=since, now=now)
