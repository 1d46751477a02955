"""How a hold ends, once: captured, also for less; released; or timed out. Every move is for a member that is locked.

A hold is good until `expires_at` and no longer, whether or not the worker has come by to free it.
"""

from dataclasses import replace

from loyalty_engine import clock
from loyalty_engine.services import lapsing, ledger
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules import lots, spending
from rules.errors import Conflict, Invalid
from rules.lots import Spent


def capture(posting: Posting, state: MemberState, held: Redemption, points: int | None) -> Redemption:
    """Spend what is held, or `points` of it, and free the rest; a repetition changes nothing.

    Raises `Conflict` for a hold that ended otherwise or is over, and `Invalid` for more than is held, or for a number
    of points that the programme does not let be used.
    """
    wanted = held.points if points is None else points
    if held.status == "captured" and held.captured == wanted:
        return held
    check_open(held)
    if wanted > held.points:
        detail = f"{wanted} points are to be captured, and {held.points} are held."
        raise Invalid("capture_exceeds_hold", detail, {"points": [f"capture {held.points} at most"]})
    if wanted < held.points:
        assert held.wallet is not None, "points are held in a wallet"
        programme = plan_of(posting.connection, held.version).programme
        spending.check(programme.wallet(held.wallet), wanted, programme.money)
    return take(posting, state, held, wanted)


def check_open(held: Redemption) -> None:
    """Raise `Conflict` where a redemption is no hold, or no longer."""
    if held.status == "captured":
        detail = f"{held.captured} points of this redemption are spent: they come back when goods do."
        said = {
            "points": [f"{held.captured} are captured: leave it as it is, or release it with a reason and redeem anew"]
        }
        raise Conflict("redemption_captured", detail, said)
    if held.status == "released":
        raise Conflict("redemption_released", "This hold was released: its points are free, redeem them anew.")
    if is_over(held):
        assert held.expires_at is not None, "a hold has an end"
        detail = f"This hold was good until {held.expires_at.isoformat()}: redeem the points anew."
        raise Conflict("hold_expired", detail)


def is_over(held: Redemption) -> bool:
    """Tell whether a redemption is a hold that nobody captured or released in time, freed by now or not."""
    if held.status != "held":
        return held.status == "timed_out"
    assert held.expires_at is not None, "a hold has an end"
    return held.expires_at <= clock.now()


def free_what_is_over(posting: Posting, state: MemberState, wallet: str, points: int) -> None:
    """Give back what the member's own forgotten holds hold, where it is needed now and the worker has not come to it."""
    if state.account(wallet).available >= points or not state.account(wallet).held:
        return
    for held in store.due_of(posting.connection, state.member_id, posting.now or clock.now()):
        time_out(posting, state, held)


def free_all_that_is_over(posting: Posting, state: MemberState) -> None:
    """Give back all that the member's forgotten holds hold, and write it."""
    for held in store.due_of(posting.connection, state.member_id, posting.now or clock.now()):
        time_out(posting, state, held)
    posting.write()


def take(posting: Posting, state: MemberState, held: Redemption, points: int) -> Redemption:
    """Capture so many points of an open hold, those that lapse first, and free the others."""
    plan, parts = plan_of(posting.connection, held.version), store.held_parts(posting.connection, held)
    assert held.wallet is not None, "points are held in a wallet"
    now = posting.now or clock.now()
    taken = lots.capture(points, parts)
    ledger.capture(posting, state, plan, held.wallet, taken, Source("capture", held.redemption_id, now))
    spent = {one.lot_id: one.points for one in taken}
    rest = [replace(one, points=one.points - spent.get(one.lot_id, 0)) for one in parts]
    _free(posting, state, held, [one for one in rest if one.points], "release")
    return _ended(posting, replace(held, status="captured", captured=points))


def take_anew(posting: Posting, state: MemberState, over: Redemption, points: int) -> Redemption | None:
    """Spend so many points for a hold that is over, of what is available now; None, and nothing is spent, for too few."""
    if over.status == "held":
        over = time_out(posting, state, over)
    assert over.wallet is not None, "points are held in a wallet"
    free_what_is_over(posting, state, over.wallet, points)
    if state.account(over.wallet).available < points:
        return None
    plan = plan_of(posting.connection, over.version)
    source = Source("capture", over.redemption_id, posting.now or clock.now())
    ledger.spend(posting, state, plan, over.wallet, points, source)
    return _ended(posting, replace(over, status="captured", captured=points))


def release(posting: Posting, state: MemberState, held: Redemption) -> Redemption:
    """Free what is held; a repetition changes nothing, nor does it where the time-out was quicker."""
    if held.status in ("released", "timed_out"):
        return held
    _free(posting, state, held, store.held_parts(posting.connection, held), "release")
    return _ended(posting, replace(held, status="released"))


def time_out(posting: Posting, state: MemberState, held: Redemption) -> Redemption:
    """Free what is held for a redemption that was neither captured nor released in time."""
    assert held.expires_at is not None, "a hold has an end"
    reason = f"not captured until {held.expires_at.isoformat()}"
    _free(posting, state, held, store.held_parts(posting.connection, held), "timeout", reason)
    return _ended(posting, replace(held, status="timed_out"))


def _free(
    posting: Posting,
    state: MemberState,
    held: Redemption,
    parts: list[Spent] | tuple[Spent, ...],
    kind: str,
    reason: str | None = None,
) -> None:
    """Make held points available; those whose end has passed meanwhile lapse in the same transaction."""
    if not parts:
        return
    now = posting.now or clock.now()
    plan = plan_for(posting.connection, now)
    assert held.wallet is not None, "points are held in a wallet"
    ledger.release(posting, state, plan, held.wallet, parts, Source(kind, held.redemption_id, now), reason)
    lapsing.lapse_freed(posting, state, plan, held.wallet, {one.lot_id for one in parts})


def _ended(posting: Posting, redemption: Redemption) -> Redemption:
    ended = replace(redemption, ended_at=posting.now or clock.now())
    store.update(posting.connection, ended)
    return ended
