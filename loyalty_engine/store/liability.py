"""Adds up points over all members, in the database: by month of issue, level and kind of entry, however many there are.

Nothing is read that grows with the members: the answers have a row for each month, level and kind. Members' tables are
joined by member only, so that on many nodes each adds up its own.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.tables import ledger_entries, lot_changes, lots
from rules.liability import Cell
from rules.movement import Booked, Figures

Months = Sequence[tuple[int, datetime]]
"""Months by number, each with the instant at which it begins."""


class Bounds(NamedTuple):
    """When the first and the last entry of all were booked."""

    first: datetime
    last: datetime


def bounds(connection: sa.Connection, before: datetime) -> Bounds | None:
    """Return when the first and the last entry before an instant were booked; None where there is none."""
    booked = ledger_entries.c.booked_at
    row = connection.execute(sa.select(sa.func.min(booked), sa.func.max(booked)).where(booked < before)).one()
    return Bounds(*row) if row[0] is not None else None


def booked(connection: sa.Connection, start: datetime, end: datetime) -> Iterator[Booked]:
    """Yield the sums of entries by wallet and kind: those before `start`, and those from then to before `end`."""
    entry = ledger_entries.c
    names = ("points", "forgiven", *Figures._fields)
    is_before = sa.case((entry.booked_at < start, 1), else_=0).label("before")
    each = sa.select(entry.wallet, entry.kind, is_before, *(entry[name] for name in names))
    rows = each.where(entry.booked_at < end).subquery().c
    keys = (rows.wallet, rows.kind, rows.before)
    query = sa.select(*keys, *(sa.func.sum(rows[name]) for name in names)).group_by(*keys).order_by(*keys)
    for wallet, kind, before, points, forgiven, *figures in connection.execute(query):
        yield Booked(wallet, kind, bool(before), int(points), int(forgiven), Figures(*map(int, figures)))


def cells(connection: sa.Connection, months: Months, end: datetime) -> list[Cell]:
    """Return what came to each cohort of lots, and what went, in each of `months`, by what was booked before `end`."""
    booked_in = _month_of(ledger_entries.c.booked_at, months).label("booked")
    before = ledger_entries.c.booked_at < end
    both = sa.union_all(_came(booked_in).where(before), _went(booked_in).where(before))
    found = connection.execute(_added_up(both))
    return [Cell(row.wallet, row.issued, row.level, row.booked, row.kind, int(row.points)) for row in found]


def lapsed(connection: sa.Connection, cut: datetime, end: datetime) -> dict[str, int]:
    """Return by wallet the points that lapsed from `cut` to before `end`, of lots that were opened before `cut`."""
    entry, opening = ledger_entries.c, ledger_entries.alias("opening")
    opened = sa.and_(opening.c.member_id == lots.c.member_id, opening.c.seq == lots.c.opened_seq)
    query = (
        sa.select(lots.c.wallet, sa.func.sum(lot_changes.c.taken))
        .select_from(_changes().join(opening, opened))
        .where(entry.kind == "expiry", entry.booked_at >= cut, entry.booked_at < end, opening.c.booked_at < cut)
        .group_by(lots.c.wallet)
    )
    return {wallet: int(points) for wallet, points in connection.execute(query)}


def _came(booked_in: sa.ColumnElement[int]) -> sa.Select[Any]:
    entry = ledger_entries.c
    opened = sa.and_(entry.member_id == lots.c.member_id, entry.seq == lots.c.opened_seq)
    columns = (*_cohort(), booked_in, entry.kind, lots.c.granted.label("points"), sa.literal_column("1").label("came"))
    return sa.select(*columns).join_from(lots, ledger_entries, opened)


def _went(booked_in: sa.ColumnElement[int]) -> sa.Select[Any]:
    taken = (-lot_changes.c.taken).label("points")
    columns = (*_cohort(), booked_in, ledger_entries.c.kind, taken, sa.literal_column("0").label("came"))
    return sa.select(*columns).select_from(_changes()).where(lot_changes.c.taken != 0)


def _changes() -> sa.Join:
    same_lot = sa.and_(lots.c.member_id == lot_changes.c.member_id, lots.c.lot_id == lot_changes.c.lot_id)
    entry = ledger_entries.c
    same_entry = sa.and_(entry.member_id == lot_changes.c.member_id, entry.seq == lot_changes.c.seq)
    return sa.join(sa.join(lot_changes, lots, same_lot), ledger_entries, same_entry)


def _cohort() -> tuple[sa.ColumnElement[Any], ...]:
    opened_on = lots.c.opened_on
    year, month = (sa.cast(sa.extract(part, opened_on), sa.Integer) for part in ("year", "month"))
    return lots.c.wallet, (year * 12 + month - 1).label("issued"), lots.c.level


def _added_up(rows: sa.CompoundSelect[Any]) -> sa.Select[Any]:
    """Group in a query around the rows: an expression with parameters is not the same to PostgreSQL when it comes twice."""
    each = rows.subquery().c
    keys = (each.wallet, each.issued, each.level, each.booked, each.kind)
    return (
        sa.select(*keys, sa.func.sum(each.points).label("points")).group_by(*keys, each.came).order_by(*keys, each.came)
    )


def _month_of(at: sa.ColumnElement[datetime], months: Months) -> sa.ColumnElement[int]:
    """Return the month of an instant, in the programme's zone, by halving: no database is asked what a zone is."""
    if len(months) == 1:
        return sa.literal(months[0][0], sa.Integer)
    half = len(months) // 2
    later = _month_of(at, months[half:])
    return sa.case((at < months[half][1], _month_of(at, months[:half])), else_=later)
