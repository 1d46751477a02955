"""Keeps a purchase that can't be booked yet: one without a member, or one that a person has to look at.

Source: RELIABILITY.md, Doors: a sale that happened and can be read is never lost.
"""

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.purchase_answers import parked_answer
from loyalty_engine.services.purchase_documents import encode_reference
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.session import in_transaction

DETAILS: Final = {
    None: "It has no member; the code on the receipt claims it within 30 days.",
    "unknown_card": "The card is not known; the member can claim the purchase, or staff name the member.",
    "unknown_phone": "The phone is not known; the member can claim the purchase, or staff name the member.",
    "unknown_member": "The member is not known; the member can claim the purchase, or staff name the member.",
    "unknown_token": "No member shows this code; the member can claim the purchase, or staff name the member.",
    "expired_token": "The code was shown too long ago; the member can claim the purchase, or staff name the member.",
    "blocked_card": "The card is blocked; staff name the member.",
    "replaced_card": "The card was replaced by another; staff name the member.",
    "suspended_member": "The member is suspended; staff resume the member and accept the purchase.",
    "erased_member": "The member has left; staff name another member.",
    "merged_member": "The member was merged into another; staff name that one.",
    "sums_disagree": "Lines, order discount and tenders don't add up; staff accept the purchase as it is, or not.",
    "late": "It comes later than the programme allows; staff accept it, or not.",
    "amount_out_of_range": "Its lines add up to more than one purchase may come to; staff look into it.",
    "points_tender_unmatched": "A tender in points doesn't fit its redemption; name the member whose points they are, or"
    " staff accept the purchase as it is.",
    "voucher_unusable": "A voucher on it is unknown, another member's, used, expired or cancelled; staff accept it, or not.",
    "points_out_of_range": "It would earn more points than one entry may carry; staff look into it.",
}
CLAIMABLE: Final = {
    None,
    *("unknown_card", "unknown_phone", "unknown_member", "unknown_token", "expired_token"),
    "points_tender_unmatched",
}
"""The reasons that a member's claim, or a till naming the member the same day, does away with."""
TRIED_AGAIN: Final = CLAIMABLE - {"points_tender_unmatched"}
"""The reasons that are gone once the member is known; an import that comes again tries such a purchase anew."""

NAMED_FOR: Final = timedelta(days=30)
"""How long it is kept by which card or phone a till named a member whom nobody knows: as long as a claim may come."""


def park(connection: sa.Connection, incoming: Incoming, reason: str | None, member_id: str | None = None) -> Answer:
    """Keep the purchase with the code that claims it; 201 without a member (no reason), 202 where it is unresolved.

    A member who is known is kept by the id; else what the till said is, until `forget_names`.
    """
    named = encode_reference(MemberReference(member_id=member_id) if member_id else incoming.member)
    status = "unresolved" if reason else "unclaimed"
    code = codes.new_code() if reason in CLAIMABLE else None
    body = parked_answer(incoming.purchase_id, status, reason, DETAILS[reason], code)
    values: dict[str, Any] = {
        "purchase_key": incoming.key,
        "store_id": incoming.store,
        "status": status,
        "reason": reason,
        "named_member": named if reason else None,
        "occurred_at": incoming.purchase.occurred_at,
        "received_at": clock.now(),
        "facts": incoming.document.facts,
        "claim_code": code,
        "answer": body.decode(),
    }
    purchase_keys.park(connection, values)
    return Answer(202 if reason else 201, body)


def forget_names() -> int:
    """Forget by which card or phone members were named longer than `NAMED_FOR` ago; return of how many purchases.

    From then on staff have to say whose such a purchase is.
    """
    return in_transaction(lambda connection: purchase_keys.forget_names(connection, clock.now() - NAMED_FOR))
