"""What may be booked on a member's account: each move is one entry, with what it does to lots, and never one alone.

Source: RELIABILITY.md, The ledger, 1 to 4; PROGRAMME.md, Returns, and Lots, spending and expiry. Every figure of the
account moves with its entry; what makes points available pays debt first.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from loyalty_engine.services import expiry_messages
from loyalty_engine.services.member_lots import append_lot, change_lot, look_for_expiry, lots_of, take
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import MemberState
from rules import lapsing, lots
from rules.errors import Conflict
from rules.lots import Lot, NewLot, Spent, Taking
from rules.periods import Period, business_day
from rules.plan import Plan
from rules.programme import Expiry, InactivityExpiry, LevelExpiry, UntilEvent, Wallet

_COUNTED: Final = frozenset({"accrual", "reversal", "adjustment", "opening", "gift"})
"""What changes the points that a member was ever given; spending them doesn't."""


class Booked(NamedTuple):
    """What a grant or a reversal did to one wallet."""

    wallet: str
    points: int
    pending: int = 0
    forgiven: int = 0


def grant(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: Wallet,
    points: int,
    source: Source,
    kind: str = "accrual",
    reason: str | None = None,
    owner: Source | None = None,
    waits: Period | UntilEvent | None = None,
) -> Booked:
    """Book points that were given: an entry, and the lot that it opens under the wallet's rules.

    Where a return gives back, the `owner` is its purchase: the lot is as old as that one's, and renews nothing. `waits`
    stands in for the wallet's waiting time.
    """
    zone = plan.programme.time_zone
    today = business_day(posting.booked_at(state, source.occurred_at), zone)
    earner, debt = owner or source, state.account(wallet.id).debt
    earned_on = business_day(earner.occurred_at, zone)
    level = _level_then(posting, state, wallet, earner)
    if owner is None:
        lot = lots.open_lot(wallet, points, earned_on, today, debt, level, waits)
    else:
        lot = lots.give_back(wallet, points, earned_on, today, debt, level)
    open_lots(posting, state, plan, wallet.id, (lot,), source, earned_on, kind, reason, owner)
    return Booked(wallet.id, points, points if lot.state == "pending" else 0)


def _level_then(posting: Posting, state: MemberState, wallet: Wallet, source: Source) -> str | None:
    """Return the level when the points were earned; where no lot's end goes by it, the one that is at hand."""
    if isinstance(wallet.expiry, LevelExpiry):
        return member_state.level_at(posting.connection, state, source.occurred_at)
    return state.level


def open_lots(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: str,
    new: Sequence[NewLot],
    source: Source,
    opened_on: date,
    kind: str,
    reason: str | None = None,
    owner: Source | None = None,
) -> int:
    """Book one entry that opens lots, and return its seq; the lots belong to the `owner`, where it isn't the source."""
    pending = sum([lot.granted for lot in new if lot.state == "pending"])
    paid = sum([lot.paid_debt for lot in new])
    points = sum([lot.granted for lot in new])
    changes = {"available": points - pending - paid, "pending": pending, "debt": -paid}
    seq = append_entry(posting, state, plan, wallet, kind, points, source, changes, reason=reason)
    for lot in new:
        append_lot(posting, state, wallet, lot, owner or source, seq, opened_on)
    expiry_messages.note_short_lots(posting.to_tell, plan, posting.appended.lots[-len(new) :])
    return seq


def take_back(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: Wallet,
    points: int,
    source: Source,
    posting_id: str,
    lapsed: Callable[[str], int] = lambda wallet: 0,
) -> Booked:
    """Book a reversal: off the purchase's own lots first, then off free ones; what is missing is debt, or forgiven.

    `lapsed` is asked, where its own lots are too few, what of them has lapsed: that is forgiven in every wallet.
    """
    stored = lots_of(posting, state, wallet.id).values()
    own = [one.lot for one in stored if one.source_id == posting_id]
    others = [one.lot for one in stored if one.source_id != posting_id]
    gone = lapsed(wallet.id) if sum([lot.free for lot in own]) < points else 0
    taken = lots.take_back(points, own, others, gone)
    missing = 0 if wallet.on_return == "clamp" else taken.missing
    forgiven = taken.lapsed + taken.missing - missing
    changes = {"available": -taken.of("available"), "pending": -taken.of("pending"), "debt": missing}
    seq = append_entry(posting, state, plan, wallet.id, "reversal", -points, source, changes, forgiven=forgiven)
    take(posting, state, wallet.id, taken.takings, seq)
    return Booked(wallet.id, -points, -taken.of("pending"), forgiven)


def spend(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: str,
    points: int,
    source: Source,
    kind: str = "redemption",
    reason: str | None = None,
) -> None:
    """Take available points, soonest expiry first. Raises `Conflict` for more than there are."""
    takings = _spendable(posting, state, wallet, points)
    seq = append_entry(posting, state, plan, wallet, kind, -points, source, {"available": -points}, reason=reason)
    take(posting, state, wallet, takings, seq)


