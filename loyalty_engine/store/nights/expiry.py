"""Points lapse after their last day, for thousands of members in a few statements.

They stand in for `services.ledger.expire`, lot by lot in the order of `rules.lots.soonest_first`, and for
`rules.lapsing.is_due`: tests/services/test_nights_properties.py holds one beside the other. Lots change last: until then
each statement finds the same ones due.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.nights.batches import (
    AVAILABLE,
    SOONEST_FIRST,
    Booking,
    booked_at,
    count_up,
    insert_entries,
    lock,
    move_figures,
    these,
)
from loyalty_engine.store.nights.dates import later
from loyalty_engine.store.nights.outbox import tell_entries
from loyalty_engine.store.tables import accounts, expiry_notices, ledger_entries, lot_changes, lots, members
from rules.lapsing import lapsed_through
from rules.periods import Period

_FREE = lots.c.remaining - lots.c.held


@dataclass(frozen=True, slots=True)
class Lapsing:
    """What lapses on a day: lots after their end, and in some wallets those without one, by inactivity.

    `last_notice` is how many days before the end the last notice is due, None where none is promised.
    """

    day: date
    last_notice: int | None
    inactivity: tuple[tuple[str, Period], ...]
    """Wallet and how long its accounts may see nothing."""


class Lapsed(NamedTuple):
    """What a batch did: lots of which points lapsed, and how many points."""

    lots: int
    points: int


def due(lapsing: Lapsing) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """Return the members with points that lapse, once for each lot."""
    free = (AVAILABLE, _FREE > 0)
    ended = sa.select(lots.c.member_id).where(*free, _ended(lapsing))
    idle = (
        sa.select(lots.c.member_id).where(*free, _of_account(), accounts.c.available > 0, _idle(lapsing, *one))
        for one in lapsing.inactivity
    )
    return sa.union_all(ended, *idle) if lapsing.inactivity else ended


def is_due(lapsing: Lapsing) -> sa.ColumnElement[bool]:
    """Return the condition that something of a lot lapses."""
    idle = (
        sa.exists().where(_of_account(), _idle(lapsing, wallet, after)).correlate(lots)
        for wallet, after in lapsing.inactivity
    )
    return sa.and_(AVAILABLE, _FREE > 0, sa.or_(_ended(lapsing), *idle))


def _of_account() -> sa.ColumnElement[bool]:
    return sa.and_(accounts.c.member_id == lots.c.member_id, accounts.c.wallet == lots.c.wallet)


def _ended(lapsing: Lapsing) -> sa.ColumnElement[bool]:
    return sa.and_(lots.c.expires_on < lapsing.day, _noticed(lapsing, lots.c.expires_on))


def _idle(lapsing: Lapsing, wallet: str, after: Period) -> sa.ColumnElement[bool]:
    """A lot of `wallet` that carries no end lapses with its account."""
    return sa.and_(
        lots.c.wallet == wallet,
        lots.c.expires_on.is_(None),
        accounts.c.active_on <= lapsed_through(lapsing.day, after),
        _noticed(lapsing, later(accounts.c.active_on, after)),
    )


def _noticed(lapsing: Lapsing, end: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The promised notice has been out for long enough, or the lot is too short for one."""
    last = lapsing.last_notice
    if last is None:
        return sa.true()
    notice = expiry_notices.c
    out = sa.exists().where(
        notice.member_id == lots.c.member_id,
        notice.wallet == lots.c.wallet,
        notice.expires_on == end,
        notice.days_before == last,
        notice.planned_on <= lapsing.day - timedelta(days=last),
    )
    return sa.or_(later(lots.c.opened_on, Period(last, "days")) > end, out.correlate(lots, accounts))


