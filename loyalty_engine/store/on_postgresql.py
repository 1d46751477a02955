"""Runs a statement on PostgreSQL as one that libpq prepared, without a cursor: a fifth of the time that a cursor takes.

psycopg still opens connections, commits and tells errors apart. Values go and come as text; the casts that SQLAlchemy
writes into a statement (`$1::UUID`) tell the server their types.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from loyalty_engine.store.types import Instant

Row = tuple[Any, ...]
Clause = Callable[[int], sa.sql.ClauseElement]
"""From how many rows a statement writes to the statement."""

_DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_DONE: Final = {ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK}
_ROWS_AT_ONCE: Final = (50, 10, 4, 3, 2, 1)
"""So many rows one statement may write: few sizes, because each is prepared on its own."""


def _text(value: str) -> bytes:
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL text can't hold a NUL character")
    return value.encode()


def _plain(value: object) -> bytes:
    return str(value).encode()


_DUMPS: Final[dict[type, Callable[[Any], bytes | None]]] = {
    str: _text,
    int: _plain,
    bool: _plain,
    date: _plain,
    datetime: _plain,
    type(None): lambda _: None,
}
_LOADS: Final[tuple[tuple[type, Callable[[bytes], Any]], ...]] = (
    (sa.Integer, int),
    (sa.Boolean, lambda value: value == b"t"),
    (sa.Date, lambda value: date.fromisoformat(value.decode())),
    (Instant, lambda value: datetime.fromisoformat(value.decode())),
    (sa.String, bytes.decode),
    (sa.Uuid, bytes.decode),
)


def _load(kind: sa.types.TypeEngine[Any]) -> Callable[[bytes], Any]:
    return next(load for known, load in _LOADS if isinstance(kind, known))


_numbers = count(1)


class Prepared:
    """One text with its places, known on each connection under its own name."""

    def __init__(self, clause: sa.sql.ClauseElement) -> None:
        compiled = clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        self.text = compiled.string.encode()
        self.name = b"loyalty_%d" % next(_numbers)
        self.places = list(compiled.positiontup or ())
        self.fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        columns = clause.exported_columns if isinstance(clause, sa.Select) else ()
        self.loads = [(place, _load(column.type)) for place, column in enumerate(columns)]

    def execute(self, connection: sa.Connection, given: Mapping[str, Any]) -> PGresult:
        pgconn = _pgconn(connection)
        known = connection.info.setdefault("prepared", set())
        if self.name not in known:
            _checked(pgconn, pgconn.prepare(self.name, self.text))
            known.add(self.name)
        values = {**self.fixed, **given} if self.fixed else given
        dumped: list[Any] = [_DUMPS[type(value)](value) for value in [values[place] for place in self.places]]
        return _checked(pgconn, pgconn.exec_prepared(self.name, dumped))

    def rows(self, result: PGresult) -> list[Row]:
        get, loads = result.get_value, self.loads
        return [
            tuple([None if (value := get(row, place)) is None else load(value) for place, load in loads])
            for row in range(result.ntuples)
        ]


class OnPostgreSQL:
    """A statement on PostgreSQL; one that writes many rows is prepared for a few numbers of them."""

    def __init__(self, clause: Clause, takes_rows: bool) -> None:
        self._clause = clause
        self._sizes = _ROWS_AT_ONCE if takes_rows else (1,)
        self._prepared: dict[int, Prepared] = {}

    def _for(self, rows: int) -> Prepared:
        found = self._prepared.get(rows)
        if found is None:
            found = self._prepared[rows] = Prepared(self._clause(rows))
        return found

    def rows(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> list[Row]:
        """Return all rows."""
        prepared = self._for(1)
        return prepared.rows(prepared.execute(connection, parameters))

    def run(self, connection: sa.Connection, parameters: Mapping[str, Any]) -> int:
        """Write, and return how many rows were touched."""
        return self._for(1).execute(connection, parameters).command_tuples or 0

    def many(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows, as many as can be with each round trip."""
        for part in self._parts(rows):
            named = part[0] if len(part) == 1 else _numbered(part)
            self._for(len(part)).execute(connection, named)

    def _parts(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
        start = 0
        while left := len(rows) - start:
            size = next(size for size in self._sizes if size <= left)
            yield rows[start : start + size]
            start += size


def _numbered(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}


def begin(connection: sa.Connection) -> None:
    """Begin the transaction that SQLAlchemy speaks of: psycopg begins one only when a cursor is used."""
    level = connection.get_execution_options().get("isolation_level")
    if level != "AUTOCOMMIT":
        pgconn = _driver(connection).pgconn
        _checked(pgconn, pgconn.exec_(f"BEGIN ISOLATION LEVEL {level}".encode() if level else b"BEGIN"))


def _pgconn(connection: sa.Connection) -> PGconn:
    """Return libpq's connection, inside a transaction unless each statement is to be its own."""
    driver = _driver(connection)
    if driver.pgconn.transaction_status == TransactionStatus.IDLE and not driver.autocommit:
        connection.begin()
    return driver.pgconn


def _driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    driver: Any = connection.connection.driver_connection
    return driver  # type: ignore[no-any-return]


def _checked(pgconn: PGconn, result: PGresult) -> PGresult:
    if result.status in _DONE:
        return result
    if pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(pgconn.get_error_message())
    raise psycopg.errors.error_from_result(result)
