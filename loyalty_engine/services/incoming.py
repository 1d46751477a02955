"""A purchase on its way in: placed at its store, filled from the catalogue, with the keys that make it one purchase."""

from datetime import date, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import purchase_documents
from loyalty_engine.services.catalogue import Known
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.purchase_documents import Document
from loyalty_engine.services.sites import Site, filled, placed, receipt_key
from loyalty_engine.store import purchase_keys
from rules.errors import Invalid
from rules.facts import Purchase
from rules.plan import Plan


class Incoming(NamedTuple):
    """What was sent, what is judged, under which keys, and how the member was named."""

    purchase_id: str
    store: str
    purchase: Purchase
    document: Document
    key: str
    receipt_key: str | None = None
    member: MemberReference | None = None
    receipt_day: date | None = None
    """The till's day, where the receipt says one."""
    vouchers: tuple[str, ...] = ()
    """The codes of the vouchers that the till took off."""


def receive(connection: sa.Connection, posted: PostedPurchase, site: Site, known: Known) -> Incoming:
    """Place a purchase at its store, fill in what its lines lack of what is `known`, and make its keys."""
    posted = placed(posted, site)
    purchase = filled(connection, posted.purchase, site, known)
    return Incoming(
        purchase_id=posted.purchase_id,
        store=site.store,
        purchase=purchase,
        document=purchase_documents.encode(posted, purchase),
        key=purchase_keys.purchase_key(site.store, posted.purchase_id),
        receipt_key=receipt_key(site, posted),
        member=posted.member,
        receipt_day=posted.receipt.business_day if posted.receipt else None,
        vouchers=posted.vouchers,
    )


def check_currency(plan: Plan, purchase: Purchase) -> None:
    """Raise `Invalid` for a purchase that is not in the programme's currency."""
    money = plan.programme.money
    if purchase.currency != money:
        said = [f"this programme counts in {money}"]
        raise Invalid("wrong_currency", f"{purchase.currency} can't be posted here.", {"currency": said})


def trouble_with(plan: Plan, purchase: Purchase, may_be_late: bool = False) -> str | None:
    """Return why a purchase has to wait for a person, whoever the member is (RELIABILITY.md, Doors)."""
    if not adds_up(purchase):
        return "sums_disagree"
    if not may_be_late and clock.now() - purchase.occurred_at > timedelta(days=plan.programme.late_days):
        return "late"
    return None


def adds_up(purchase: Purchase) -> bool:
    """Tell whether the lines, less the order discount, are what the tenders paid; without tenders nothing disagrees.

    No line has more tax in its amount than that is.
    """
    due = sum([line.amount_minor for line in purchase.lines]) - purchase.order_discount_minor
    paid = sum([tender.amount_minor for tender in purchase.tenders])
    overtaxed = any(line.tax_minor > line.amount_minor for line in purchase.lines)
    return due >= 0 and not overtaxed and (not purchase.tenders or due == paid)
