"""Who a till means: a card, a phone, a member's own id or token, found without a lock."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_engine.services.intake import MemberReference
from loyalty_engine.store import purchase_keys, survivors


@dataclass(frozen=True, slots=True)
class Identified:
    """The member, or the reason why a purchase can't be booked for anybody yet (`unknown_card`, `blocked_card`, …)."""

    member_id: str | None
    reason: str | None = None


NOBODY = Identified(None)
_BY_TOKEN = Identified(None, "unknown_token")
"""Nobody shows rotating codes before members can sign in."""


def identify(connection: sa.Connection, reference: MemberReference | None) -> Identified:
    """Find the member that `reference` names; without a reference there is nobody, and no trouble."""
    if reference is None:
        return NOBODY
    if reference.card is not None:
        return _by_card(purchase_keys.member_of_card(connection, reference.card))
    if reference.phone is not None:
        return _by_phone(purchase_keys.member_of_phone(connection, reference.phone))
    if reference.member_id is not None:
        return _by_id(survivors.find(connection, reference.member_id))
    return _BY_TOKEN


def identify_many(
    connection: sa.Connection, references: Collection[MemberReference]
) -> dict[MemberReference, Identified]:
    """Find the members that `references` name, in one statement for each way of naming."""
    cards = purchase_keys.members_of_cards(connection, {one.card for one in references if one.card is not None})
    phones = purchase_keys.members_of_phones(connection, {one.phone for one in references if one.phone is not None})
    ids = survivors.among_them(connection, {one.member_id for one in references if one.member_id is not None})
    found = {}
    for one in references:
        if one.card is not None:
            found[one] = _by_card(cards.get(one.card))
        elif one.phone is not None:
            found[one] = _by_phone(phones.get(one.phone))
        elif one.member_id is not None:
            found[one] = _by_id(ids.get(one.member_id))
        else:
            found[one] = _BY_TOKEN
    return found


def _by_card(found: tuple[str, str] | None) -> Identified:
    if found is None:
        return Identified(None, "unknown_card")
    member_id, status = found
    return Identified(member_id) if status == "active" else Identified(None, f"{status}_card")


def _by_phone(member_id: str | None) -> Identified:
    return Identified(member_id, None if member_id else "unknown_phone")


def _by_id(member_id: str | None) -> Identified:
    return Identified(member_id, None if member_id else "unknown_member")
