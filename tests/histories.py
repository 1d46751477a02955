"""Histories of the small shop with every move that a ledger knows, by days that pass: what reports are tried on."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services import ledger, merging
from loyalty_engine.services.member_lots import lots_of
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import redemptions
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from loyalty_engine.store.session import in_transaction
from rules.errors import Busy, Refusal
from rules.lots import NewLot, Spent
from rules.periods import business_day
from rules.plan import Plan
from tests.builders import ADMIN, TILL
from tests.ledger import enrol, line, post, redemption, rows, sold, spend, take_return

WALLETS = ("leaves", "petals", "stamps")
LEDGER = (1, 2, 3, 4, 7, 8)
"""The invariants that hold of moves made by hand, without a return or a reason around them."""
Moves = Callable[[Posting, MemberState, Plan], Any]


@dataclass(frozen=True)
class Act:
    """One thing that happens to one member; `how` chooses amounts, wallets and lots among what is possible."""

    kind: str
    who: int
    how: int


KINDS = (
    "buy", "buy", "buy", "late", "return", "return all", "spend", "hold", "release", "capture", "night", "gift",
    "take", "restore", "merge", "wait", "wait", "wait long",
)  # fmt: skip
acts = st.lists(st.builds(Act, st.sampled_from(KINDS), st.integers(0, 1), st.integers(0, 700)), min_size=4, max_size=22)


@dataclass
class History:
    """A shop's members while acts are played; each step may be looked at by `after_each`."""

    members: list[str]
    stack: ExitStack
    purchases: list[tuple[str, str]] = field(default_factory=list)
    holds: list[Redemption] = field(default_factory=list)

    def play(self, acts: list[Act], after_each: Callable[[], None] = lambda: None) -> None:
        """Do all of it; what is refused is left. A database that is busy with the test itself is the test's fault."""
        for act in acts:
            try:
                self.do(act)
            except Busy:
                raise
            except Refusal:
                continue
            finally:
                after_each()

    def do(self, act: Act) -> None:
        member, wallet = self.members[act.who % len(self.members)], WALLETS[act.how % 3]
        match act.kind:
            case "buy" | "late":
                self._buy(member, act.how, hours_ago=1 + act.how if act.kind == "late" else 0)
            case "return" | "return all" if self.purchases:
                purchase_id, _ = self.purchases[act.how % len(self.purchases)]
                take_return(purchase_id, new_id(), {"1": 1} if act.kind == "return" else None)
            case "spend":
                spend(member, wallet, act.how)
            case "hold":
                self._hold(member, wallet, 1 + act.how)
            case "release" | "capture" if self.holds:
                self._end(self.holds.pop(act.how % len(self.holds)), act.kind)
            case "night":
                self.night()
            case "gift":
                self._gift(member, wallet, act.how)
            case "take":
                spent = min(act.how, available(member, wallet))
                if spent:
                    moved(member, lambda *on: ledger.spend(*on, wallet, spent, source("gift"), "adjustment", "wrong"))
            case "restore":
                moved(
                    member,
                    lambda posting, state, plan: _opened(posting, state, plan, wallet, 1 + act.how, "restoration"),
                )
            case "merge":
                self._merge_in(member, act.how)
            case "wait" | "wait long":
                hours = act.how if act.kind == "wait" else 24 * act.how
                self.wait(timedelta(hours=hours % 24_000))

    def wait(self, by: timedelta) -> None:
        self.stack.enter_context(clock.frozen(clock.now() + by))

    def _buy(self, member: str, how: int, hours_ago: int) -> None:
        purchase_id = f"p{len(self.purchases)}"
        category = ("tea", "tea/green", "cake")[how % 3]
        at = clock.now() - timedelta(hours=hours_ago, minutes=1)
        post(sold(purchase_id, member, line("1", 1 + how % 3, how * 100 % 30_000, category), at=at))
        self.purchases.append((purchase_id, member))

    def _gift(self, member: str, wallet: str, how: int) -> None:
        kind = ("adjustment", "opening", "reinstatement")[how % 3]
        moved(member, lambda posting, state, plan: ledger.grant(
            posting, state, plan, plan.programme.wallet(wallet), 1 + how, source("gift"), kind))  # fmt: skip

    def _hold(self, member: str, wallet: str, points: int) -> None:
        points = min(points, available(member, wallet))
        if points:
            plain, now = redemption(member, wallet, points, 1), clock.now()
            at = Source("hold", plain.redemption_id, now)
            seq = moved(member, lambda *on: ledger.hold(*on, wallet, points, at))
            held = replace(plain, status="held", captured=0, held_seq=seq, expires_at=now, ended_at=None)
            in_transaction(lambda connection: redemptions.insert(connection, held))
            self.holds.append(held)

    def _end(self, held: Redemption, kind: str) -> None:
        assert held.held_seq is not None
        assert held.wallet is not None
        parts = [Spent(str(one["lot_id"]), one["held"], None) for one in held_by(held.member_id, held.held_seq)]
        ends, wallet = (ledger.release if kind == "release" else ledger.capture), held.wallet
        at = Source(kind, held.redemption_id, clock.now())
        moved(held.member_id, lambda *on: ends(*on, wallet, parts, at))
        captured = held.points if kind == "capture" else 0
        ended = replace(held, status=f"{kind}d", captured=captured, ended_at=clock.now())
        in_transaction(lambda connection: redemptions.update(connection, ended))

    def night(self) -> None:
        """Let lots mature and lapse whose day has come, as a nightly run does."""
        for member in self.members:
            for wallet in WALLETS:
                moved(member, lambda *on, wallet=wallet: _night(*on, wallet))

    def _merge_in(self, member: str, how: int) -> None:
        """Let a stranger shop, be given something, and turn out to be this member."""
        stranger = enrol()
        self._buy(stranger, how, hours_ago=0)
        self._gift(stranger, WALLETS[how % 3], how)
        merging.merge(ADMIN, stranger, member, "the same person")


