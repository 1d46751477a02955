"""Whether lots say what their changes say, and nothing is due that a nightly run should have seen: invariants 2 and 8."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check, broken, keys_of
from loyalty_engine.store.nights.expiry import Lapsing, is_due
from loyalty_engine.store.tables import ledger_entries, lot_changes, lots

_LOT = ("member_id", "lot_id")


def checks() -> tuple[Check, ...]:
    """Return the checks on lots by themselves."""
    changes = lot_changes.c
    twice = (
        sa.select(changes.member_id, changes.lot_id, sa.func.count().label(f"{FOUND}times"))
        .where(changes.state == "expired")
        .group_by(changes.member_id, changes.lot_id)
        .having(sa.func.count() > 1)
    )
    return (
        Check(2, "lots", "the state is what the last change of state gave", _LOT, _state()),
        Check(8, "lots", "a lot expires at most once", _LOT, twice),
    )


def _state() -> sa.Select[Any]:
    changes = lot_changes.c
    newest_first = sa.func.row_number().over(
        partition_by=(changes.member_id, changes.lot_id), order_by=changes.seq.desc()
    )
    each = sa.select(changes.member_id, changes.lot_id, changes.state, newest_first.label("place"))
    last = each.where(changes.state.is_not(None)).subquery()
    same = sa.and_(last.c.member_id == lots.c.member_id, last.c.lot_id == lots.c.lot_id, last.c.place == 1)
    # A lot that never changed its state is as it was opened, and none is opened expired.
    wrong = sa.or_(last.c.state != lots.c.state, sa.and_(last.c.state.is_(None), lots.c.state == "expired"))
    shown = (lots.c.state.label(f"{FOUND}state"), last.c.state.label(f"{EXPECTED}state"))
    return sa.select(lots.c.member_id, lots.c.lot_id, *shown).join_from(lots, last, same, isouter=True).where(wrong)


def not_matured(day: date, began_at: datetime) -> Check:
    """Return the check that the run of pending points for `day`, begun at that time, left none of that day."""
    due = sa.and_(lots.c.state == "pending", lots.c.remaining > 0, lots.c.available_on <= day)
    missed = broken(lots, sa.and_(due, _untouched_since(began_at)), "available_on", "remaining")
    return Check(8, "lots", "nothing waits whose day has been run", keys_of(lots), missed)


def not_lapsed(lapsing: Lapsing, began_at: datetime) -> Check:
    """Return the check that the run of expiry for a day, begun at that time, left nothing that was due."""
    missed = broken(lots, sa.and_(is_due(lapsing), _untouched_since(began_at)), "expires_on", "remaining", "held")
    return Check(8, "lots", "nothing is open that was due on a day that has been run", keys_of(lots), missed)


def _untouched_since(at: datetime) -> sa.ColumnElement[bool]:
    """The lot was there, and as it is, when the run began: what came later is for the next one."""
    entry, change = ledger_entries.c, lot_changes.c
    opened_later = sa.exists().where(
        entry.member_id == lots.c.member_id, entry.seq == lots.c.opened_seq, entry.booked_at >= at
    )
    changed_later = sa.exists().where(
        change.member_id == lots.c.member_id,
        change.lot_id == lots.c.lot_id,
        entry.member_id == change.member_id,
        entry.seq == change.seq,
        entry.booked_at >= at,
    )
    return ~sa.or_(opened_later.correlate(lots), changed_later.correlate(lots))
