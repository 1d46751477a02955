"""Keeps a purchase that can't be booked yet: one without a member, or one that a person has to look at.

Source: RELIABILITY.md, Doors: a sale that happened and can be read is never lost.
"""

from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.purchase_answers import parked_answer
from loyalty_engine.store import purchase_keys

DETAILS: Final = {
    None: "It has no member; the code on the receipt claims it within 30 days.",
    "unknown_card": "The card is not known; the member can claim the purchase, or staff name the member.",
    "unknown_phone": "The phone is not known; the member can claim the purchase, or staff name the member.",
    "unknown_member": "The member is not known; the member can claim the purchase, or staff name the member.",
    "unknown_token": "No member shows this code; the member can claim the purchase, or staff name the member.",
    "blocked_card": "The card is blocked; staff name the member.",
    "replaced_card": "The card was replaced by another; staff name the member.",
    "suspended_member": "The member is suspended; staff resume the member and accept the purchase.",
    "erased_member": "The member has left; staff name another member.",
    "merged_member": "The member was merged into another; staff name that one.",
    "sums_disagree": "Lines, order discount and tenders don't add up; staff accept the purchase as it is, or not.",
    "late": "It comes later than the programme allows; staff accept it, or not.",
    "amount_out_of_range": "Its lines add up to more than one purchase may come to; staff look into it.",
    "voucher_unusable": "A voucher on it is unknown, another member's, used, expired or cancelled; staff accept it, or not.",
    "points_out_of_range": "It would earn more points than one entry may carry; staff look into it.",
}
CLAIMABLE: Final = {None, "unknown_card", "unknown_phone", "unknown_member", "unknown_token"}
"""The reasons that a member's claim, or a till naming the member the same day, does away with."""


def park(connection: sa.Connection, incoming: Incoming, reason: str | None) -> Answer:
    """Keep the purchase with the code that claims it; 201 without a member (no reason), 202 where it is unresolved."""
    status = "unresolved" if reason else "unclaimed"
    code = codes.new_code() if reason in CLAIMABLE else None
    body = parked_answer(incoming.purchase_id, status, reason, DETAILS[reason], code)
    values: dict[str, Any] = {
        "purchase_key": incoming.key,
        "store_id": incoming.store,
        "status": status,
        "reason": reason,
        "named_member": incoming.named_member if reason else None,
        "occurred_at": incoming.purchase.occurred_at,
        "received_at": clock.now(),
        "facts": incoming.document.facts,
        "claim_code": code,
        "answer": body.decode(),
    }
    purchase_keys.park(connection, values)
    return Answer(202 if reason else 201, body)
