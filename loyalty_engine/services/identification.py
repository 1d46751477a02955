"""Who a till means: a card, a phone, a member's own id or token, found without a lock."""

from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_engine.services.intake import MemberReference
from loyalty_engine.store import purchase_keys
from rules.errors import Invalid


@dataclass(frozen=True, slots=True)
class Identified:
    """The member, or the reason why a purchase can't be booked for anybody yet (`unknown_card`, `blocked_card`, …)."""

    member_id: str | None
    reason: str | None = None


NOBODY = Identified(None)


def identify(connection: sa.Connection, reference: MemberReference | None) -> Identified:
    """Find the member that `reference` names; without a reference there is nobody, and no trouble."""
    if reference is None:
        return NOBODY
    if reference.card is not None:
        found = purchase_keys.member_of_card(connection, reference.card)
        if found is None:
            return Identified(None, "unknown_card")
        member_id, status = found
        return Identified(member_id) if status == "active" else Identified(None, f"{status}_card")
    if reference.phone is not None:
        by_phone = purchase_keys.member_of_phone(connection, reference.phone)
        return Identified(by_phone, None if by_phone else "unknown_phone")
    if reference.member_id is not None:
        known = purchase_keys.member_exists(connection, reference.member_id)
        return Identified(reference.member_id) if known else Identified(None, "unknown_member")
    raise Invalid(
        "token_not_supported",
        "Rotating tokens are not in use yet.",
        {"member.token": ["name the member by card, phone or member_id"]},
    )
