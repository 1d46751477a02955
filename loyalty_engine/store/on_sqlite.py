"""Runs a statement on SQLite: its text compiled once, values by place, days and instants written at the speed of C."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from loyalty_engine.store.types import Instant

Row = tuple[Any, ...]
_Convert = Callable[[Any], Any]

_DIALECT: Final = sqlite_dialect(paramstyle="qmark")


@lru_cache(maxsize=4096)
def _instant(value: datetime | None) -> str | None:
    """Write an instant as SQLAlchemy does: in UTC, without saying so. One purchase says the same one many times."""
    if value is None:
        return None
    assert value.tzinfo is not None, "an instant without a zone"
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


@lru_cache(maxsize=4096)
def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _read_instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _read_day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _writes(kind: sa.types.TypeEngine[Any]) -> _Convert | None:
    if isinstance(kind, Instant):
        return _instant
    return _day if isinstance(kind, sa.Date) else kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _reads(kind: sa.types.TypeEngine[Any]) -> _Convert | None:
    if isinstance(kind, Instant):
        return _read_instant
    return _read_day if isinstance(kind, sa.Date) else kind.dialect_impl(_DIALECT).result_processor(_DIALECT, None)


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Return the function that picks the values of `names`, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


class OnSQLite:
    """A statement on SQLite."""

    def __init__(self, clause: sa.sql.ClauseElement) -> None:
        compiled = clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        self._text = compiled.string
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        names = compiled.positiontup or ()
        self._pick = _picker(names)
        writes = [(place, _writes(compiled.binds[name].type)) for place, name in enumerate(names)]
        self._writes = [(place, write) for place, write in writes if write is not None]
        columns = clause.exported_columns if isinstance(clause, sa.Select) else ()
        reads = [(place, _reads(column.type)) for place, column in enumerate(columns)]
        self._reads = [(place, read) for place, read in reads if read is not None]

    def _values(self, given: Mapping[str, Any]) -> list[Any]:
        values = list(self._pick({**self._fixed, **given} if self._fixed else given))
        for place, write in self._writes:
            values[place] = write(values[place])
        return values

    def _row(self, raw: Row) -> Row:
        values = list(raw)
        for place, read in self._reads:
            values[place] = read(values[place])
        return tuple(values)

    def rows(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> list[Row]:
        """Return all rows."""
        cursor = connection.connection.cursor()
        cursor.execute(self._text, self._values(parameters))
        found: list[Row] = cursor.fetchall()  # type: ignore[assignment]
        return [self._row(raw) for raw in found] if self._reads else found

    def run(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> int:
        """Write, and return how many rows were touched."""
        cursor = connection.connection.cursor()
        cursor.execute(self._text, self._values(parameters))
        return int(cursor.rowcount)

    def many(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows; SQLite is called, not asked over a wire, and takes them one by one.

        They are turned into columns and back, so that Python sees only the values that are written in another form.
        """
        given = [{**self._fixed, **row} for row in rows] if self._fixed else rows
        columns: list[Iterable[Any]] = list(zip(*map(self._pick, given), strict=True))
        for place, write in self._writes:
            columns[place] = map(write, columns[place])
        connection.connection.cursor().executemany(self._text, list(zip(*columns, strict=True)))
