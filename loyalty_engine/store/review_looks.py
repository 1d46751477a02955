"""The days of a batch's looks at levels, as SQL takes them: mostly the same for all, else a table to join with."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from loyalty_engine.store.tables import members
from loyalty_engine.store.types import Instant
from rules.reviews import Look

m = members.c
_DAYS: Final[dict[str, sa.types.TypeEngine[Any]]] = {name: sa.Date() for name in ("due", "joined", *Look._fields)}
_COLUMNS: Final = _DAYS | {"happens_at": Instant(), "source_id": sa.Text()}
Columns = Mapping[str, sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A look at those whose review is due, or at everybody."""

    due_only: bool
    look: Callable[[date, date], Look]
    """From the day that a review is due (the run's own, for everybody) and the day of joining."""
    happens_at: Callable[[date], datetime]
    """When what is decided by a look through that day begins."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The days of each member's look, by name: fixed ones where `table` is None, else its columns."""

    columns: Columns
    table: sa.FromClause | None
    same: sa.ColumnElement[bool]
    """Which row of the table is a member's."""
    first: date
    """The first day that counts for anybody."""

    @property
    def beside_members(self) -> sa.FromClause:
        """The members, each with its look."""
        return members if self.table is None else sa.join(members, self.table, self.same)

    @property
    def to_carry(self) -> list[sa.ColumnElement[Any]]:
        """What a subquery has to carry along; fixed days needn't be."""
        return [] if self.table is None else [column.label(name) for name, column in self.columns.items()]

    def carried_by(self, subquery: sa.CTE) -> Columns:
        """Return the days as they are told outside of a subquery that carried them."""
        return self.columns if self.table is None else {name: subquery.c[name] for name in _COLUMNS}


def looks_of(
    connection: sa.Connection, kind: Kind, night: date, who: sa.ColumnElement[bool], by_joining: bool
) -> Looks | None:
    """Return the looks at the members for whom `who` holds; None where there are none.

    In one night nearly all are the same; membership years have one for each day of joining.
    """
    due = m.level_review_on if kind.due_only else sa.literal(night, sa.Date)
    joined = m.joined_on if by_joining else sa.literal(date.min, sa.Date)
    rows = [_row(kind, *pair) for pair in connection.execute(sa.select(due, joined).where(who).distinct())]
    if not rows:
        return None
    first = min(row[name] for row in rows for name in ("counts_from", "running_from"))
    if len(rows) == 1:
        fixed = {name: sa.literal(rows[0][name], type_) for name, type_ in _COLUMNS.items()}
        return Looks(fixed, None, sa.true(), first)
    table = _table(connection, rows)
    is_due = table.c.due == m.level_review_on if kind.due_only else sa.true()
    same = sa.and_(is_due, table.c.joined == m.joined_on) if by_joining else is_due
    return Looks({name: table.c[name] for name in _COLUMNS}, table, same, first)


def _row(kind: Kind, due: date, joined: date) -> dict[str, Any]:
    look = kind.look(due, joined)
    days = {"due": due, "joined": joined, **look._asdict()}
    return days | {"happens_at": kind.happens_at(look.through), "source_id": due.isoformat()}


def _table(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> sa.FromClause:
    """Return the rows as a table: one parameter, however many they are."""
    on_sqlite = connection.dialect.name == "sqlite"
    text = json.dumps([{name: _text(value, on_sqlite) for name, value in row.items()} for row in rows])
    if on_sqlite:
        each = sa.func.json_each(text).table_valued("value")
        picked = {name: sa.func.json_extract(each.c.value, f"$.{name}") for name in _COLUMNS}
        return sa.select(
            *(sa.type_coerce(picked[name], kind).label(name) for name, kind in _COLUMNS.items())
        ).subquery()
    given = sa.cast(sa.literal(text, sa.Text), postgresql.JSONB)
    columns = [sa.column(name, kind) for name, kind in _COLUMNS.items()]
    return sa.func.jsonb_to_recordset(given).table_valued(*columns).render_derived("looks", with_types=True)


def _text(value: Any, on_sqlite: bool) -> str | None:
    """Write a day or an instant as the database does."""
    if not isinstance(value, datetime):
        return value.isoformat() if isinstance(value, date) else value
    at = value.astimezone(UTC)
    return (at.replace(tzinfo=None) if on_sqlite else at).isoformat(" ", "microseconds")


def midnight_after(day: date, zone: tzinfo) -> datetime:
    """Return the beginning of the day after `day`."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone)
