"""Makes a new member's details fit to be stored, or says everything that is wrong with them at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from loyalty_engine import clock
from loyalty_engine.services import card_numbers, checking, phones
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.imports import records
from loyalty_engine.services.imports.records import GivenConsent, HeldLevel
from loyalty_engine.store.members import Consent
from rules.facts import Birthday
from rules.programme import Programme

CHANNELS: Final = ("sms", "email")
PURPOSES: Final = ("service", "greeting", "marketing")
_MAX_WORDS: Final = 100


@dataclass(frozen=True, slots=True)
class NewMember:
    """Who is enrolled; all of it may be missing. Without a card the member gets one of our own numbers.

    A phone without a country's code is one of the country that the programme's time zone lies in. `source`,
    `joined_on` and `tier` are for a membership that is brought along.
    """

    external_id: str | None = None
    cards: tuple[str, ...] = ()
    phone: str | None = None
    name: str | None = None
    email: str | None = None
    language: str | None = None
    birthday: Birthday | None = None
    consents: tuple[GivenConsent, ...] = ()
    segments: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    joined_on: date | None = None
    tier: HeldLevel | None = None


Given = NewMember | records.NewMember


@dataclass(frozen=True, slots=True)
class Newcomer:
    """The same, checked and in the form that is stored."""

    names: tuple[str, ...]
    """What the shop calls the member: none of them may be there already."""
    cards: tuple[str, ...]
    phone: str | None
    language: str
    joined_on: date
    tier: HeldLevel | None
    profile: Mapping[str, Any]
    consents: tuple[Consent, ...]


def checked(given: Given, programme: Programme, today: date) -> Newcomer:
    """Check everything; raises `Invalid` with all that is wrong, by field."""
    wrong = Wrong()
    phone = None if given.phone is None else phone_of(wrong, given.phone, programme)
    profile = {"name": None, "email": None, "phone": phone, **personal(wrong, given.name, given.email)}
    # What is brought along was known before: `lead` counts from the day of joining.
    known_since = min(given.joined_on or today, today)
    profile |= birthday_columns(
        None if given.birthday is None else _birthday(wrong, given.birthday, today), known_since
    )
    profile |= {"segments": segments(wrong, given.segments), "attributes": attributes(wrong, given.attributes)}
    newcomer = Newcomer(
        names=_names(wrong, given),
        cards=tuple(_card(wrong, f"cards[{place}]", text) for place, text in enumerate(given.cards)),
        phone=phone,
        language=default_language(programme)
        if given.language is None
        else checking.language(wrong, "language", given.language),
        joined_on=_joined_on(wrong, given.joined_on, today),
        tier=_tier(wrong, given.tier, programme),
        profile=profile,
        consents=tuple(consent(wrong, f"consents[{place}].", one) for place, one in enumerate(given.consents)),
    )
    wrong.refuse_any("member_invalid", "The member")
    return newcomer


def _names(wrong: Wrong, given: Given) -> tuple[str, ...]:
    if given.external_id is not None:
        checking.code(wrong, "external_id", given.external_id)
    if given.source is not None and not 1 <= len(given.source) <= 64:
        wrong.note("source", "must have 1 to 64 characters")
    return tuple(dict.fromkeys(name for name in (given.external_id, given.source) if name is not None))


def _card(wrong: Wrong, path: str, text: str) -> str:
    try:
        return card_numbers.normalised(text)
    except card_numbers.BadCard as bad:
        wrong.note(path, str(bad))
        return ""


def phone_of(wrong: Wrong, text: str, programme: Programme) -> str:
    """Return a telephone number in E.164."""
    try:
        return phones.e164(text, phones.region_of(programme.time_zone))
    except phones.BadPhone as bad:
        wrong.note("phone", str(bad))
        return ""


def personal(wrong: Wrong, name: str | None, email: str | None) -> dict[str, Any]:
    """Return the columns of a name and an e-mail address, those that are given."""
    found: dict[str, Any] = {}
    if name is not None:
        found["name"] = checking.words(wrong, "name", name)
    if email is not None:
        found["email"] = checking.email(wrong, "email", email)
    return found


def _birthday(wrong: Wrong, given: Birthday, today: date) -> Birthday:
    return checking.birthday(wrong, "birthday", given, today)


def birthday_columns(birthday: Birthday | None, set_on: date, locked_until: date | None = None) -> dict[str, Any]:
    """Return the columns of a birthday that is set on a day, all empty where it isn't known."""
    names = ("month", "day", "year", "calendar", "leap_month")
    values = {f"birthday_{name}": getattr(birthday, name) if birthday else None for name in names}
    return values | {"birthday_set_on": set_on if birthday else None, "birthday_locked_until": locked_until}


def segments(wrong: Wrong, given: frozenset[str]) -> str:
    """Return the JSON text of segments."""
    if not given:
        return "[]"
    if len(given) > _MAX_WORDS:
        wrong.note("segments", f"must be at most {_MAX_WORDS}")
    for segment in given:
        checking.code(wrong, "segments", segment)
    return json.dumps(sorted(given))


def attributes(wrong: Wrong, given: Mapping[str, str]) -> str:
    """Return the JSON text of attributes."""
    if not given:
        return "{}"
    if len(given) > _MAX_WORDS:
        wrong.note("attributes", f"must be at most {_MAX_WORDS}")
    found = {}
    for name, value in given.items():
        found[checking.code(wrong, "attributes", name)] = checking.words(wrong, f"attributes.{name[:64]}", value)
    return json.dumps(found, ensure_ascii=False, sort_keys=True)


def consent(wrong: Wrong, path: str, given: GivenConsent) -> Consent:
    """Check what a member said about being written to; `path` leads to it, with a dot at its end where it isn't empty."""
    for name, word, words in (("channel", given.channel, CHANNELS), ("purpose", given.purpose, PURPOSES)):
        if word not in words:
            wrong.note(f"{path}{name}", f"must be one of {', '.join(words)}")
    if given.at.tzinfo is None:
        wrong.note(f"{path}at", "must have an offset, such as +08:00")
    elif given.at - clock.now() > clock.MAY_DIFFER_BY:
        wrong.note(f"{path}at", "must not be in the future: nobody could take it back until then")
    proof = checking.words(wrong, f"{path}proof", given.proof, 500)
    return Consent(given.channel, given.purpose, given.given, given.at, proof)


def default_language(programme: Programme) -> str:
    """Return the first language that the programme's own name is in; English where it doesn't say."""
    return next((language for language in programme.name if language), "en")


def _joined_on(wrong: Wrong, given: date | None, today: date) -> date:
    if given is not None and given > today:
        wrong.note("joined_on", "must not be in the future")
    return given or today


def _tier(wrong: Wrong, given: HeldLevel | None, programme: Programme) -> HeldLevel | None:
    if given is not None and programme.level(given.level) is None:
        levels = [level.id for level in programme.tiers.levels] if programme.tiers else []
        wrong.note("tier", f"must be one of {', '.join(levels)}" if levels else "the programme has no levels")
    return given
