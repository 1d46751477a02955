"""Who a till means: a card, a phone, a member's own id or token, found without a lock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import member_tokens
from loyalty_engine.services.card_numbers import digits_of
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.store import purchase_keys, survivors


@dataclass(frozen=True, slots=True)
class Identified:
    """The member, or the reason why a purchase can't be booked for anybody yet (`unknown_card`, `blocked_card`, …)."""

    member_id: str | None
    reason: str | None = None


NOBODY = Identified(None)


def identify(
    connection: sa.Connection, reference: MemberReference | None, shown_at: datetime | None = None
) -> Identified:
    """Find the member that `reference` names; without a reference there is nobody, and no trouble.

    A token has to be good now, or at `shown_at`: a till that was offline posts what it saw an hour ago.
    """
    if reference is None:
        return NOBODY
    if reference.card is not None:
        return _by_card(purchase_keys.member_of_card(connection, digits_of(reference.card)))
    if reference.phone is not None:
        return _by_phone(purchase_keys.member_of_phone(connection, reference.phone))
    if reference.member_id is not None:
        return _by_id(survivors.find(connection, reference.member_id))
    assert reference.token is not None, "one of the four"
    return _by_token(connection, reference.token, shown_at)


def identify_many(
    connection: sa.Connection, references: Collection[MemberReference]
) -> dict[MemberReference, Identified]:
    """Find the members that `references` name, in one statement for each way of naming.

    Those that show a token are left out: whether it was good depends on when each of them did.
    """
    named = {one.card: digits_of(one.card) for one in references if one.card is not None}
    cards = purchase_keys.members_of_cards(connection, set(named.values()))
    phones = purchase_keys.members_of_phones(connection, {one.phone for one in references if one.phone is not None})
    ids = survivors.among_them(connection, {one.member_id for one in references if one.member_id is not None})
    found = {}
    for one in references:
        if one.card is not None:
            found[one] = _by_card(cards.get(named[one.card]))
        elif one.phone is not None:
            found[one] = _by_phone(phones.get(one.phone))
        elif one.member_id is not None:
            found[one] = _by_id(ids.get(one.member_id))
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


def _by_token(connection: sa.Connection, token: str, shown_at: datetime | None) -> Identified:
    said = member_tokens.read(token)
    if said is None or not member_tokens.is_genuine(connection, said):
        return Identified(None, "unknown_token")
    moments = (clock.now(), shown_at or clock.now())
    if not any(member_tokens.is_good_at(said, at) for at in moments):
        return Identified(None, "expired_token")
    return _by_id(survivors.find(connection, said.member_id))
