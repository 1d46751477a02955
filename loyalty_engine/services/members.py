"""Who a member is: the little that a till sees, and all of it for the member and for staff."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import card_numbers, newcomers
from loyalty_engine.services.card_numbers import masked
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.identification import identify
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import members as store
from loyalty_engine.store import survivors
from loyalty_engine.store.members import Card, Consent, MemberRow, Profile
from loyalty_engine.store.session import reading
from rules.errors import Conflict, NotFound
from rules.facts import Birthday

GONE: Final = ("erased", "merged")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a till is shown of a member: enough to greet it and to book for it, and no more."""

    member_id: str
    status: str
    name: str | None
    """Only the first letter of each word: `A*** S***`."""
    card: str | None
    """Only the last four digits."""
    level: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Member:
    """Everything that is known of a member but its points: for itself and for staff."""

    member_id: str
    status: str
    joined_on: date
    enrolled_at: datetime
    time_zone: str | None
    language: str
    level: str | None
    name: str | None
    phone: str | None
    email: str | None
    birthday: Birthday | None
    birthday_locked_until: date | None
    segments: tuple[str, ...]
    attributes: Mapping[str, str]
    consents: tuple[Consent, ...]
    cards: tuple[Card, ...]


def look_up(reference: MemberReference) -> Seen:
    """Return who stands at the till; raises `NotFound`, or `Conflict` for a card that works no longer."""
    with reading() as connection:
        named = _normalised(connection, reference)
        found = identify(connection, named)
        if found.member_id is None:
            raise not_identified(found.reason or "unknown_member", named)
        row = _row(connection, found.member_id)
        profile = store.profile(connection, row.member_id)
        working = [card for card in store.cards_of(connection, row.member_id) if card.status == "active"]
    name = masked_name(profile.name) if profile and profile.name else None
    card = masked(working[-1].number) if working else None
    return Seen(row.member_id, row.status, name, card, row.level, row.language)


def _row(connection: sa.Connection, member_id: str) -> MemberRow:
    """Return the row of the member that an id leads to."""
    row = store.row(connection, member_id)
    if row is not None and row.status == "merged":
        row = store.row(connection, survivors.of(connection, member_id))
    if row is None or row.status in GONE:
        raise no_member()
    return row


def not_identified(reason: str, named: MemberReference) -> NotFound | Conflict:
    """Return the refusal for a member that nobody is, or whose card or code works no longer."""
    match reason:
        case "blocked_card":
            return Conflict("blocked_card", "This card is blocked; ask the member for another one, or for the phone.")
        case "replaced_card":
            return Conflict("replaced_card", "This card was replaced; the member has a new one.")
        case "unknown_card" if named.card and card_numbers.looks_misread(named.card):
            return NotFound("unknown_card", "There is no such card, for its check digit doesn't fit: read it again.")
        case "unknown_card":
            return NotFound("unknown_card", "There is no such card; read it again, or enrol the member.")
        case "unknown_phone":
            return NotFound("unknown_phone", "There is no member with this telephone number.")
        case "unknown_token":
            return NotFound("unknown_token", "No member shows this code; scan it again, or take the card.")
        case "expired_token":
            return NotFound("expired_token", "This code is too old; scan the one that the member's page shows now.")
        case _:
            return no_member()


def _normalised(connection: sa.Connection, reference: MemberReference) -> MemberReference:
    wrong = Wrong()
    found = reference
    if reference.card is not None:
        found = MemberReference(card=_card(wrong, reference.card))
    elif reference.phone is not None:
        programme = plan_for(connection, clock.now()).programme
        found = MemberReference(phone=newcomers.phone_of(wrong, reference.phone, programme))
    elif reference.member_id is not None:
        found = MemberReference(member_id=checked_id(reference.member_id))
    wrong.refuse_any("member_reference_invalid", "The member")
    return found


def _card(wrong: Wrong, text: str) -> str:
    try:
        return card_numbers.normalised(text)
    except card_numbers.BadCard as bad:
        wrong.note("card", str(bad))
        return ""


def masked_name(name: str) -> str:
    """Return the first letter of each word of a name."""
    return " ".join(f"{word[0]}***" for word in name.split())


def find(member_id: str) -> Member:
    """Return everything about a member; raises `NotFound`."""
    with reading() as connection:
        return load(connection, checked_id(member_id))


def load(connection: sa.Connection, member_id: str) -> Member:
    """Return everything about the member that an id leads to, as the transaction sees it; raises `NotFound`."""
    row = _row(connection, member_id)
    profile = store.profile(connection, row.member_id)
    if profile is None:
        raise no_member()
    consents, cards = store.consents_of(connection, row.member_id), store.cards_of(connection, row.member_id)
    return _member(row, profile, consents, cards)


def _member(row: MemberRow, profile: Profile, consents: tuple[Consent, ...], cards: tuple[Card, ...]) -> Member:
    return Member(
        member_id=row.member_id,
        status=row.status,
        joined_on=row.joined_on,
        enrolled_at=row.enrolled_at,
        time_zone=row.time_zone,
        language=row.language,
        level=row.level,
        name=profile.name,
        phone=profile.phone,
        email=profile.email,
        birthday=birthday_of(profile),
        birthday_locked_until=profile.birthday_locked_until,
        segments=tuple(json.loads(profile.segments)),
        attributes=json.loads(profile.attributes),
        consents=consents,
        cards=cards,
    )


def birthday_of(profile: Profile) -> Birthday | None:
    """Return the birthday that a profile holds."""
    if profile.birthday_month is None or profile.birthday_day is None:
        return None
    calendar: Literal["solar", "lunar"] = "lunar" if profile.birthday_calendar == "lunar" else "solar"
    return Birthday(
        profile.birthday_month,
        profile.birthday_day,
        profile.birthday_year,
        calendar,
        bool(profile.birthday_leap_month),
    )


def checked_id(member_id: str) -> str:
    """Return a member's id in the form that is stored; what can't be one is nobody's."""
    try:
        return str(UUID(member_id))
    except ValueError:
        raise no_member() from None


def current_id(connection: sa.Connection, member_id: str) -> str:
    """Return the id of the member that an id leads to now."""
    return survivors.of(connection, checked_id(member_id))


def no_member() -> NotFound:
    """Return the one refusal for a member that isn't there, or that the asker may not know of."""
    return NotFound("member_not_found", "There is no such member.")
