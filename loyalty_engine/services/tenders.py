"""Points as a tender: what a purchase was paid with in points is bound to the redemption that spent them.

A tender of kind `points` names its redemption in `reference`, whose points are worth exactly its amount. What is held
for it is captured in the purchase's own transaction. A redemption pays one purchase, and stays its member's wherever
that purchase moves, so that a return gives the points back to whoever spent them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine.services import held_redemptions
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.stores import place
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules import spending
from rules.errors import Refusal
from rules.facts import Purchase, Tender
from rules.plan import Plan

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
    """Return what pays a purchase of the member, who is locked; None where `strict` and a tender does not fit.

    Without `strict` (imports, and what staff accept or move) a tender that does not fit is just a word; so it is where
    no wallet is money.
    """
    found: dict[str, Payment] = {}
    strict = strict and pays_points(plan, purchase)
    due = sum(line.amount_minor for line in purchase.lines) - purchase.order_discount_minor
    for tender in purchase.tenders:
        if tender.kind != KIND or not tender.amount_minor:
            continue
        payment = _payment(posting, state, purchase, tender, due, strict)
        if payment is not None and payment.redemption.redemption_id not in found:
            found[payment.redemption.redemption_id] = payment
        elif strict:
            return None
    return list(found.values())


def _payment(
    posting: Posting, state: MemberState, purchase: Purchase, tender: Tender, due: int, strict: bool
) -> Payment | None:
    redemption_id = _redemption_id(tender)
    one = store.find(posting.connection, state.member_id, redemption_id) if redemption_id else None
    if one is None or one.wallet is None or one.reward is not None or one.posting_id is not None:
        return None
    if not _same_merchant(posting.connection, one.store_id, purchase.store):
        return None
    programme = plan_of(posting.connection, one.version).programme
    wallet = programme.wallet(one.wallet)
    points = spending.points_for(wallet, tender.amount_minor)
    if points is None or points > one.points or (strict and not spending.fits_share(wallet, points, due)):
        return None
    try:
        if one.status == "captured":
            return Payment(one, points) if points == one.captured else None
        held_redemptions.check_open(one)
        if points < one.points:
            spending.check(wallet, points, programme.money)
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
    """Spend what is held for a purchase; return the redemptions as they are then."""
    return [
        held_redemptions.take(posting, state, one.redemption, one.points)
        if one.redemption.status == "held"
        else one.redemption
        for one in found
    ]


def bind(connection: sa.Connection, redemptions: list[Redemption], posting_id: str) -> None:
    """Note which purchase the redemptions paid; after its row is written."""
    for one in redemptions:
        store.update(connection, replace(one, posting_id=posting_id))
