"""Statements written once with Core's tables and run as text on the driver: one definition, without the compiler's cost.

Measured (SPEED.md): compiling at each call doubles what a statement costs, and a cursor of psycopg's costs as much again.
So a `Statement` is compiled once for a database, and run by what is quickest there (`on_postgresql`, `on_sqlite`),
inside the transaction that the connection has open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_engine.store.on_postgresql import OnPostgreSQL
from loyalty_engine.store.on_sqlite import OnSQLite

Row = tuple[Any, ...]
Written = Callable[[str, int], sa.sql.ClauseElement]
"""From a dialect's name and how many rows are written at once to the clause that does it."""


class Statement:
    """One Core statement with named parameters (`sa.bindparam`), for hot paths.

    `rows` and `one` read, `run` writes and returns how many rows it touched, `many` writes a list of rows. The driver's
    own errors come through; `session` says what they mean.
    """

    def __init__(self, clause: sa.sql.ClauseElement | Written) -> None:
        """Take the clause; or for one that inserts rows a function that writes it out for a dialect."""
        self._clause = clause
        self._by_dialect: dict[str, OnPostgreSQL | OnSQLite] = {}

    def _on(self, connection: sa.Connection) -> OnPostgreSQL | OnSQLite:
        name = connection.dialect.name
        return self._by_dialect.get(name) or self._prepare(name)

    def _prepare(self, dialect: str) -> OnPostgreSQL | OnSQLite:
        clause = self._clause
        takes_rows = not isinstance(clause, sa.sql.ClauseElement)
        write = (lambda dialect, rows: clause) if isinstance(clause, sa.sql.ClauseElement) else clause
        prepared: OnPostgreSQL | OnSQLite
        if dialect == "postgresql":
            prepared = OnPostgreSQL(lambda rows: write(dialect, rows), takes_rows)
        else:
            prepared = OnSQLite(write(dialect, 1))
        self._by_dialect[dialect] = prepared
        return prepared

    def rows(self, connection: sa.Connection, /, **parameters: Any) -> list[Row]:
        """Return all rows as tuples, in the order of the selected columns."""
        return self._on(connection).rows(connection, parameters)

    def one(self, connection: sa.Connection, /, **parameters: Any) -> Row | None:
        """Return the first row, or None where there is none."""
        found = self._on(connection).rows(connection, parameters)
        return found[0] if found else None

    def run(self, connection: sa.Connection, /, **parameters: Any) -> int:
        """Write, and return how many rows were touched."""
        return self._on(connection).run(connection, parameters)

    def many(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write every row of `rows` (nothing for none); for `upsert` no two of them may have the same key."""
        if rows:
            self._on(connection).many(connection, rows)


def insert(table: sa.Table, *columns: str) -> Statement:
    """INSERT of `columns` (all of them, where none is named) from parameters of the same names."""
    return Statement(lambda dialect, rows: table.insert().values(_named(table, columns, rows)))


def insert_once(table: sa.Table, *columns: str) -> Statement:
    """The same, but a row whose key is there already is left as it is and not counted."""

    def clause(dialect: str, rows: int) -> sa.sql.ClauseElement:
        offered: sa.sql.ClauseElement = (
            _insert_for(dialect)(table).values(_named(table, columns, rows)).on_conflict_do_nothing()
        )
        return offered

    return Statement(clause)


def upsert(table: sa.Table, **changes: Callable[[sa.Table, Any], Any]) -> Statement:
    """INSERT, or for a key that is there set each of `changes`: a function of the table and the row offered (excluded)."""
    keys = list(table.primary_key.columns)

    def clause(dialect: str, rows: int) -> sa.sql.ClauseElement:
        offered = _insert_for(dialect)(table).values(_named(table, (), rows))
        set_ = {name: change(table, offered.excluded) for name, change in changes.items()}
        updating: sa.sql.ClauseElement = offered.on_conflict_do_update(index_elements=keys, set_=set_)
        return updating

    return Statement(clause)


def add(name: str) -> Callable[[sa.Table, Any], Any]:
    """Return the change, for `upsert`, that adds what is offered to what is there."""
    return lambda table, offered: table.c[name] + offered[name]


def take(name: str) -> Callable[[sa.Table, Any], Any]:
    """Return the change, for `upsert`, that puts what is offered in the place of what is there."""
    return lambda table, offered: offered[name]


def _insert_for(dialect: str) -> Any:
    return postgresql.insert if dialect == "postgresql" else sqlite.insert


def _named(table: sa.Table, columns: Sequence[str], rows: int) -> Any:
    """Return the parameters for a row: each column's own name; for more rows with `_0`, `_1`, … after it."""
    names = columns or table.columns.keys()
    if rows == 1:
        return {name: sa.bindparam(name, type_=table.c[name].type) for name in names}
    return [{name: sa.bindparam(f"{name}_{row}", type_=table.c[name].type) for name in names} for row in range(rows)]
