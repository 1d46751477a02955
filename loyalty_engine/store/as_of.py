"""Reads what a member had when it had so many entries: sums of entries, and lots with what was done to them by then."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.tables import ledger_entries, lot_changes, lots, members, tier_history
from rules.errors import NotFound
from rules.lots import Lot, LotState
from rules.lots_then import state_then
from rules.movement import Figures

Values = dict[str, Any]

_FIXED = ("wallet", "granted", "available_on", "level", "source_kind", "source_id")


class LotThen(NamedTuple):
    """A lot as it was, and what of it never changes."""

    lot: Lot
    wallet: str
    granted: int
    available_on: date
    level: str | None
    source_kind: str
    source_id: str


def last_seq(connection: sa.Connection, member_id: str, before: datetime) -> int:
    """Return the number of the last entry booked before an instant; 0 where there was none. Raises `NotFound`.

    One number is enough: `booked_at` never decreases along them.
    """
    there = connection.scalar(sa.select(members.c.member_id).where(members.c.member_id == member_id))
    if there is None:
        raise NotFound("member_not_found", "There is no such member.")
    entry = ledger_entries.c
    query = sa.select(sa.func.max(entry.seq)).where(entry.member_id == member_id, entry.booked_at < before)
    return int(connection.scalar(query) or 0)


def figures(connection: sa.Connection, member_id: str, seq: int) -> dict[str, Figures]:
    """Return the figures of each wallet after the entry `seq`: the sums of what entries moved."""
    entry = ledger_entries.c
    sums = [sa.func.sum(entry[name]) for name in Figures._fields]
    mine = (entry.member_id == member_id, entry.seq <= seq)
    query = sa.select(entry.wallet, *sums).where(*mine).group_by(entry.wallet).order_by(entry.wallet)
    return {row[0]: Figures(*map(int, row[1:])) for row in connection.execute(query)}


def lots_then(connection: sa.Connection, member_id: str, seq: int) -> list[LotThen]:
    """Return all lots that were opened by the entry `seq`, each as it was after it."""
    done = _done(connection, member_id, seq)
    states = _states(connection, member_id)
    query = sa.select(lots).where(lots.c.member_id == member_id, lots.c.opened_seq <= seq)
    found = []
    for row in connection.execute(query).mappings():
        taken, held = done.get(row["lot_id"], (0, 0))
        state = state_then(states.get(row["lot_id"], ()), row["state"], seq)
        then = Lot(row["lot_id"], row["granted"] - taken, held, state, row["expires_on"], row["opened_on"])
        fixed = {name: row[name] for name in _FIXED}
        found.append(LotThen(then, **fixed))
    return found


def _done(connection: sa.Connection, member_id: str, seq: int) -> dict[str, tuple[int, int]]:
    change = lot_changes.c
    query = (
        sa.select(change.lot_id, sa.func.sum(change.taken), sa.func.sum(change.held))
        .where(change.member_id == member_id, change.seq <= seq)
        .group_by(change.lot_id)
    )
    return {lot_id: (int(taken), int(held)) for lot_id, taken, held in connection.execute(query)}


def _states(connection: sa.Connection, member_id: str) -> dict[str, list[tuple[int, LotState]]]:
    """Return every change of a lot's state, by lot and in order, also those that came later."""
    change = lot_changes.c
    query = (
        sa.select(change.lot_id, change.seq, change.state)
        .where(change.member_id == member_id, change.state.is_not(None))
        .order_by(change.lot_id, change.seq)
    )
    found: dict[str, list[tuple[int, LotState]]] = defaultdict(list)
    for lot_id, seq, state in connection.execute(query):
        found[lot_id].append((seq, state))
    return found


def tier_changes(connection: sa.Connection, member_id: str, before: datetime) -> list[Values]:
    """Return the changes of level that were booked before an instant, the first one first."""
    change = tier_history.c
    mine = (change.member_id == member_id, change.booked_at < before)
    query = sa.select(tier_history).where(*mine).order_by(change.change_no)
    return [dict(row) for row in connection.execute(query).mappings()]
