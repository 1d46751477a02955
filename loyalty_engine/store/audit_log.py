"""The queries on the audit log, to which rows are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import audit_log as t


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody did. `actor` is a role and a token, `detail` JSON text; nothing personal in either."""

    entry_id: str
    at: datetime
    actor: str
    action: str
    target: str
    detail: str


_COLUMNS: Final = (t.c.entry_id, t.c.at, t.c.actor, t.c.action, t.c.target, t.c.detail)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_NEWEST: Final = Statement(sa.select(*_COLUMNS).order_by(t.c.entry_id.desc()).limit(_LIMIT))
_BEFORE: Final = sa.bindparam("before", type_=t.c.entry_id.type)
_OLDER: Final = Statement(
    sa.select(*_COLUMNS).where(t.c.entry_id < _BEFORE).order_by(t.c.entry_id.desc()).limit(_LIMIT)
)
_INSERT: Final = statements.insert(t)


def insert(connection: sa.Connection, entry: Entry) -> None:
    """Add an entry."""
    _INSERT.run(
        connection,
        entry_id=entry.entry_id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        detail=entry.detail,
    )


def page(connection: sa.Connection, limit: int, before: str | None) -> tuple[Entry, ...]:
    """Return the newest entries, or those older than the entry `before`: ids follow time."""
    if before is None:
        rows = _NEWEST.rows(connection, limit=limit)
    else:
        rows = _OLDER.rows(connection, limit=limit, before=before)
    return tuple(Entry(*row) for row in rows)
