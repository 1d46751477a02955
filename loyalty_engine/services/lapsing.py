"""Lets points lapse that were held beyond their end, the lot's own or by inactivity, in the transaction that frees them.

What was free on that day, the nightly run has let lapse; the rule is the same one, `rules.lapsing`.
"""

from collections.abc import Collection
from datetime import date

from loyalty_engine import clock
from loyalty_engine.services import ledger
from loyalty_engine.services.member_lots import lots_of
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.store import expiry_notices
from loyalty_engine.store.member_state import MemberState
from rules.lapsing import is_due, last_notice
from rules.lots import Lot
from rules.periods import business_day, plus
from rules.plan import Plan
from rules.programme import InactivityExpiry


def lapse_freed(posting: Posting, state: MemberState, plan: Plan, wallet: str, lot_ids: Collection[str]) -> int:
    """Let what is free of these lots lapse where their end has passed; return the points that did."""
    at = posting.now or clock.now()
    today = business_day(posting.booked_at(state, at), plan.programme.time_zone)
    lots = [one.lot for lot_id, one in lots_of(posting, state, wallet).items() if lot_id in lot_ids]
    lapsed = 0
    for lot in lots:
        if lot.free and lot.state == "available" and _is_due(posting, state, plan, wallet, lot, today):
            # One lot may lapse in parts, each when its hold ends: the entry's own number tells them apart.
            source = Source("lapse", f"{lot.lot_id}/{state.last_seq + 1}", at)
            ledger.expire(posting, state, plan, wallet, lot, source)
            lapsed += lot.free
    return lapsed


def _is_due(posting: Posting, state: MemberState, plan: Plan, wallet: str, lot: Lot, today: date) -> bool:
    notices, end = plan.programme.messages.expiry_notices, _end(state, plan, wallet, lot)
    days, planned_on = last_notice(notices), None
    if days is not None and end is not None:
        planned_on = expiry_notices.planned_on(posting.connection, state.member_id, wallet, end, days)
    return is_due(end, lot.opened_on, today, notices, planned_on)


def _end(state: MemberState, plan: Plan, wallet: str, lot: Lot) -> date | None:
    """Return the lot's own last day; without one, where the wallet lapses by inactivity, its account's."""
    expiry = next((one.expiry for one in plan.programme.wallets if one.id == wallet), None)
    if lot.expires_on is None and isinstance(expiry, InactivityExpiry):
        return plus(state.account(wallet).active_on, expiry.after)
    return lot.expires_on
