"""How often something was done at the open doors: counted by an INSERT or UPDATE that asks for room, never read first."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import door_counts as t

_NOW: Final = sa.bindparam("now", type_=t.c.expires_at.type)


def _counted(dialect: str, rows: int) -> sa.sql.ClauseElement:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    until = sa.bindparam("until", type_=t.c.expires_at.type)
    offered = insert(t).values(scope_key=sa.bindparam("scope_key"), used=1, expires_at=until)
    over = t.c.expires_at <= _NOW
    counted: sa.sql.ClauseElement = offered.on_conflict_do_update(
        index_elements=[t.c.scope_key],
        set_={
            "used": sa.case((over, 1), else_=t.c.used + 1),
            "expires_at": sa.case((over, offered.excluded.expires_at), else_=t.c.expires_at),
        },
        where=sa.or_(over, t.c.used < sa.bindparam("most", type_=sa.BigInteger)),
    )
    return counted


_TAKE: Final = {dialect: Statement(_counted(dialect, 1)) for dialect in ("postgresql", "sqlite")}
_ONE: Final = Statement(sa.select(t.c.used, t.c.expires_at).where(t.c.scope_key == sa.bindparam("scope_key")))


def take(connection: sa.Connection, scope_key: str, most: int, now: datetime, until: datetime) -> bool:
    """Count once more; False where it was `most` times already. The first one of a span says `until` when it lasts."""
    statement = _TAKE[connection.dialect.name]
    return statement.run(connection, scope_key=scope_key, most=most, now=now, until=until) == 1


def find(connection: sa.Connection, scope_key: str) -> tuple[int, datetime] | None:
    """Return how often it was counted and until when that lasts, or None."""
    row = _ONE.one(connection, scope_key=scope_key)
    return (int(row[0]), row[1]) if row else None
