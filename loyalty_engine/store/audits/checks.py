"""What a check on the database is: a query that returns the rows that break an invariant, with what was expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Rows = sa.Select[Any] | sa.CompoundSelect[Any]
Where = sa.ColumnElement[bool]

FOUND, EXPECTED = "found_", "expected_"


@dataclass(frozen=True, slots=True)
class Check:
    """One sentence that must hold, and the query for the rows that break it.

    The query's columns are `keys`, and for each figure that matters `found_<figure>` and, where one can say it,
    `expected_<figure>`.
    """

    invariant: int
    table: str
    says: str
    keys: tuple[str, ...]
    query: Rows


def run(connection: sa.Connection, check: Check) -> Iterator[sa.RowMapping]:
    """Yield the rows that break a check, without holding them all."""
    yield from connection.execution_options(yield_per=1_000).execute(check.query).mappings()


def differences(keys: Sequence[str], figures: Sequence[str], expected: Rows, found: Rows) -> sa.Select[Any]:
    """Return the keys for which the sums of `figures` differ between two sets of rows with those columns.

    A key that only one side has counts as nothing on the other. One sort, and no join: it works for any size.
    """
    sides = [_side(keys, figures, expected, EXPECTED, FOUND), _side(keys, figures, found, FOUND, EXPECTED)]
    both = sa.union_all(*sides).subquery()
    sums = {
        name: sa.func.sum(both.c[name]) for name in (f"{side}{one}" for one in figures for side in (FOUND, EXPECTED))
    }
    unequal = [sums[f"{FOUND}{one}"] != sums[f"{EXPECTED}{one}"] for one in figures]
    columns = [both.c[key] for key in keys]
    named = [total.label(name) for name, total in sums.items()]
    return sa.select(*columns, *named).group_by(*columns).having(sa.or_(*unequal)).order_by(*columns)


def _side(keys: Sequence[str], figures: Sequence[str], rows: Rows, filled: str, empty: str) -> sa.Select[Any]:
    given = rows.subquery()
    columns = [given.c[key] for key in keys]
    for one in figures:
        columns.append(given.c[one].label(f"{filled}{one}"))
        columns.append(sa.literal_column("0").label(f"{empty}{one}"))
    ordered = sorted(columns[len(keys) :], key=lambda column: str(column.name))
    return sa.select(*columns[: len(keys)], *ordered)


def broken(table: sa.Table, where: Where, *shown: str) -> sa.Select[Any]:
    """Return the rows of a table for which `where` is true: their keys, and the columns that show what is wrong."""
    keys = list(table.primary_key.columns)
    return sa.select(*keys, *(table.c[name].label(f"{FOUND}{name}") for name in shown)).where(where).order_by(*keys)


def keys_of(table: sa.Table) -> tuple[str, ...]:
    """Return the names of the primary key's columns."""
    return tuple(table.primary_key.columns.keys())
