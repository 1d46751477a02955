"""Column types that mean the same on PostgreSQL and on SQLite."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


class Instant(sa.TypeDecorator[datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, ISO text in UTC on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        assert value.tzinfo is not None, "an instant without a zone"
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def uuid_text() -> sa.types.TypeEngine[str]:
    """An identifier that the application made (UUIDv7), a `str` in Python: `uuid` on PostgreSQL, text on SQLite."""
    return sa.Uuid(as_uuid=False).with_variant(sa.Text(), "sqlite")
