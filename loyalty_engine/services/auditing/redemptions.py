"""Works out again what came back of the points that paid a purchase: invariant 6, for what was spent on it."""

from typing import Final

import sqlalchemy as sa

from loyalty_engine.services import tenders
from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.purchase_documents import decode, decode_json
from loyalty_engine.store.audits import redemptions, rows
from loyalty_engine.store.audits.redemptions import Paid
from loyalty_engine.store.tables import redemptions as table
from rules.facts import Purchase
from rules.returns import everything, points_back, returned_share

_RESTORED: Final = Rule(6, "redemptions", "what came back is the returned share of what was spent on the purchase")
_NAMED: Final = Rule(6, "redemptions", "the purchase that it paid names it in a tender")


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note redemptions of which more, or less, came back than the goods that they paid."""
    total = report.looked_at["redemptions"] = rows.count(connection, table)
    with progress("redemptions", total) as advance:
        looked = 0
        for one in redemptions.paid(connection):
            _look_at(report, one)
            advance(1)
            looked += 1
        advance(total - looked)


def _look_at(report: Report, one: Paid) -> None:
    key = {"member_id": one.member_id, "redemption_id": one.redemption_id}
    try:
        purchase = decode(one.facts)
        left = decode_json(one.left_units) if one.left_units is not None else everything(purchase)
        expected = points_back(one.captured, returned_share(purchase, left))
        named = _names(purchase, one.redemption_id)
    except (ValueError, KeyError, TypeError):
        return  # the audit of purchases says that these facts can't be read
    if one.restored != expected:
        report.note(_RESTORED, key, {"restored": one.restored}, {"restored": expected})
    if not named:
        report.note(_NAMED, key, {"tenders": "another redemption, or none"})


def _names(purchase: Purchase, redemption_id: str) -> bool:
    return redemption_id in tenders.references(purchase)
