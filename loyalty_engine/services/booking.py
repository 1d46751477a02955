"""Judges one purchase for one member, and books it: accrual, caps, qualifying days, tier, and the purchase itself."""

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from loyalty_engine.services import automatic_rewards, caps, ledger, standing
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.ledger import Booked
from loyalty_engine.services.member_facts import facts_of
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.purchase_documents import encode_decisions, encode_json
from loyalty_engine.services.standing import TierAnswer
from loyalty_engine.services.voucher_issuing import Issued
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.tables import MAX_POINTS_AN_ENTRY
from rules.accrual import Accrual, accrue
from rules.eligible import net_spend, visits
from rules.facts import Purchase
from rules.periods import business_day
from rules.plan import Plan

MAX_PURCHASE_MINOR: Final = 10**13
"""The most that the lines of one purchase may add up to: sums of a great many of them still fit 64 bits."""


@dataclass(frozen=True, slots=True)
class CannotBook:
    """Why a purchase has to be parked after all."""

    reason: str


class PurchaseBooked(NamedTuple):
    """What posting a purchase did."""

    accrual: Accrual
    booked: tuple[Booked, ...]
    tier: TierAnswer
    vouchers: tuple[Issued, ...] = ()


def judge(posting: Posting, state: MemberState, plan: Plan, purchase: Purchase) -> Accrual | CannotBook:
    """Work out what the purchase earns; caps over everyone that it uses stay locked until the commit."""
    if state.status != "active":
        return CannotBook(f"{state.status}_member")
    if sum([line.amount_minor for line in purchase.lines]) > MAX_PURCHASE_MINOR:
        return CannotBook("amount_out_of_range")
    day = business_day(purchase.occurred_at, plan.programme.time_zone)
    facts = facts_of(posting.connection, state, plan, purchase.occurred_at)
    accrual = accrue(plan, purchase, facts, caps.cap_room(posting, state, plan, day))
    locked: set[str] = set()
    while more := caps.lock_budgets(posting, plan, day, accrual.cap_use.keys() - locked):
        locked |= more
        accrual = accrue(plan, purchase, facts, caps.cap_room(posting, state, plan, day, locked))
    if any(points > MAX_POINTS_AN_ENTRY for points in accrual.points.values()):
        return CannotBook("points_out_of_range")
    return accrual


def book(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    purchase: Purchase,
    accrual: Accrual,
    source: Source,
) -> PurchaseBooked:
    """Book what `judge` worked out."""
    day = business_day(purchase.occurred_at, plan.programme.time_zone)
    points = accrual.points
    booked = tuple(
        ledger.grant(posting, state, plan, wallet_plan.wallet, points[wallet_plan.wallet.id], source)
        for wallet_plan in plan.wallets
        if points.get(wallet_plan.wallet.id)
    )
    caps.use_caps(posting, state, plan, day, accrual.cap_use)
    standing.qualify(state, day, points, net_spend(purchase), visits(purchase))
    vouchers = automatic_rewards.fill(posting, state, plan, source.occurred_at) if plan.automatic else ()
    tier = standing.upgrade_tier(posting, state, plan, source)
    _note_purchase(posting, state, plan, source, day)
    return PurchaseBooked(accrual, booked, tier, vouchers)


def _note_purchase(posting: Posting, state: MemberState, plan: Plan, source: Source, day: date) -> None:
    state.purchases_count += 1
    state.last_purchase_on = day if state.last_purchase_on is None else max(day, state.last_purchase_on)
    state.last_booked_at = posting.booked_at(state, source.occurred_at)
    ledger.renew_activity(state, plan, day)


def append_purchase(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    incoming: Incoming,
    done: PurchaseBooked,
    source: Source,
    answer: bytes | None,
) -> None:
    """Keep the purchase with the facts that decided, and the answer that a replay repeats."""
    purchase = incoming.purchase
    total = sum([line.amount_minor for line in purchase.lines]) - purchase.order_discount_minor
    posting.appended.purchases.append(
        {
            "member_id": state.member_id,
            "posting_id": source.id,
            "purchase_key": incoming.key,
            "status": "posted",
            "occurred_at": purchase.occurred_at,
            "booked_at": state.last_booked_at,
            "business_day": business_day(purchase.occurred_at, plan.programme.time_zone),
            "till_day": incoming.receipt_day or business_day(purchase.occurred_at, plan.programme.time_zone),
            "currency": purchase.currency,
            "total_minor": max(0, total),
            "facts": incoming.document.facts,
            "version": plan.version,
            "decisions": encode_decisions(done.accrual.decisions),
            "granted": encode_json(done.accrual.points),
            "cap_use": encode_json(done.accrual.cap_use),
            "kept": None,
            "left_units": None,
            "answer": answer.decode() if answer is not None else None,
        }
    )
