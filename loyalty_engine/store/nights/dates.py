"""Calendar arithmetic inside statements, the same on both databases and as `rules.periods.plus` does it.

PostgreSQL stays in the month by itself (31 Jan + 1 month = 28 Feb); SQLite runs over into March and is held back here.
"""

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from rules.periods import Period

_IN_DAYS = {"days": 1, "weeks": 7}
_IN_MONTHS = {"months": 1, "years": 12}


class _PlusDays(FunctionElement[date]):
    type = sa.Date()
    inherit_cache = True


class _PlusMonths(FunctionElement[date]):
    type = sa.Date()
    inherit_cache = True


def later(day: sa.ColumnElement[Any], period: Period) -> sa.ColumnElement[date]:
    """Return the column or expression `day` moved by a period of 0 or more."""
    if period.unit in _IN_DAYS:
        return _PlusDays(day, sa.literal(period.count * _IN_DAYS[period.unit], sa.Integer))
    return _PlusMonths(day, sa.literal(period.count * _IN_MONTHS[period.unit], sa.Integer))


def _arguments(element: FunctionElement[date], compiler: SQLCompiler, **options: Any) -> tuple[str, str]:
    day, count = element.clauses
    return compiler.process(day, **options), compiler.process(count, **options)


@compiles(_PlusDays, "postgresql")
def _plus_days(element: _PlusDays, compiler: SQLCompiler, **options: Any) -> str:
    day, count = _arguments(element, compiler, **options)
    return f"({day} + {count})"


@compiles(_PlusDays, "sqlite")
def _plus_days_on_sqlite(element: _PlusDays, compiler: SQLCompiler, **options: Any) -> str:
    day, count = _arguments(element, compiler, **options)
    return f"date({day}, {count} || ' days')"


@compiles(_PlusMonths, "postgresql")
def _plus_months(element: _PlusMonths, compiler: SQLCompiler, **options: Any) -> str:
    day, count = _arguments(element, compiler, **options)
    return f"CAST({day} + make_interval(months => {count}) AS DATE)"


@compiles(_PlusMonths, "sqlite")
def _plus_months_on_sqlite(element: _PlusMonths, compiler: SQLCompiler, **options: Any) -> str:
    day, count = _arguments(element, compiler, **options)
    last = f"date({day}, 'start of month', ({count} + 1) || ' months', '-1 day')"
    return f"min(date({day}, {count} || ' months'), {last})"
