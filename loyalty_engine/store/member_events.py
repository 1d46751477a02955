"""The queries on events: what came, what gave only once, and how much of an event rule's cap is used."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, add
from loyalty_engine.store.tables import event_onces, limit_uses, member_events

Values = dict[str, Any]

_MEMBER: Final = sa.bindparam("member_id", type_=member_events.c.member_id.type)
_COLUMNS: Final = member_events.columns.keys()
_find: Final = Statement(
    sa.select(member_events).where(
        member_events.c.member_id == _MEMBER, member_events.c.event_id == sa.bindparam("event_id")
    )
)
_named: Final = Statement(
    sa.select(member_events.c.facts).where(
        member_events.c.member_id == _MEMBER, member_events.c.event == sa.bindparam("event")
    )
)
_insert: Final = statements.insert(member_events)
_set_awaits: Final = Statement(
    member_events.update()
    .where(
        member_events.c.member_id == sa.bindparam("member_key", type_=member_events.c.member_id.type),
        member_events.c.event_id == sa.bindparam("event_key"),
    )
    .values(awaits=sa.bindparam("awaits", type_=sa.Text))
)
_once: Final = Statement(
    sa.select(event_onces.c.event_id).where(
        event_onces.c.member_id == _MEMBER,
        event_onces.c.rule_id == sa.bindparam("rule_id"),
        event_onces.c.once_key == sa.bindparam("once_key"),
    )
)
_insert_once: Final = statements.insert(event_onces)
_used: Final = Statement(
    sa.select(limit_uses.c.used).where(
        limit_uses.c.member_id == _MEMBER,
        limit_uses.c.limit_id == sa.bindparam("limit_id"),
        limit_uses.c.period_start == sa.bindparam("period_start", type_=sa.Date),
    )
)
_use: Final = statements.upsert(limit_uses, used=add("used"))


def find(connection: sa.Connection, member_ids: Sequence[str], event_id: str) -> Values | None:
    """Return the event of that id with the first of the members who has one."""
    for member_id in dict.fromkeys(member_ids):
        row = _find.one(connection, member_id=member_id, event_id=event_id)
        if row is not None:
            return dict(zip(_COLUMNS, row, strict=True))
    return None


def facts_of_named(connection: sa.Connection, member_id: str, event: str) -> list[str]:
    """Return the facts, as they are stored, of a member's events of a name."""
    return [row[0] for row in _named.rows(connection, member_id=member_id, event=event)]


def insert(connection: sa.Connection, values: Values) -> None:
    """Keep an event."""
    _insert.run(connection, **values)


def set_awaits(connection: sa.Connection, member_id: str, event_id: str, awaits: str | None) -> None:
    """Say what of an event's points still waits."""
    _set_awaits.run(connection, member_key=member_id, event_key=event_id, awaits=awaits)


def is_used(connection: sa.Connection, member_id: str, rule_id: str, once_key: str) -> bool:
    """Tell whether a rule gave for this already."""
    return _once.one(connection, member_id=member_id, rule_id=rule_id, once_key=once_key) is not None


def use_up(connection: sa.Connection, member_id: str, rule_id: str, once_key: str, event_id: str) -> None:
    """Note that a rule gave for this; `event_id` is the member's event that did it."""
    _insert_once.run(connection, member_id=member_id, rule_id=rule_id, once_key=once_key, event_id=event_id)


def limit_used(connection: sa.Connection, member_id: str, limit_id: str, period_start: date) -> int:
    """Return what is used of a limit in a period."""
    row = _used.one(connection, member_id=member_id, limit_id=limit_id, period_start=period_start)
    return int(row[0]) if row else 0


def use_limit(connection: sa.Connection, member_id: str, limit_id: str, period_start: date, used: int) -> None:
    """Add to what is used of a limit in a period; the member is locked."""
    _use.run(connection, member_id=member_id, limit_id=limit_id, period_start=period_start, used=used)