def _night(posting: Posting, state: MemberState, plan: Plan, wallet: str) -> None:
    today = business_day(clock.now(), plan.programme.time_zone)
    for one in [one.lot for one in lots_of(posting, state, wallet).values()]:
        if one.state == "pending" and _available_on(state.member_id, one.lot_id) <= today.isoformat():
            ledger.mature(posting, state, plan, wallet, one, source("maturity"))
    for one in [one.lot for one in lots_of(posting, state, wallet).values()]:
        if one.state == "available" and one.free and one.expires_on and one.expires_on < today:
            ledger.expire(posting, state, plan, wallet, one, source("expiry"))


def _available_on(member: str, lot_id: str) -> str:
    query = "SELECT available_on FROM lots WHERE member_id = :member AND lot_id = :lot_id"
    return str(rows(query, member=member, lot_id=lot_id)[0]["available_on"])


def _opened(posting: Posting, state: MemberState, plan: Plan, wallet: str, points: int, kind: str) -> None:
    """Open two lots by one entry: one that is available and pays the debt, and a pending one."""
    today = business_day(clock.now(), plan.programme.time_zone)
    soon = today + timedelta(days=40)
    paid = min(points, state.account(wallet).debt)
    new = [NewLot(points, paid, "available", today, soon)]
    if points > 10:
        part = NewLot(points // 3, 0, "pending", today + timedelta(days=9), None)
        new = [NewLot(points - points // 3, min(paid, points - points // 3), "available", today, soon), part]
    ledger.open_lots(posting, state, plan, wallet, new, source(kind), today, kind)


def source(kind: str) -> Source:
    return Source(kind, new_id(), clock.now())


def moved(member: str, work: Moves) -> Any:
    """Do a move of the ledger in a transaction of its own."""

    def inside(connection: sa.Connection) -> Any:
        posting = Posting(connection, TILL, clock.now())
        state, plan = posting.member(member), plan_for(connection, clock.now())
        result = work(posting, state, plan)
        posting.write()
        return result

    return in_transaction(inside)


def available(member: str, wallet: str) -> int:
    query = "SELECT available FROM accounts WHERE member_id = :member AND wallet = :wallet"
    return sum(row["available"] for row in rows(query, member=member, wallet=wallet))


def held_by(member: str, seq: int) -> list[dict[str, Any]]:
    """Return the lots of a hold by the seq of its entry."""
    return rows("SELECT lot_id, held FROM lot_changes WHERE member_id = :member AND seq = :seq", member=member, seq=seq)
