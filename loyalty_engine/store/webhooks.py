"""The outbox of webhooks: what happened to members, numbered without a gap for each, in the commit in which it happened.

A cursor for each member and target says how far the target is. One that waits for nothing has no `next_at`; it is woken
here, at the end of the transaction that writes an event, and then has nothing to make up for from before. The member's
row is locked when its events are numbered.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import members, webhook_cursors, webhook_events


class Outbox(NamedTuple):
    """Who is told: target to the kinds of events that it wants; and when what is written now happens."""

    wanted: Mapping[str, Collection[str]]
    at: datetime


Of = Callable[[sa.Column[Any]], sa.ColumnElement[bool]]
"""From a column of members' ids to the condition that it is one of those that a statement is about."""


class NewEvent(NamedTuple):
    """Something that happened to a member; `payload` is JSON."""

    member_id: str
    kind: str
    payload: str


_cursor, _event = webhook_cursors.c, webhook_events.c
_key: Final = sa.bindparam("key", type_=members.c.member_id.type)
_number: Final = Statement(
    members.update()
    .where(members.c.member_id == _key)
    .values(last_event=members.c.last_event + sa.bindparam("more", type_=sa.BigInteger))
)
_last: Final = Statement(sa.select(members.c.last_event).where(members.c.member_id == _key))
_insert: Final = statements.insert(webhook_events)


def _is_idle(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.next_at.is_(None), table.c.error.is_(None))


def _woken(name: str) -> Callable[[sa.Table, Any], Any]:
    """Return the change that takes what is offered where the cursor waits for nothing."""
    return lambda table, offered: sa.case((_is_idle(table), offered[name]), else_=table.c[name])


_WAKING: Final = {name: _woken(name) for name in ("delivered", "next_at")}
_wake: Final = statements.upsert(webhook_cursors, **_WAKING)
_ASLEEP: Final = {"attempts": 0, "lease_owner": None, "lease_until": None, "error": None}


def append(connection: sa.Connection, events: Sequence[NewEvent], outbox: Outbox) -> None:
    """Write events in the order in which they happened, and wake the targets that want them."""
    by_member: dict[str, list[NewEvent]] = {}
    for event in events:
        by_member.setdefault(event.member_id, []).append(event)
    rows, cursors, at = [], [], outbox.at
    for member_id, own in sorted(by_member.items()):
        before = _numbered(connection, member_id, len(own))
        numbered = enumerate(own, start=before + 1)
        rows += [
            {"member_id": member_id, "event_no": number, "kind": event.kind, "payload": event.payload, "at": at}
            for number, event in numbered
        ]
        kinds = {event.kind for event in own}
        asleep = {"member_id": member_id, "delivered": before, "next_at": at, **_ASLEEP}
        cursors += [{**asleep, "target": name} for name, wants in outbox.wanted.items() if not kinds.isdisjoint(wants)]
    _insert.many(connection, rows)
    _wake.many(connection, cursors)


def _numbered(connection: sa.Connection, member_id: str, more: int) -> int:
    """Take the next numbers of a member, whose row is locked by that; return the last one before them."""
    _number.run(connection, key=member_id, more=more)
    row = _last.one(connection, key=member_id)
    assert row is not None, "an event has its member"
    return int(row[0]) - more


def append_from(
    connection: sa.Connection, of: Of, kind: str, found: sa.Select[*tuple[Any, ...]], outbox: Outbox
) -> None:
    """The same for thousands of members at once, who are locked.

    `found` has the columns `member_id`, `number` (1, 2, … of each member) and `payload`.
    """
    one = found.subquery()
    numbered = sa.select(
        one.c.member_id,
        (members.c.last_event + one.c.number).label("event_no"),
        sa.literal(kind).label("kind"),
        one.c.payload,
        sa.literal(outbox.at, _event.at.type).label("at"),
    ).where(members.c.member_id == one.c.member_id)
    names = [column.name for column in numbered.selected_columns]
    connection.execute(webhook_events.insert().from_select(names, numbered))
    for target in (name for name, kinds in outbox.wanted.items() if kind in kinds):
        connection.execute(_waking(connection, of, target, outbox.at))
    newest = (
        sa.select(_event.member_id, sa.func.max(_event.event_no).label("last_event"))
        .where(of(_event.member_id))
        .group_by(_event.member_id)
        .subquery()
    )
    connection.execute(
        members.update()
        .where(of(members.c.member_id), newest.c.member_id == members.c.member_id)
        .where(newest.c.last_event > members.c.last_event)
        .values(last_event=newest.c.last_event)
    )


def _waking(connection: sa.Connection, of: Of, target: str, at: datetime) -> Any:
    """Return the statement that wakes the cursors of those who have an event that is not numbered in their row yet."""
    fresh = sa.exists().where(_event.member_id == members.c.member_id, _event.event_no > members.c.last_event)
    values = {"target": sa.literal(target), "delivered": members.c.last_event}
    values |= {"next_at": sa.literal(at, _cursor.next_at.type), "attempts": sa.literal(0)}
    chosen = sa.select(members.c.member_id, *(value.label(name) for name, value in values.items()))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    offered = insert(webhook_cursors).from_select(
        ["member_id", *values], chosen.where(of(members.c.member_id), fresh.correlate(members))
    )
    changes = {name: change(webhook_cursors, offered.excluded) for name, change in _WAKING.items()}
    return offered.on_conflict_do_update(index_elements=list(webhook_cursors.primary_key.columns), set_=changes)
