"""The queries on a member's own dates: days of the year that mean something to one person."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import member_dates as t


class OwnDate(NamedTuple):
    """A day of the year under a name, and since when it is known."""

    name: str
    month: int
    day: int
    year: int | None
    calendar: str
    leap_month: bool
    set_on: date


_MEMBER: Final = sa.bindparam("member_id", type_=t.c.member_id.type)
_ALL: Final = Statement(
    sa.select(*(t.c[name] for name in OwnDate._fields)).where(t.c.member_id == _MEMBER).order_by(t.c.name)
)
_PUT: Final = statements.upsert(t, **{name: take(name) for name in OwnDate._fields if name != "name"})
_REMOVE: Final = Statement(t.delete().where(t.c.member_id == _MEMBER, t.c.name == sa.bindparam("named")))


def of_member(connection: sa.Connection, member_id: str) -> Sequence[OwnDate]:
    """Return a member's own dates, by name."""
    return [OwnDate(*row) for row in _ALL.rows(connection, member_id=member_id)]


def put(connection: sa.Connection, member_id: str, own: OwnDate) -> None:
    """Keep a date, in the place of one of that name."""
    _PUT.many(connection, [{"member_id": member_id, **own._asdict()}])


def remove(connection: sa.Connection, member_id: str, name: str) -> bool:
    """Forget a date; tell whether there was one."""
    return _REMOVE.run(connection, member_id=member_id, named=name) == 1
