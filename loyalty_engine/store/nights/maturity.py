"""Pending points become available on their day, for thousands of members in a few statements.

They stand in for `services.ledger.mature`, lot by lot in the order of `rules.lots.soonest_first`, and give the same rows:
tests/services/test_nights_properties.py holds one beside the other. What a lot pays of a debt is worked out by each
statement anew, which is why lots change last and accounts after all that asks for their debt.
"""

from collections.abc import Collection
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.nights.batches import (
    PENDING,
    SOONEST_FIRST,
    Booking,
    at_least,
    at_most,
    booked_at,
    count_up,
    insert_entries,
    lock,
    move_figures,
    these,
)
from loyalty_engine.store.nights.outbox import tell_entries
from loyalty_engine.store.tables import accounts, ledger_entries, lot_changes, lots, members


class Matured(NamedTuple):
    """What a batch did: lots that became available, and their points."""

    lots: int
    points: int


def _is_due(day: date) -> sa.ColumnElement[bool]:
    return sa.and_(PENDING, lots.c.available_on <= day, lots.c.remaining > 0)


def due(day: date) -> sa.Select[Any]:
    """Return the members with points whose waiting is over, once for each lot."""
    return sa.select(lots.c.member_id).where(_is_due(day))


def mature(connection: sa.Connection, member_ids: Collection[str], day: date, booking: Booking) -> Matured:
    """Make what is due of these members available; a debt takes its part first, of the lot that lapses first."""
    lock(connection, member_ids)
    of_these, is_due = these(connection, lots.c.member_id, member_ids), _is_due(day)
    are_due = sa.and_(of_these, is_due)
    due_lots = _paying(are_due, lots.c.remaining)
    matured = insert_entries(connection, _entries(due_lots, booking))
    if not matured:
        return Matured(0, 0)
    points = int(connection.scalar(sa.select(sa.func.sum(lots.c.remaining)).where(are_due)) or 0)
    _note_lots(connection, due_lots)
    open_lots = sa.and_(of_these, lots.c.state != "expired", lots.c.remaining > 0)
    _move(connection, _paying(open_lots, sa.case((is_due, lots.c.remaining), else_=0)))
    counted = sa.select(lots.c.member_id, sa.func.count().label("entries")).where(are_due)
    tell_entries(connection, member_ids, "accrual", booking.outbox)
    count_up(connection, booking, counted.group_by(lots.c.member_id))
    _change_lots(connection, are_due)
    return Matured(matured, points)


def _paying(chosen: sa.ColumnElement[bool], waits: sa.ColumnElement[Any]) -> sa.Subquery:
    """Return lots with their numbers and what they pay of their account's debt, in their order, from what `waits`."""
    account = (lots.c.member_id, lots.c.wallet)
    so_far = sa.func.sum(waits).over(partition_by=account, order_by=SOONEST_FIRST, rows=(None, 0))
    # Numbered in the order of the sums, so that one sort does for both.
    number = sa.func.row_number().over(partition_by=lots.c.member_id, order_by=(lots.c.wallet, *SOONEST_FIRST))
    row = sa.select(
        lots.c.member_id, lots.c.lot_id, lots.c.wallet, lots.c.remaining, lots.c.expires_on, accounts.c.debt,
        waits.label("waits"), sa.cast(so_far - waits, sa.BigInteger).label("before"), number.label("number"),
    ).where(
        chosen, accounts.c.member_id == lots.c.member_id, accounts.c.wallet == lots.c.wallet
    ).subquery()  # fmt: skip
    paid = at_most(at_least(row.c.debt - row.c.before, 0), row.c.waits)
    return sa.select(row, paid.label("paid")).subquery()


def _entries(lot: sa.Subquery, booking: Booking) -> sa.Select[Any]:
    return sa.select(
        lot.c.member_id,
        (members.c.last_seq + lot.c.number).label("seq"),
        sa.literal("maturity").label("kind"),
        lot.c.wallet,
        sa.literal("maturity").label("source_kind"),
        sa.cast(lot.c.lot_id, ledger_entries.c.source_id.type).label("source_id"),
        (lot.c.waits - lot.c.paid).label("available"),
        (-lot.c.waits).label("pending"),
        (-lot.c.paid).label("debt"),
        sa.literal(booking.version).label("version"),
        sa.literal(booking.at, ledger_entries.c.occurred_at.type).label("occurred_at"),
        booked_at(booking).label("booked_at"),
        sa.literal(booking.actor).label("actor"),
    ).where(members.c.member_id == lot.c.member_id)


def _note_lots(connection: sa.Connection, lot: sa.Subquery) -> None:
    chosen = sa.select(
        lot.c.member_id, lot.c.lot_id, members.c.last_seq + lot.c.number, lot.c.paid, sa.literal("available")
    ).where(members.c.member_id == lot.c.member_id)
    connection.execute(lot_changes.insert().from_select(["member_id", "lot_id", "seq", "taken", "state"], chosen))


def _move(connection: sa.Connection, lot: sa.Subquery) -> None:
    by_lot = sa.select(
        lot.c.member_id,
        lot.c.wallet,
        lot.c.expires_on,
        sa.case((lot.c.waits > 0, 1), else_=0).label("changes"),
        (lot.c.remaining - lot.c.paid).label("remains"),
        (lot.c.waits - lot.c.paid).label("available"),
        (-lot.c.waits).label("pending"),
        (-lot.c.paid).label("debt"),
    )
    move_figures(connection, by_lot, ("available", "pending", "debt"))


def _change_lots(connection: sa.Connection, are_due: sa.ColumnElement[bool]) -> None:
    """A lot becomes available once, so that its change is known by that."""
    change = lot_changes.c
    same = (change.member_id == lots.c.member_id, change.lot_id == lots.c.lot_id, change.state == "available")
    connection.execute(
        lots.update().where(are_due, *same).values(remaining=lots.c.remaining - change.taken, state="available")
    )