def expire(connection: sa.Connection, member_ids: Collection[str], lapsing: Lapsing, booking: Booking) -> Lapsed:
    """Let what is due of these members lapse; what is held of a lot stays until it is free."""
    lock(connection, member_ids)
    of_these, due_now = these(connection, lots.c.member_id, member_ids), is_due(lapsing)
    are_due = sa.and_(of_these, due_now)
    expired = insert_entries(connection, _entries(are_due, booking))
    if not expired:
        return Lapsed(0, 0)
    points = int(connection.scalar(sa.select(sa.func.sum(_FREE)).where(are_due)) or 0)
    _note_lots(connection, are_due)
    _move(connection, of_these, due_now)
    counted = sa.select(lots.c.member_id, sa.func.count().label("entries")).where(are_due)
    tell_entries(connection, member_ids, "expiry", booking.outbox)
    count_up(connection, booking, counted.group_by(lots.c.member_id))
    ends = sa.case((lots.c.held == 0, "expired"), else_=lots.c.state)
    connection.execute(lots.update().where(are_due).values(remaining=lots.c.held, state=ends))
    return Lapsed(expired, points)


def _numbered(are_due: sa.ColumnElement[bool]) -> sa.Subquery:
    number = sa.func.row_number().over(partition_by=lots.c.member_id, order_by=(lots.c.wallet, *SOONEST_FIRST))
    columns = (lots.c.member_id, lots.c.lot_id, lots.c.wallet, lots.c.held, _FREE.label("free"))
    return sa.select(*columns, number.label("number")).where(are_due).subquery()


def _entries(are_due: sa.ColumnElement[bool], booking: Booking) -> sa.Select[Any]:
    lot = _numbered(are_due)
    seq = members.c.last_seq + lot.c.number
    return sa.select(
        lot.c.member_id,
        seq.label("seq"),
        sa.literal("expiry").label("kind"),
        lot.c.wallet,
        sa.literal("expiry").label("source_kind"),
        _source_id(lot, seq).label("source_id"),
        (-lot.c.free).label("points"),
        (-lot.c.free).label("available"),
        sa.literal(booking.version).label("version"),
        sa.literal(booking.at, ledger_entries.c.occurred_at.type).label("occurred_at"),
        booked_at(booking).label("booked_at"),
        sa.literal(booking.actor).label("actor"),
    ).where(members.c.member_id == lot.c.member_id)


def _source_id(lot: sa.Subquery, seq: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """Name the lot; with the entry's number where a part of it lapsed before, while the rest was held."""
    text = ledger_entries.c.source_id.type
    lot_id = sa.cast(lot.c.lot_id, text)
    earlier = ledger_entries.alias("earlier").c
    before = sa.exists().where(
        earlier.member_id == lot.c.member_id,
        earlier.source_kind == "expiry",
        earlier.source_id == lot_id,
        earlier.wallet == lot.c.wallet,
    )
    return sa.case((before, lot_id.concat("/").concat(sa.cast(seq, text))), else_=lot_id)


def _note_lots(connection: sa.Connection, are_due: sa.ColumnElement[bool]) -> None:
    lot = _numbered(are_due)
    becomes = sa.case((lot.c.held == 0, "expired"))
    chosen = sa.select(
        lot.c.member_id, lot.c.lot_id, members.c.last_seq + lot.c.number, lot.c.free, becomes
    ).where(members.c.member_id == lot.c.member_id)  # fmt: skip
    connection.execute(lot_changes.insert().from_select(["member_id", "lot_id", "seq", "taken", "state"], chosen))


def _move(connection: sa.Connection, of_these: sa.ColumnElement[bool], is_due: sa.ColumnElement[bool]) -> None:
    by_lot = sa.select(
        lots.c.member_id,
        lots.c.wallet,
        lots.c.expires_on,
        sa.case((is_due, 1), else_=0).label("changes"),
        sa.case((is_due, lots.c.held), else_=lots.c.remaining).label("remains"),
        sa.case((is_due, -_FREE), else_=0).label("available"),
    ).where(of_these, lots.c.state != "expired", lots.c.remaining > 0)
    move_figures(connection, by_lot, ("available",))
