"""The queries on who members are: their rows, personal data, consents, and the look-ups that lead to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import cards, consents, external_ids, members, phones, profiles, tier_history


@dataclass(frozen=True, slots=True)
class MemberRow:
    """What of a member is not personal."""

    member_id: str
    status: str
    joined_on: date
    enrolled_at: datetime
    time_zone: str | None
    language: str
    level: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What of a member is personal; `segments` and `attributes` are JSON text."""

    name: str | None
    phone: str | None
    email: str | None
    birthday_month: int | None
    birthday_day: int | None
    birthday_year: int | None
    birthday_calendar: str | None
    birthday_leap_month: bool | None
    birthday_locked_until: date | None
    birthday_set_on: date | None
    phone_changed_at: datetime | None
    segments: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Consent:
    """That a member agreed, or didn't, to be written to; `proof` says how it is known."""

    channel: str
    purpose: str
    given: bool
    at: datetime
    proof: str


@dataclass(frozen=True, slots=True)
class Card:
    """A card by its number."""

    number: str
    member_id: str
    status: str
    issued_at: datetime
    changed_at: datetime | None
    replaced_by: str | None


def _columns(table: sa.Table, shape: type) -> list[sa.Column[Any]]:
    return [table.c[field.name] for field in fields(shape)]


_ID: Final = sa.bindparam("member_id", type_=members.c.member_id.type)
_NUMBER: Final = sa.bindparam("number", type_=cards.c.number.type)

_ANY: Final = Statement(sa.select(members.c.member_id).limit(1))
_ROW: Final = Statement(sa.select(*_columns(members, MemberRow)).where(members.c.member_id == _ID))
_STATUS: Final = Statement(sa.select(members.c.status).where(members.c.member_id == _ID))
_LOCK: Final = Statement(sa.select(members.c.status).where(members.c.member_id == _ID).with_for_update())
_PROFILE: Final = Statement(sa.select(*_columns(profiles, Profile)).where(profiles.c.member_id == _ID))
_PHONE_CHANGED: Final = Statement(sa.select(profiles.c.phone_changed_at).where(profiles.c.member_id == _ID))
_CONSENTS: Final = Statement(
    sa.select(*_columns(consents, Consent))
    .where(consents.c.member_id == _ID)
    .order_by(consents.c.channel, consents.c.purpose)
)
_CARDS_OF: Final = Statement(
    sa.select(*_columns(cards, Card)).where(cards.c.member_id == _ID).order_by(cards.c.issued_at, cards.c.number)
)
_PHONES_OF: Final = Statement(sa.select(phones.c.phone).where(phones.c.member_id == _ID).order_by(phones.c.phone))
_CARD: Final = Statement(sa.select(*_columns(cards, Card)).where(cards.c.number == _NUMBER))

_AT_ENROLMENT: Final = "member_id status joined_on enrolled_at time_zone language level level_since_at level_review_on tier_changes".split()
"""The figures of a new member are the columns' defaults."""
_LATER: Final = ("token_secret", "phone_changed_at")
"""What a new member has nothing of yet."""
_INSERTS: Final = (
    (members, statements.insert(members, *_AT_ENROLMENT)),
    *((table, statements.insert(table)) for table in (external_ids, cards, phones)),
    (profiles, statements.insert(profiles, *(one.name for one in profiles.columns if one.name not in _LATER))),
    *((table, statements.insert(table)) for table in (consents, tier_history)),
)
_INSERT_CARD: Final = statements.insert(cards)
_INSERT_PHONE: Final = statements.insert(phones)
_DROP_PHONES: Final = Statement(phones.delete().where(phones.c.member_id == _ID))
_PUT_CONSENT: Final = statements.upsert(consents, given=take("given"), at=take("at"), proof=take("proof"))
_CHANGE_CARD: Final = Statement(
    cards.update()
    .where(cards.c.number == sa.bindparam("key"), cards.c.status != "replaced")
    .values(
        status=sa.bindparam("status"),
        changed_at=sa.bindparam("changed_at", type_=cards.c.changed_at.type),
        replaced_by=sa.bindparam("replaced_by", type_=cards.c.replaced_by.type),
    )
)


def any_there(connection: sa.Connection) -> bool:
    """Tell whether anybody is a member."""
    return _ANY.one(connection) is not None


def row(connection: sa.Connection, member_id: str) -> MemberRow | None:
    """Return a member's row, or None."""
    found = _ROW.one(connection, member_id=member_id)
    return MemberRow(*found) if found else None


def status(connection: sa.Connection, member_id: str) -> str | None:
    """Return a member's status, or None where there is no such member."""
    found = _STATUS.one(connection, member_id=member_id)
    return str(found[0]) if found else None


