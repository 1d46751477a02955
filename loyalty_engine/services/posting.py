"""How one transaction books purchases and returns: members locked once, every figure kept in step, written at the end.

The same `Posting` books one purchase from a till and two thousand from an import, so that both give the same results.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.services.actors import Actor
from loyalty_engine.store import member_state, postings
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import Account, MemberState
from loyalty_engine.store.postings import Appended
from rules import lots
from rules.lots import Lot, TakenBack
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import InactivityExpiry, Wallet


class Source(NamedTuple):
    """What an entry is about, and when that happened: a purchase, a return, a move to another member."""

    kind: str
    id: str
    occurred_at: datetime


class Booked(NamedTuple):
    """What a grant or a reversal did to one wallet."""

    wallet: str
    points: int
    pending: int = 0
    forgiven: int = 0


class Overtaken(Exception):
    """What was judged ahead of its transaction has changed before it was written."""


@dataclass(slots=True)
class Posting:
    """The work of one transaction. With `now` None a purchase is booked at its own time: imports replay their days.

    With `only_looks` it locks nothing: for a quote, and while a batch is judged ahead of its transaction.
    """

    connection: sa.Connection
    actor: Actor
    now: datetime | None
    only_looks: bool = False
    states: dict[str, MemberState] = field(default_factory=dict)
    appended: Appended = field(default_factory=Appended)
    budgets: dict[tuple[str, date], int] = field(default_factory=dict)
    budgets_before: dict[tuple[str, date], int] = field(default_factory=dict)

    def member(self, member_id: str) -> MemberState:
        """Return the member, locked for the rest of the transaction."""
        state = self.states.get(member_id)
        if state is None:
            state = self.states[member_id] = member_state.lock(self.connection, member_id)
        return state

    def booked_at(self, state: MemberState, occurred_at: datetime) -> datetime:
        """Return the time of booking, which never decreases along a member's entries."""
        at = self.now or occurred_at
        return at if state.last_booked_at is None else max(at, state.last_booked_at)

    def write(self) -> None:
        """Write all of it."""
        self.appended.budgets = [
            {"cap_id": cap, "period_start": start, "used": used} for (cap, start), used in self.budgets.items()
        ]
        postings.write(self.connection, list(self.states.values()), self.appended)


def grant(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: Wallet,
    points: int,
    source: Source,
    owner: Source | None = None,
) -> Booked:
    """Book points that a purchase earned: an entry and the lot that it opens; what is available pays debt first.

    Where a return gives back, the `owner` is its purchase: the lot is as old as that one's, and renews nothing.
    """
    zone = plan.programme.time_zone
    booked_at = posting.booked_at(state, source.occurred_at)
    earner, open_lot = (source, lots.open_lot) if owner is None else (owner, lots.give_back)
    today, earned_on = business_day(booked_at, zone), business_day(earner.occurred_at, zone)
    account = state.account(wallet.id)
    lot = open_lot(wallet, points, earned_on, today, account.debt)
    is_pending = lot.state == "pending"
    free = points - lot.paid_debt
    changes = {"pending": points} if is_pending else {"available": free, "debt": -lot.paid_debt}
    seq = _append_entry(posting, state, plan, wallet.id, "accrual", points, source, booked_at, changes)
    _append_lot(posting, state, wallet.id, lot, earner, seq, earned_on)
    account.active_on = max(account.active_on, earned_on)
    _note_expiry(account, lot.expires_on, free)
    return Booked(wallet.id, points, points if is_pending else 0)


