"""Moves all points of one wallet from one member to another: two entries that cancel out, and the lots as they were.

What available points the one brings pays the other's debt in the same entry, and the other way round.
"""

from datetime import datetime
from typing import NamedTuple

from loyalty_engine.services.ledger import append_entry
from loyalty_engine.services.member_lots import append_lot, lots_of, take
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import merges
from loyalty_engine.store.member_state import Account, MemberState
from loyalty_engine.store.survivors import MERGE
from loyalty_engine.store.tables import MAX_POINTS_AN_ENTRY
from rules import lots
from rules.errors import Conflict
from rules.lots import NewLot, Taking
from rules.plan import Plan


class _Moved(NamedTuple):
    """A lot on its way: its stored row, and what of it pays a debt when it arrives."""

    row: merges.Values
    pays: int


def transfer(posting: Posting, plan: Plan, old: MemberState, kept: MemberState, wallet: str, reason: str) -> int:
    """Move everything of `old` in a wallet to `kept`, of which nothing may be held; return the points.

    An entry stands on both sides even where there is nothing to move: it says in the ledger who came to whom. Raises
    `Conflict` for more points than one entry may carry.
    """
    gone = old.account(wallet)
    assert gone.held == 0, "who has holds isn't merged"
    points = gone.available + gone.pending - gone.debt
    if abs(points) > MAX_POINTS_AN_ENTRY:
        detail = (
            f"{points} points of the wallet {wallet} are more than one entry may carry; spend or adjust some first."
        )
        raise Conflict("points_out_of_range", detail)
    rows = merges.open_lots(posting.connection, old.member_id, wallet)
    arriving = _debts_paid(rows, kept.account(wallet).debt)
    brought = Account(gone.available, gone.pending, 0, gone.debt, gone.lifetime, gone.active_on)
    _leave(posting, plan, old, kept, wallet, rows, reason)
    _arrive(posting, plan, old, kept, wallet, brought, arriving, reason)
    return points


def _debts_paid(rows: list[merges.Values], debt: int) -> list[_Moved]:
    moved = []
    for row in rows:
        pays = min(debt, row["remaining"]) if row["state"] == "available" else 0
        debt -= pays
        moved.append(_Moved(row, pays))
    return moved


def _leave(
    posting: Posting,
    plan: Plan,
    old: MemberState,
    kept: MemberState,
    wallet: str,
    rows: list[merges.Values],
    reason: str,
) -> None:
    gone = old.account(wallet)
    source = Source(MERGE, kept.member_id, _now(posting))
    points = gone.available + gone.pending - gone.debt
    changes = {name: -getattr(gone, name) for name in ("available", "pending", "debt", "lifetime")}
    seq = append_entry(posting, old, plan, wallet, "transfer_out", -points, source, changes, reason=reason)
    take(posting, old, wallet, [Taking(row["lot_id"], row["remaining"], row["state"]) for row in rows], seq)


def _arrive(
    posting: Posting,
    plan: Plan,
    old: MemberState,
    kept: MemberState,
    wallet: str,
    brought: Account,
    arriving: list[_Moved],
    reason: str,
) -> None:
    account = kept.account(wallet)
    paid_there = sum(one.pays for one in arriving)
    paid_here = min(account.available, brought.debt)
    own = [one.lot for one in lots_of(posting, kept, wallet).values()]
    takings = (lots.spend(paid_here, own) or ()) if paid_here else ()
    changes = {
        "available": brought.available - paid_there - paid_here,
        "pending": brought.pending,
        "debt": brought.debt - paid_there - paid_here,
        "lifetime": brought.lifetime,
    }
    source = Source(MERGE, old.member_id, _now(posting))
    points = brought.available + brought.pending - brought.debt
    seq = append_entry(posting, kept, plan, wallet, "transfer_in", points, source, changes, reason=reason)
    for row, pays in arriving:
        lot = NewLot(row["remaining"], pays, row["state"], row["available_on"], row["expires_on"], row["level"])
        origin = Source(row["source_kind"], row["source_id"], source.occurred_at)
        append_lot(posting, kept, wallet, lot, origin, seq, row["opened_on"])
    take(posting, kept, wallet, takings, seq)
    account.active_on = max(account.active_on, brought.active_on)


def _now(posting: Posting) -> datetime:
    assert posting.now is not None, "a merge happens now"
    return posting.now
