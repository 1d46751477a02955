"""A member's open lots while a transaction books: loaded once, kept in step with every change, noted for writing.

The account's soonest end follows them (docs/decisions/0007-the-soonest-end-stands-in-the-account.md).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import member_state
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import Account, MemberState, OpenLot
from rules.lots import Lot, LotState, NewLot, Taking


def lots_of(posting: Posting, state: MemberState, wallet: str) -> dict[str, OpenLot]:
    """Return the wallet's lots that have points left, by id: those that are stored, and those of this transaction."""
    found = state.lots.get(wallet)
    if found is None:
        found = {one.lot.lot_id: one for one in member_state.open_lots(posting.connection, state.member_id, wallet)}
        for row in posting.appended.lots:
            if (row["member_id"], row["wallet"]) == (state.member_id, wallet) and row["remaining"]:
                found[row["lot_id"]] = _as_open(row)
        state.lots[wallet] = found
    return found


def _as_open(row: Mapping[str, object]) -> OpenLot:
    lot = Lot(*(row[name] for name in ("lot_id", "remaining", "held", "state", "expires_on", "opened_on")))  # type: ignore[arg-type]
    return OpenLot(lot, str(row["source_kind"]), str(row["source_id"]))


def append_lot(
    posting: Posting,
    state: MemberState,
    wallet: str,
    lot: NewLot,
    source: Source,
    seq: int,
    opened_on: date,
) -> None:
    """Note a lot that an entry opens; what it paid of a debt is gone from it from the start."""
    row = {
        "member_id": state.member_id,
        "lot_id": new_id(),
        "wallet": wallet,
        "source_kind": source.kind,
        "source_id": source.id,
        "granted": lot.granted,
        "remaining": lot.granted - lot.paid_debt,
        "held": 0,
        "state": lot.state,
        "opened_seq": seq,
        "opened_on": opened_on,
        "available_on": lot.available_on,
        "expires_on": lot.expires_on,
        "level": state.level if lot.level is None else lot.level,
    }
    posting.appended.lots.append(row)
    if wallet in state.lots and row["remaining"]:
        state.lots[wallet][str(row["lot_id"])] = _as_open(row)
    if lot.paid_debt:
        change = {"member_id": state.member_id, "lot_id": row["lot_id"], "seq": seq, "taken": lot.paid_debt}
        posting.appended.paid_debts.append(change | {"held": 0, "state": None})
    _note_expiry(state.account(wallet), lot.expires_on, lot.granted - lot.paid_debt)


def take(posting: Posting, state: MemberState, wallet: str, takings: Collection[Taking], seq: int) -> None:
    """Note what an entry takes from lots."""
    for taking in takings:
        change_lot(posting, state, wallet, taking.lot_id, seq, taken=taking.points)
    look_for_expiry(posting, state, wallet)


def change_lot(
    posting: Posting,
    state: MemberState,
    wallet: str,
    lot_id: str,
    seq: int,
    taken: int = 0,
    held: int = 0,
    becomes: LotState | None = None,
) -> None:
    """Note what an entry does to one lot: points taken for good, points held (or with a minus freed), its state."""
    change = {"member_id": state.member_id, "lot_id": lot_id, "seq": seq, "taken": taken, "held": held}
    posting.appended.lot_changes.append(change | {"state": becomes})
    known = lots_of(posting, state, wallet)
    one = known[lot_id]
    lot = replace(
        one.lot, remaining=one.lot.remaining - taken, held=one.lot.held + held, state=becomes or one.lot.state
    )
    if lot.remaining:
        known[lot_id] = one._replace(lot=lot)
    else:
        del known[lot_id]


def _note_expiry(account: Account, expires_on: date | None, points: int) -> None:
    """Keep the account's soonest end in step with a lot that was opened."""
    if expires_on is None or points == 0:
        return
    if account.next_expires_on is None or expires_on < account.next_expires_on:
        account.next_expires_on, account.next_expires_points = expires_on, points
    elif expires_on == account.next_expires_on:
        account.next_expires_points += points


def look_for_expiry(posting: Posting, state: MemberState, wallet: str) -> None:
    """Find the account's soonest end again, after points were taken from lots."""
    account = state.account(wallet)
    account.next_expires_on, account.next_expires_points = None, 0
    for one in lots_of(posting, state, wallet).values():
        _note_expiry(account, one.lot.expires_on, one.lot.remaining)
