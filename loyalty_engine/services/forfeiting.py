"""Leaves nothing on the account of a member who has left: points are forfeited, debts are forgiven, both as adjustments."""

from collections.abc import Iterable
from typing import Final

from loyalty_engine import clock
from loyalty_engine.services import ledger
from loyalty_engine.services.adjustments import KIND
from loyalty_engine.services.member_lots import lots_of, take
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.tables import MAX_POINTS_AN_ENTRY
from rules.lots import NewLot, Taking
from rules.periods import business_day
from rules.plan import Plan

ERASURE: Final = "erasure"
"""The kind of source of what an erasure books."""
AFTERWARDS: Final = "the member has left"


def forfeit(posting: Posting, state: MemberState, plan: Plan, reason: str) -> dict[str, int]:
    """Bring every wallet to nothing, of which nothing may be held; return by wallet what was forfeited, less debts."""
    return {wallet: _wallet(posting, state, plan, wallet, reason) for wallet in sorted(state.accounts)}


def of_the_gone(posting: Posting, plan: Plan) -> None:
    """The same for whoever in a transaction has left: goods that came back later gave or took something."""
    for state in posting.states.values():
        if state.status == "erased":
            forfeit(posting, state, plan, AFTERWARDS)


def _wallet(posting: Posting, state: MemberState, plan: Plan, wallet: str, reason: str) -> int:
    account = state.account(wallet)
    assert account.held == 0, "holds are ended first"
    outstanding = account.available + account.pending - account.debt
    takings = [
        Taking(one.lot.lot_id, one.lot.remaining, one.lot.state) for one in lots_of(posting, state, wallet).values()
    ]
    for some in _parts(takings):
        _take(posting, state, plan, wallet, some, reason)
    while account.debt:
        _forgive(posting, state, plan, wallet, min(account.debt, MAX_POINTS_AN_ENTRY), reason)
    return outstanding


def _parts(takings: Iterable[Taking]) -> list[list[Taking]]:
    """Split what is taken so that none is more than one entry may carry."""
    parts: list[list[Taking]] = []
    room = 0
    for taking in takings:
        if taking.points > room:
            parts.append([])
            room = MAX_POINTS_AN_ENTRY
        parts[-1].append(taking)
        room -= taking.points
    return parts


def _take(posting: Posting, state: MemberState, plan: Plan, wallet: str, takings: list[Taking], reason: str) -> None:
    figures = {name: sum(one.points for one in takings if one.state == name) for name in ("available", "pending")}
    changes = {name: -points for name, points in figures.items()}
    points = -sum(figures.values())
    seq = ledger.append_entry(posting, state, plan, wallet, KIND, points, _source(posting), changes, reason=reason)
    take(posting, state, wallet, takings, seq)


def _forgive(posting: Posting, state: MemberState, plan: Plan, wallet: str, points: int, reason: str) -> None:
    today = business_day(posting.booked_at(state, _source(posting).occurred_at), plan.programme.time_zone)
    lot = NewLot(points, points, "available", today, None)
    ledger.open_lots(posting, state, plan, wallet, (lot,), _source(posting), today, KIND, reason)


def _source(posting: Posting) -> Source:
    return Source(ERASURE, new_id(), posting.now or clock.now())
