"""Notices that points are about to lapse: one row for each member, wallet, end and number of days before, written once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_engine.store.nights.batches import AVAILABLE, these
from loyalty_engine.store.nights.dates import later
from loyalty_engine.store.tables import accounts, expiry_notices, lots
from rules.lapsing import lapsed_through
from rules.periods import Period

_COLUMNS = ("member_id", "wallet", "expires_on", "days_before", "points", "status", "planned_on", "planned_at")

_KEY = (lots.c.member_id, lots.c.wallet)


@dataclass(frozen=True, slots=True)
class Noticing:
    """What has to be noticed on a day: ends so many days away, of lots or by inactivity, and sums that are worth it."""

    day: date
    days_before: tuple[int, ...]
    at_least: int
    inactivity: tuple[tuple[str, Period], ...]


class Notice(NamedTuple):
    """A notice that was written just now."""

    member_id: str
    wallet: str
    expires_on: date
    days_before: int
    points: int
    status: str


def due(noticing: Noticing) -> sa.CompoundSelect[Any]:
    """Return the members with an end that has no notice yet, more than once for several."""
    found = []
    for days in noticing.days_before:
        one = sa.select(lots.c.member_id)
        for end, chosen in _ends(noticing, days, one):
            found.append(chosen.where(_long_enough(lots.c.opened_on, days, end)))
    return sa.union_all(*found)


def plan(
    connection: sa.Connection, member_ids: Collection[str], noticing: Noticing, on: date, at: datetime
) -> list[Notice]:
    """Write the notices that these members' ends ask for; return those that are new.

    `on` is the day on which they really are planned, whichever day is being run.
    """
    of_these = sa.select(*_KEY).where(these(connection, lots.c.member_id, member_ids))
    written: list[Notice] = []
    for days in noticing.days_before:
        for grouped in _by_end(noticing, days, of_these):
            long_enough = _long_enough(grouped.c.oldest, days, grouped.c.expires_on)
            written += _insert(connection, grouped, long_enough, noticing, days, on, at)
    return written


def expected(connection: sa.Connection, noticing: Noticing) -> Iterator[tuple[date, int]]:
    """Yield on which day notices would be written that are worth telling, and how many: up to the day of `noticing`.

    What is due before that, and not written, is yielded with the day on which it was due.
    """
    for days in noticing.days_before:
        for grouped in _by_end(noticing, days, sa.select(*_KEY)):
            row = grouped.c
            told = (_long_enough(row.oldest, days, row.expires_on), row.points >= noticing.at_least)
            counted = sa.select(row.expires_on, sa.func.count()).where(*told).group_by(row.expires_on)
            for end, count in connection.execute(counted):
                yield end - timedelta(days=days), count


def _by_end(noticing: Noticing, days: int, chosen: sa.Select[Any]) -> Iterator[sa.Subquery]:
    """Yield what ends together: the points of each member, wallet and end, and since when the oldest lot is there."""
    for end, found in _ends(noticing, days, chosen):
        points = sa.cast(sa.func.sum(lots.c.remaining), sa.BigInteger).label("points")
        oldest = sa.func.min(lots.c.opened_on).label("oldest")
        by_end = found.add_columns(end.label("expires_on"), points, oldest)
        yield by_end.group_by(*_KEY, end if end is lots.c.expires_on else accounts.c.active_on).subquery()


def _ends(
    noticing: Noticing, days: int, chosen: sa.Select[Any]
) -> Iterator[tuple[sa.ColumnElement[Any], sa.Select[Any]]]:
    """Yield each kind of end, with what `chosen` finds of open lots that end so soon and have no notice of it."""
    soon = lots.c.expires_on <= noticing.day + timedelta(days=days)
    yield lots.c.expires_on, chosen.where(AVAILABLE, soon, _unnoticed(lots.c.expires_on, days))
    for wallet, after in noticing.inactivity:
        end = later(accounts.c.active_on, after)
        through = lapsed_through(noticing.day + timedelta(days=days + 1), after)
        account = (accounts.c.member_id == lots.c.member_id, accounts.c.wallet == lots.c.wallet)
        idle = (lots.c.wallet == wallet, lots.c.expires_on.is_(None), accounts.c.active_on <= through)
        yield end, chosen.where(AVAILABLE, *account, *idle, _unnoticed(end, days))


def _unnoticed(end: sa.ColumnElement[Any], days: int) -> sa.ColumnElement[bool]:
    """Asked lot by lot through the key: as an anti-join it may be merged by the day, on which tens of thousands end."""
    notice = expiry_notices.c
    there = sa.select(notice.days_before).where(
        notice.member_id == lots.c.member_id,
        notice.wallet == lots.c.wallet,
        notice.expires_on == end,
        notice.days_before == days,
    )
    return there.correlate(lots, accounts).scalar_subquery().is_(None)


def _long_enough(opened_on: sa.ColumnElement[Any], days: int, end: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """A lot that is shorter than the notice's time was noticed when it was granted."""
    return later(opened_on, Period(days, "days")) <= end


def _insert(
    connection: sa.Connection,
    ends: sa.Subquery,
    long_enough: sa.ColumnElement[bool],
    noticing: Noticing,
    days: int,
    on: date,
    at: datetime,
) -> list[Notice]:
    status = sa.case((ends.c.points < noticing.at_least, "below"), else_="planned")
    chosen = sa.select(
        ends.c.member_id,
        ends.c.wallet,
        ends.c.expires_on,
        sa.literal(days),
        ends.c.points,
        status,
        sa.literal(on, sa.Date),
        sa.literal(at, expiry_notices.c.planned_at.type),
    ).where(long_enough)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    offered = insert(expiry_notices).from_select(_COLUMNS, chosen).on_conflict_do_nothing()
    new = connection.execute(offered.returning(*(expiry_notices.c[name] for name in Notice._fields)))
    return [Notice(str(member_id), *rest) for member_id, *rest in new]