def lock(connection: sa.Connection, member_id: str) -> str | None:
    """Lock a member's row for the rest of the transaction; return its status, or None."""
    found = _LOCK.one(connection, member_id=member_id)
    return str(found[0]) if found else None


def profile(connection: sa.Connection, member_id: str) -> Profile | None:
    """Return a member's personal data; None after an erasure."""
    found = _PROFILE.one(connection, member_id=member_id)
    return Profile(*found) if found else None


def consents_of(connection: sa.Connection, member_id: str) -> tuple[Consent, ...]:
    """Return what a member agreed to, and what not."""
    return tuple(Consent(*found) for found in _CONSENTS.rows(connection, member_id=member_id))


def cards_of(connection: sa.Connection, member_id: str) -> tuple[Card, ...]:
    """Return a member's cards, the oldest first, also those that no longer work."""
    return tuple(Card(*found) for found in _CARDS_OF.rows(connection, member_id=member_id))


def card(connection: sa.Connection, number: str) -> Card | None:
    """Return a card, or None."""
    found = _CARD.one(connection, number=number)
    return Card(*found) if found else None


def known_external_ids(connection: sa.Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return, of these external ids, those that are there, each with its member."""
    return _known(connection, external_ids.c.external_id, external_ids.c.member_id, wanted)


def known_phones(connection: sa.Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return, of these telephone numbers, those that are there, each with its member."""
    return _known(connection, phones.c.phone, phones.c.member_id, wanted)


def known_cards(connection: sa.Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return, of these card numbers, those that are there, each with its member."""
    return _known(connection, cards.c.number, cards.c.member_id, wanted)


def _known(
    connection: sa.Connection, key: sa.Column[Any], member: sa.Column[Any], wanted: Collection[str]
) -> dict[str, str]:
    rows = connection.execute(sa.select(key, member).where(among(connection, key, wanted)))
    return {str(thing): str(member_id) for thing, member_id in rows}


def insert(connection: sa.Connection, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Add members with all that belongs to them, by table; raises `Duplicate` for a key that is taken."""
    for table, statement in _INSERTS:
        statement.many(connection, rows[table.name])


def change_member(connection: sa.Connection, member_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a member's row."""
    connection.execute(members.update().where(members.c.member_id == member_id).values(**values))


def change_profile(connection: sa.Connection, member_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of a member's personal data."""
    connection.execute(profiles.update().where(profiles.c.member_id == member_id).values(**values))


def phones_of(connection: sa.Connection, member_id: str) -> list[str]:
    """Return the telephone numbers that lead to a member: after a merge there may be several."""
    return [str(row[0]) for row in _PHONES_OF.rows(connection, member_id=member_id)]


def phone_changed_at(connection: sa.Connection, member_id: str) -> datetime | None:
    """Return when a member's phone was changed last, where it was."""
    row = _PHONE_CHANGED.one(connection, member_id=member_id)
    return row[0] if row else None


def change_phone(connection: sa.Connection, member_id: str, new: str | None) -> None:
    """Let a telephone number, or none, lead to a member in place of all before, also those that a merge left to it.

    Raises `Duplicate` where it leads elsewhere.
    """
    _DROP_PHONES.run(connection, member_id=member_id)
    if new is not None:
        _INSERT_PHONE.run(connection, phone=new, member_id=member_id)


def put_consent(connection: sa.Connection, member_id: str, given: Consent) -> None:
    """Store what a member said about being written to, in place of what was said before."""
    _PUT_CONSENT.run(connection, **consent_row(member_id, given))


def consent_row(member_id: str, given: Consent) -> dict[str, Any]:
    """Return the row of a consent."""
    return {"member_id": member_id} | {field.name: getattr(given, field.name) for field in fields(Consent)}


def insert_card(connection: sa.Connection, number: str, member_id: str, at: datetime) -> None:
    """Add a card that works; raises `Duplicate` for a number that is taken."""
    _INSERT_CARD.run(connection, **card_row(number, member_id, at))


def card_row(number: str, member_id: str, at: datetime) -> dict[str, Any]:
    """Return the row of a new card."""
    new = {"number": number, "member_id": member_id, "status": "active", "issued_at": at}
    return new | {"changed_at": None, "replaced_by": None}


def end_card(connection: sa.Connection, number: str, status: str, at: datetime, replaced_by: str | None = None) -> bool:
    """Let a card work no longer; False for one that was replaced: its end is final."""
    return _CHANGE_CARD.run(connection, key=number, status=status, changed_at=at, replaced_by=replaced_by) == 1
