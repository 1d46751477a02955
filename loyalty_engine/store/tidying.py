"""Rows that have had their time: found some at a time, and deleted or emptied one by one, each by its own key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import door_counts, messages, one_time_codes, phone_codes, tokens
from loyalty_engine.store.types import Instant

_BEFORE: Final = sa.bindparam("before", type_=Instant())


@dataclass(frozen=True, slots=True)
class Sweep:
    """Rows of a table that are over; they are looked at again when they go, for they may have begun anew."""

    table: sa.Table
    find: Statement
    end: Statement

    def some(self, connection: sa.Connection, before: datetime, most: int) -> int:
        """End some of those that were over before an instant; return how many were found."""
        names = [f"key_{column.name}" for column in self.table.primary_key.columns]
        found = self.find.rows(connection, before=before, most=most)
        for row in found:
            self.end.run(connection, before=before, **dict(zip(names, row, strict=True)))
        return len(found)


def _sweep(table: sa.Table, over: sa.ColumnElement[bool], emptied: Mapping[str, Any] | None = None) -> Sweep:
    keys = list(table.primary_key.columns)
    find = sa.select(*keys).where(over).limit(sa.bindparam("most", type_=sa.Integer))
    this = [column == sa.bindparam(f"key_{column.name}", type_=column.type) for column in keys]
    end = table.update().values(**emptied) if emptied else table.delete()
    return Sweep(table, Statement(find), Statement(end.where(*this, over)))


DOOR_COUNTS: Final = _sweep(door_counts, door_counts.c.expires_at < _BEFORE)
PHONE_CODES: Final = _sweep(phone_codes, phone_codes.c.expires_at < _BEFORE)
MEMBER_CODES: Final = _sweep(one_time_codes, one_time_codes.c.expires_at < _BEFORE)
SESSIONS: Final = _sweep(
    tokens,
    sa.and_(tokens.c.member_id.is_not(None), sa.or_(tokens.c.expires_at < _BEFORE, tokens.c.revoked_at < _BEFORE)),
)
"""Members' own tokens that open nothing any more; those of tills and people stay, for the log names them."""
ADDRESSES: Final = _sweep(
    messages,
    sa.and_(
        messages.c.to_address.is_not(None),
        *(messages.c.status != on_its_way for on_its_way in ("planned", "held", "sending")),
        messages.c.changed_at < _BEFORE,
    ),
    {"to_address": None, "places": "{}"},
)
"""Where messages went that are over, and what they said."""
