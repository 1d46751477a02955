"""The rows that tell what events gave, for the audit to work out again."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.rows import Group
from loyalty_engine.store.tables import event_onces, ledger_entries, limit_uses, member_events

EVENT = "event"
_LIMITS = f"{EVENT}/"


def _stream(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Any]:
    return iter(connection.execution_options(yield_per=1_000).execute(query))


def any_there(connection: sa.Connection) -> bool:
    """Tell whether events ever gave anything, or something says so."""
    tables = (member_events, event_onces)
    said = [sa.exists().select_from(table) for table in tables]
    uses = sa.exists().where(limit_uses.c.limit_id.startswith(_LIMITS))
    entries = sa.exists().where(ledger_entries.c.source_kind == EVENT)
    return bool(connection.scalar(sa.select(sa.or_(*said, uses, entries))))


def events_of(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield (member, event's id, facts)."""
    row = member_events.c
    return _stream(connection, sa.select(row.member_id, row.event_id, row.facts).where(group.of(member_events)))


def points_of(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield (member, source id, points, version, time) of the entries by which events gave."""
    row = ledger_entries.c
    columns = (row.member_id, row.source_id, row.points, row.version, row.occurred_at)
    return _stream(connection, sa.select(*columns).where(group.of(ledger_entries), row.source_kind == EVENT))


def onces_of(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield what gave only once and did."""
    return _stream(connection, sa.select(event_onces).where(group.of(event_onces)))


def uses_of(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield what is used of the caps of event rules."""
    mine = limit_uses.c.limit_id.startswith(_LIMITS)
    return _stream(connection, sa.select(limit_uses).where(group.of(limit_uses), mine))