def take_back(
    posting: Posting, state: MemberState, plan: Plan, wallet: Wallet, points: int, source: Source, posting_id: str
) -> Booked:
    """Book a reversal: off the purchase's own lots first, then off free ones; what is missing is debt, or forgiven."""
    stored = member_state.open_lots(posting.connection, state.member_id, wallet.id)
    own = [lot for lot, kind, source_id in stored if source_id == posting_id]
    others = [lot for lot, kind, source_id in stored if source_id != posting_id]
    taken = lots.take_back(points, own, others)
    forgiven = taken.missing if wallet.on_return == "clamp" else 0
    changes = {
        "available": -taken.of("available"),
        "pending": -taken.of("pending"),
        "debt": taken.missing - forgiven,
    }
    booked_at = posting.booked_at(state, source.occurred_at)
    seq = _append_entry(posting, state, plan, wallet.id, "reversal", -points, source, booked_at, changes, forgiven)
    _append_takings(posting, state, taken, seq)
    _look_for_expiry(state.account(wallet.id), [lot for lot, _, _ in stored], taken)
    return Booked(wallet.id, -points, -taken.of("pending"), forgiven)


def _append_entry(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: str,
    kind: str,
    points: int,
    source: Source,
    booked_at: datetime,
    changes: dict[str, int],
    forgiven: int = 0,
) -> int:
    """Append an entry, and move the account's figures by the same changes."""
    state.last_seq += 1
    state.last_booked_at = booked_at
    figures = {"available": 0, "pending": 0, "held": 0, "debt": 0, "lifetime": points, **changes}
    account = state.account(wallet)
    for name, change in figures.items():
        setattr(account, name, getattr(account, name) + change)
    posting.appended.entries.append(
        {
            "member_id": state.member_id,
            "seq": state.last_seq,
            "kind": kind,
            "wallet": wallet,
            "source_kind": source.kind,
            "source_id": source.id,
            "points": points,
            "forgiven": forgiven,
            "version": plan.version,
            "occurred_at": source.occurred_at,
            "booked_at": booked_at,
            "actor": str(posting.actor),
            "reason": None,
        }
        | figures
    )
    return state.last_seq


def _append_lot(
    posting: Posting, state: MemberState, wallet: str, lot: lots.NewLot, source: Source, seq: int, earned_on: date
) -> None:
    lot_id = new_id()
    posting.appended.lots.append(
        {
            "member_id": state.member_id,
            "lot_id": lot_id,
            "wallet": wallet,
            "source_kind": source.kind,
            "source_id": source.id,
            "granted": lot.granted,
            "remaining": lot.granted - lot.paid_debt,
            "held": 0,
            "state": lot.state,
            "opened_seq": seq,
            "opened_on": earned_on,
            "available_on": lot.available_on,
            "expires_on": lot.expires_on,
        }
    )
    if lot.paid_debt:
        change = {"member_id": state.member_id, "lot_id": lot_id, "seq": seq, "taken": lot.paid_debt}
        posting.appended.paid_debts.append(change)


def _append_takings(posting: Posting, state: MemberState, taken: TakenBack, seq: int) -> None:
    posting.appended.lot_changes += [
        {"member_id": state.member_id, "lot_id": taking.lot_id, "seq": seq, "taken": taking.points}
        for taking in taken.takings
    ]


def _note_expiry(account: Account, expires_on: date | None, points: int) -> None:
    """Keep the account's soonest end in step with a lot that was opened."""
    if expires_on is None or points == 0:
        return
    if account.next_expires_on is None or expires_on < account.next_expires_on:
        account.next_expires_on, account.next_expires_points = expires_on, points
    elif expires_on == account.next_expires_on:
        account.next_expires_points += points


def _look_for_expiry(account: Account, open_lots: list[Lot], taken: TakenBack) -> None:
    """Find the account's soonest end again, after points were taken from lots."""
    took = {taking.lot_id: taking.points for taking in taken.takings}
    account.next_expires_on, account.next_expires_points = None, 0
    for lot in open_lots:
        _note_expiry(account, lot.expires_on, lot.remaining - took.get(lot.lot_id, 0))


def renew_activity(state: MemberState, plan: Plan, day: date) -> None:
    """A purchase renews the wallets that lapse by inactivity, even one that earned nothing."""
    for wallet_plan in plan.wallets:
        account = state.accounts.get(wallet_plan.wallet.id)
        if account is not None and isinstance(wallet_plan.wallet.expiry, InactivityExpiry):
            account.active_on = max(account.active_on, day)
