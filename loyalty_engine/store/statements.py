"""Statements written once with Core's tables and run as text on the driver: one definition, without the compiler's cost.

Measured (SPEED.md): compiling at each call doubles what a statement costs, and a result object costs as much again. A
`Statement` compiles once for a dialect, keeps the conversions that the column types ask for, and uses the driver's own
cursor inside the transaction that the connection has open.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

Row = tuple[Any, ...]
_Convert = Callable[[Any], Any]


class _Compiled:
    """The text of a statement in one dialect, with what must be done to its parameters and results."""

    def __init__(self, clause: sa.sql.ClauseElement, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        self.text = compiled.string
        self.fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        converts = {name: _bind_convert(bind.type, dialect) for name, bind in compiled.binds.items()}
        self.binds = [(name, convert) for name, convert in converts.items() if convert is not None]
        columns = [column.type for column in clause.exported_columns] if isinstance(clause, sa.Select) else []
        results = [_result_convert(kind, dialect) for kind in columns]
        self.results = [(place, convert) for place, convert in enumerate(results) if convert is not None]

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {**self.fixed, **given}
        for name, convert in self.binds:
            values[name] = convert(values[name])
        return values

    def row(self, raw: Row) -> Row:
        values = list(raw)
        for place, convert in self.results:
            values[place] = convert(values[place])
        return tuple(values)


def _bind_convert(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _result_convert(kind: sa.types.TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


class Statement:
    """One Core statement with named parameters (`sa.bindparam`), for hot paths.

    `rows` and `one` read, `run` writes and returns how many rows it touched, `many` writes a list of rows. The driver's
    own errors come through; `session` says what they mean.
    """

    def __init__(self, clause: sa.sql.ClauseElement | Callable[[str], sa.sql.ClauseElement]) -> None:
        """Take the clause, or for one that dialects spell differently a function from the dialect's name to it."""
        self._clause = clause
        self._by_dialect: dict[str, _Compiled] = {}

    def _compiled(self, connection: sa.Connection) -> _Compiled:
        name = connection.dialect.name
        found = self._by_dialect.get(name)
        if found is None:
            clause = self._clause if isinstance(self._clause, sa.sql.ClauseElement) else self._clause(name)
            found = self._by_dialect[name] = _Compiled(clause, connection.dialect)
        return found

    def rows(self, connection: sa.Connection, /, **parameters: Any) -> list[Row]:
        """Return all rows as tuples, in the order of the selected columns."""
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(parameters))
        found: list[Row] = list(cursor.fetchall())
        return [compiled.row(raw) for raw in found] if compiled.results else found

    def one(self, connection: sa.Connection, /, **parameters: Any) -> Row | None:
        """Return the first row, or None where there is none."""
        found = self.rows(connection, **parameters)
        return found[0] if found else None

    def run(self, connection: sa.Connection, /, **parameters: Any) -> int:
        """Write, and return how many rows were touched."""
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.parameters(parameters))
        return int(cursor.rowcount)

    def many(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write every row of `rows` (nothing for none)."""
        if not rows:
            return
        compiled = self._compiled(connection)
        cursor = connection.connection.cursor()
        if len(rows) == 1:
            cursor.execute(compiled.text, compiled.parameters(rows[0]))
        else:
            cursor.executemany(compiled.text, [compiled.parameters(row) for row in rows])


def insert(table: sa.Table, *columns: str) -> Statement:
    """INSERT of `columns` (all of them, where none is named) from parameters of the same names."""
    return Statement(table.insert().values(_named(table, columns)))


def insert_once(table: sa.Table, *columns: str) -> Statement:
    """The same, but a row whose key is there already is left as it is and not counted."""
    values = _named(table, columns)
    return Statement(lambda dialect: _insert_for(dialect)(table).values(values).on_conflict_do_nothing())


def upsert(table: sa.Table, **changes: Callable[[sa.Table, Any], Any]) -> Statement:
    """INSERT, or for a key that is there set each of `changes`: a function of the table and the row offered (excluded)."""
    values = _named(table, ())
    keys = list(table.primary_key.columns)

    def clause(dialect: str) -> sa.sql.ClauseElement:
        offered = _insert_for(dialect)(table).values(values)
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


def _named(table: sa.Table, columns: Sequence[str]) -> dict[str, Any]:
    return {name: sa.bindparam(name, type_=table.c[name].type) for name in columns or table.columns.keys()}
