"""Gives points back that were spent for a sale that never came: an abandoned basket, or a purchase that staff didn't accept.

Source: docs/decisions/0080-what-was-captured-for-nothing.md.
"""

from dataclasses import replace
from typing import Final

from loyalty_engine import clock
from loyalty_engine.services import audit_log, ledger, reasons
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules import lots
from rules.errors import Conflict
from rules.periods import business_day
from rules.plan import Plan

SOURCE: Final = "undoing"
"""The source of the entries that give the points back."""
_DESK: Final = ("staff", "admin")


def check_reason(posting: Posting, reason: str | None) -> str | None:
    """Return why a redemption is released; staff have to say it. Raises `Invalid`."""
    if reason is None and posting.actor.role not in _DESK:
        return None
    return reasons.why(reason or "")


def undo(posting: Posting, state: MemberState, spent: Redemption, reason: str | None) -> Redemption:
    """Book back all that a captured redemption spent: of whoever spent it on its day, and of staff at any time.

    Each part is good until its old end, or 30 days when that is later, as what a cancelled voucher cost. Raises
    `Conflict` for one that paid a purchase, bought a reward, or is for staff to release, and without a reason.
    """
    now = posting.now or clock.now()
    plan = plan_for(posting.connection, now)
    _check(posting, plan, spent, reason)
    assert spent.wallet is not None, "points are spent from a wallet"
    today = business_day(posting.booked_at(state, now), plan.programme.time_zone)
    ends = lots.restore(store.spent_parts(posting.connection, spent), 0, spent.captured, today)
    new = lots.in_new_lots(ends, today, state.account(spent.wallet).debt)
    source = Source(SOURCE, spent.redemption_id, now)
    ledger.open_lots(posting, state, plan, spent.wallet, new, source, today, "restoration", reason)
    undone = replace(spent, status="released", restored=spent.captured)
    store.update(posting.connection, undone)
    if posting.actor.role in _DESK:
        detail = {"reason": reason, "points": spent.captured}
        audit_log.record(posting.connection, posting.actor, "redemption.release", spent.redemption_id, detail)
    return undone


def _check(posting: Posting, plan: Plan, spent: Redemption, reason: str | None) -> None:
    remedy = _remedy(posting, plan, spent, reason)
    if remedy is not None:
        detail = f"{spent.captured} points of this redemption are spent. {remedy[0].upper()}{remedy[1:]}."
        raise Conflict("redemption_captured", detail, {"reason" if reason is None else "redemption_id": [remedy]})


def _remedy(posting: Posting, plan: Plan, spent: Redemption, reason: str | None) -> str | None:
    """Return what would give the points of a redemption back that this actor can't just release; None where it can."""
    if spent.posting_id is not None:
        return "take a return of the purchase that it paid: the points come back with the goods"
    if spent.reward is not None:
        return "let staff cancel the voucher that it bought"
    if posting.actor.role not in _DESK and not _is_own_and_of_today(posting, plan, spent):
        return "let staff release it, with a reason: a till releases what it captured itself, on the same day"
    return None if reason else "say why: with a reason a till releases what it captured itself, on the same day"


def _is_own_and_of_today(posting: Posting, plan: Plan, spent: Redemption) -> bool:
    zone, now = plan.programme.time_zone, posting.now or clock.now()
    return spent.actor == str(posting.actor) and business_day(spent.asked_at, zone) == business_day(now, zone)
