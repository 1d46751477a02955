"""Points as a tender: what a purchase was paid with in points is bound to the redemption that spent them.

A tender of kind `points` names its redemption in `reference`, whose points are worth exactly its amount. What is held
for it is captured in the purchase's own transaction, also where the purchase has to wait. A redemption pays one purchase,
and stays its member's wherever that purchase moves, so that a return gives the points back to whoever spent them.
Source: docs/decisions/0021-points-as-a-tender.md and 0079-what-pays-a-purchase-that-waits.md.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine.services import held_redemptions, redemption_messages
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.stores import place
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules import spending
from rules.errors import Refusal
from rules.facts import Purchase, Tender
from rules.money import format_amount
from rules.plan import Plan
from rules.programme import Wallet

KIND: Final = "points"
UNMATCHED: Final = "points_tender_unmatched"
"""Why a purchase waits for a person: one of its tenders in points does not fit its redemption."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A redemption that pays so many points of a purchase."""

    redemption: Redemption
    points: int


def references(purchase: Purchase) -> Iterator[str]:
    """Yield the redemptions that a purchase's tenders name."""
    for tender in purchase.tenders:
        if tender.kind == KIND and tender.amount_minor and (named := _redemption_id(tender)) is not None:
            yield named


def pays_points(plan: Plan, purchase: Purchase) -> bool:
    """Tell whether something was paid in points of ours; where no wallet is money, the tender is just a word."""
    return any(tender.kind == KIND and tender.amount_minor for tender in purchase.tenders) and spending.spends_money(
        plan.programme
    )


def trouble_for_nobody(plan: Plan, purchase: Purchase) -> str | None:
    """Return why a purchase without a member has to wait: nobody's points can't have paid it."""
    return UNMATCHED if pays_points(plan, purchase) else None


def payments(
    posting: Posting, state: MemberState, plan: Plan, purchase: Purchase, strict: bool
) -> list[Payment] | None:
    """Return what pays a purchase of the member, who is locked; None where `strict` and the tenders do not fit.

    Without `strict` (imports, and what staff accept or move) a tender that does not fit is just a word; so it is where
    no wallet is money.
    """
    found: dict[str, Payment] = {}
    strict = strict and pays_points(plan, purchase)
    due = sum(line.amount_minor for line in purchase.lines) - purchase.order_discount_minor
    for tender in purchase.tenders:
        if tender.kind != KIND or not tender.amount_minor:
            continue
        payment = _payment(posting, state, plan, purchase, tender, strict)
        if payment is not None and payment.redemption.redemption_id not in found:
            found[payment.redemption.redemption_id] = payment
        elif strict:
            return None
    paid = list(found.values())
    return None if strict and not _fit_together(posting.connection, paid, due) else paid


def _fit_together(connection: sa.Connection, paid: Sequence[Payment], due: int) -> bool:
    """Tell whether all that a wallet pays is no more than it may, and is proved where the programme asks for that."""
    by_wallet: defaultdict[str | None, list[Redemption]] = defaultdict(list)
    points_of = {one.redemption.redemption_id: one.points for one in paid}
    for one in paid:
        by_wallet[one.redemption.wallet].append(one.redemption)
    for redemptions in by_wallet.values():
        parts = [(_wallet(connection, one), points_of[one.redemption_id]) for one in redemptions]
        total = sum(points for _, points in parts)
        needed = [spending.proofs_needed(wallet, total) for wallet, _ in parts]
        shown = {one.proof for one in redemptions}
        if not spending.fit_together(parts, due) or not all(shown & proofs for proofs in needed if proofs):
            return False
    return True


def _wallet(connection: sa.Connection, one: Redemption) -> Wallet:
    assert one.wallet is not None, "points are spent from a wallet"
    return plan_of(connection, one.version).programme.wallet(one.wallet)


def _payment(
    posting: Posting, state: MemberState, plan: Plan, purchase: Purchase, tender: Tender, strict: bool
) -> Payment | None:
    redemption_id = _redemption_id(tender)
    one = store.find(posting.connection, state.member_id, redemption_id) if redemption_id else None
    if one is None or one.wallet is None or one.reward is not None or one.posting_id is not None:
        return None
    if not _same_merchant(posting.connection, one.store_id, purchase.store):
        return None
    wallet, money = _wallet(posting.connection, one), plan.programme.money
    points = spending.points_for(wallet, tender.amount_minor)
    if points is None or points > one.points:
        return None
    try:
        if one.status == "captured":
            return Payment(one, points) if points == one.captured else None
        # What somebody looks at is spent anew; history that is replayed spends nothing of today's.
        if strict or posting.now is None or not held_redemptions.is_over(one):
            held_redemptions.check_open(one)
        if points < one.points:
            spending.check(wallet, points, money)
    except Refusal:
        return None
    return Payment(one, points)


def _redemption_id(tender: Tender) -> str | None:
    try:
        return str(UUID(tender.reference or ""))
    except ValueError:
        return None


def _same_merchant(connection: sa.Connection, one: str | None, other: str | None) -> bool:
    places = [place(connection, store_id) if store_id is not None else None for store_id in (one, other)]
    merchants = [at.merchant_id if at else None for at in places]
    return merchants[0] is not None and merchants[0] == merchants[1]


def capture(posting: Posting, state: MemberState, found: list[Payment]) -> list[Redemption]:
    """Spend what is held for a purchase; return the redemptions as they are then.

    For a hold that is over points are spent anew; without one for which there are too few.
    """
    taken = (_taken(posting, state, one) for one in found)
    return [one for one in taken if one is not None]


def _taken(posting: Posting, state: MemberState, one: Payment) -> Redemption | None:
    if one.redemption.status == "captured":
        return one.redemption
    if held_redemptions.is_over(one.redemption):
        return held_redemptions.take_anew(posting, state, one.redemption, one.points)
    return held_redemptions.take(posting, state, one.redemption, one.points)


def capture_for_waiting(posting: Posting, member_id: str, plan: Plan, purchase: Purchase) -> None:
    """Spend what is held for a purchase that has to wait: the discount was given, as it was for vouchers.

    Where the tenders themselves are why it waits, no point moves. A suspended member's don't either.
    """
    if not pays_points(plan, purchase) or not any(references(purchase)):
        return
    state = posting.member(member_id)
    if state.status != "active":
        return
    found = payments(posting, state, plan, purchase, strict=False) or []
    held = [one for one in found if one.redemption.status == "held" and not held_redemptions.is_over(one.redemption)]
    captured = capture(posting, state, held)
    posting.write()
    redemption_messages.tell(posting, state, captured)


def not_taken(
    plan: Plan, purchase: Purchase, found: Sequence[Payment], captured: Collection[Redemption]
) -> list[dict[str, Any]]:
    """Return the tenders in points of a purchase that stay words, for whoever accepts it: `points` where it is known how many."""
    if not pays_points(plan, purchase):
        return []
    paid, points = {one.redemption_id for one in captured}, {one.redemption.redemption_id: one.points for one in found}
    return [
        {
            "reference": tender.reference,
            "amount": format_amount(tender.amount_minor, purchase.currency),
            "points": points.get(_redemption_id(tender) or ""),
        }
        for tender in purchase.tenders
        if tender.kind == KIND and tender.amount_minor and _redemption_id(tender) not in paid
    ]


def bind(connection: sa.Connection, redemptions: list[Redemption], posting_id: str) -> None:
    """Note which purchase the redemptions paid; after its row is written."""
    for one in redemptions:
        store.update(connection, replace(one, posting_id=posting_id))