def hold(posting: Posting, state: MemberState, plan: Plan, wallet: str, points: int, source: Source) -> int:
    """Put available points out of reach, and return the seq under which their lots are known."""
    takings = _spendable(posting, state, wallet, points)
    seq = append_entry(posting, state, plan, wallet, "hold", 0, source, {"available": -points, "held": points})
    for taking in takings:
        change_lot(posting, state, wallet, taking.lot_id, seq, held=taking.points)
    return seq


def capture(
    posting: Posting, state: MemberState, plan: Plan, wallet: str, parts: Collection[Spent], source: Source
) -> None:
    """Spend held points for good."""
    points = sum(part.points for part in parts)
    seq = append_entry(posting, state, plan, wallet, "redemption", -points, source, {"held": -points})
    for part in parts:
        change_lot(posting, state, wallet, part.lot_id, seq, taken=part.points, held=-part.points)
    look_for_expiry(posting, state, wallet)


def release(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: str,
    parts: Collection[Spent],
    source: Source,
    reason: str | None = None,
) -> None:
    """Make held points available again; a debt takes its part of them at once."""
    points = sum(part.points for part in parts)
    debt = paid = min(points, state.account(wallet).debt)
    changes = {"available": points - paid, "held": -points, "debt": -paid}
    seq = append_entry(posting, state, plan, wallet, "release", 0, source, changes, reason=reason)
    for part in parts:
        paying = min(debt, part.points)
        debt -= paying
        change_lot(posting, state, wallet, part.lot_id, seq, taken=paying, held=-part.points)
    look_for_expiry(posting, state, wallet)


def mature(posting: Posting, state: MemberState, plan: Plan, wallet: str, lot: Lot, source: Source) -> None:
    """Make a pending lot available; a debt takes its part of it at once."""
    paid = min(lot.remaining, state.account(wallet).debt)
    changes = {"pending": -lot.remaining, "available": lot.remaining - paid, "debt": -paid}
    seq = append_entry(posting, state, plan, wallet, "maturity", 0, source, changes)
    change_lot(posting, state, wallet, lot.lot_id, seq, taken=paid, becomes="available")
    look_for_expiry(posting, state, wallet)


def expire(posting: Posting, state: MemberState, plan: Plan, wallet: str, lot: Lot, source: Source) -> None:
    """Let what is free of an available lot lapse; a lot of which something is held stays open for that."""
    assert lot.state == "available" and lot.free, "only free available points lapse"
    seq = append_entry(posting, state, plan, wallet, "expiry", -lot.free, source, {"available": -lot.free})
    becomes: lots.LotState | None = None if lot.held else "expired"
    change_lot(posting, state, wallet, lot.lot_id, seq, taken=lot.free, becomes=becomes)
    look_for_expiry(posting, state, wallet)


def append_entry(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: str,
    kind: str,
    points: int,
    source: Source,
    changes: Mapping[str, int],
    forgiven: int = 0,
    reason: str | None = None,
) -> int:
    """Append an entry, move the account's figures by the same changes, and return its seq."""
    booked_at = posting.booked_at(state, source.occurred_at)
    state.last_seq += 1
    state.last_booked_at = booked_at
    lifetime = points if kind in _COUNTED else 0
    account = state.account(wallet)
    account.lifetime += lifetime
    for name, change in changes.items():
        setattr(account, name, getattr(account, name) + change)
    active_on = business_day(source.occurred_at, plan.programme.time_zone)
    if account.active_on == date.min or lapsing.renews(_expiry(plan, wallet), lapsing.activity_of(kind, source.kind)):
        account.active_on = max(account.active_on, active_on)
    posting.appended.entries.append(
        {
            "member_id": state.member_id,
            "seq": state.last_seq,
            "kind": kind,
            "wallet": wallet,
            "source_kind": source.kind,
            "source_id": source.id,
            "points": points,
            "available": 0,
            "pending": 0,
            "held": 0,
            "debt": 0,
            "lifetime": lifetime,
            "forgiven": forgiven,
            "version": plan.version,
            "occurred_at": source.occurred_at,
            "booked_at": booked_at,
            "actor": str(posting.actor),
            "reason": reason,
            **changes,
        }
    )
    return state.last_seq


def _spendable(posting: Posting, state: MemberState, wallet: str, points: int) -> tuple[Taking, ...]:
    available = state.account(wallet).available
    takings = lots.spend(points, [one.lot for one in lots_of(posting, state, wallet).values()])
    if takings is None or points > available:
        raise Conflict(
            "insufficient_points",
            f"{points} points are asked for, and {available} are available in the wallet {wallet}.",
            {"points": [f"ask for {available} at most" if available else "nothing is available now"]},
        )
    return takings


def _expiry(plan: Plan, wallet: str) -> Expiry:
    return next((one.expiry for one in plan.programme.wallets if one.id == wallet), None)


def renew_activity(state: MemberState, plan: Plan, day: date) -> None:
    """A purchase renews the wallets that lapse by inactivity and name it, even one that earned nothing."""
    for wallet_plan in plan.wallets:
        account, expiry = state.accounts.get(wallet_plan.wallet.id), wallet_plan.wallet.expiry
        if account is not None and isinstance(expiry, InactivityExpiry) and lapsing.renews(expiry, "purchase"):
            account.active_on = max(account.active_on, day)
