"""Reads an existing membership from a file: who, by which cards and phone, what they agreed to and reached."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final

from loyalty_engine.services.imports.fields import Fields
from loyalty_engine.services.imports.records import GivenConsent, HeldLevel, Misread, NewMember
from loyalty_engine.services.imports.values import day, identifier, instant, listed, one_of, text, whole, yes_or_no
from rules.errors import Problem
from rules.facts import Birthday

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BIRTHDAY: Final = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_member(values: Mapping[str, Any], zone: tzinfo, instead_of_id: str) -> NewMember | Misread:
    """Read one member, or return everything that is wrong; `instead_of_id` names the row when it has no external_id."""
    problems: list[Problem] = []
    fields = Fields(_nested(values), problems)
    external_id = fields.take("external_id", text)
    found = NewMember(
        source=external_id or instead_of_id,
        external_id=external_id,
        cards=fields.take("cards", listed(text, 20)) or (),
        phone=fields.take("phone", text),
        name=fields.take("name", text),
        email=fields.take("email", text),
        language=fields.take("language", text),
        joined_on=fields.take("joined_on", day),
        birthday=_birthday(fields),
        consents=tuple(_consent(consent, zone) for consent in fields.each("consents", 50)),
        tier=_tier(fields.within("tier")),
        attributes=_attributes(fields.within("attributes")),
        segments=frozenset(fields.take("segments", listed(text)) or ()),
    )
    if not (external_id or found.cards or found.phone or found.email):
        fields.wrong("", "nobody could find this member: give an external_id, a card, a phone or an email")
    fields.finish()
    return Misread(problems) if problems else found


def _birthday(fields: Fields) -> Birthday | None:
    beside = {name: fields.take(f"birthday_{name}", text) for name in ("calendar", "leap_month")}
    parts = fields.take("birthday", _birthday_parts)
    if parts is None:
        return None
    inside = Fields({**beside, **parts}, fields.problems, fields.place("birthday"))
    found = Birthday(
        month=inside.need("month", whole(1, 12), 1),
        day=inside.need("day", whole(1, 31), 1),
        year=inside.take("year", whole(1900, 2100)),
        calendar="lunar" if inside.take("calendar", one_of("solar", "lunar")) == "lunar" else "solar",
        leap_month=inside.take("leap_month", yes_or_no) or False,
    )
    inside.finish()
    _check_day(inside, found)
    return found


def _birthday_parts(value: Any) -> Mapping[str, Any]:
    """Read the API's object, or in a flat file 1990-08-15, or 08-15 where the year isn't known."""
    if isinstance(value, dict):
        return value
    found = _BIRTHDAY.fullmatch(str(value))
    if found is None:
        raise ValueError("must be a date such as 1990-08-15, or 08-15 without the year")
    return {name: part for name, part in zip(("year", "month", "day"), found.groups(), strict=True) if part}


def _check_day(fields: Fields, birthday: Birthday) -> None:
    if birthday.calendar == "lunar":
        if birthday.day > 30:
            fields.wrong("day", "a lunar month has at most 30 days")
        return
    if birthday.leap_month:
        fields.wrong("leap_month", "only the lunar calendar has leap months")
    if birthday.day > _LONGEST_MONTH[birthday.month - 1]:
        fields.wrong("day", "this month has fewer days")
    elif birthday.year and (birthday.month, birthday.day) == (2, 29) and not _has_leap_day(birthday.year):
        fields.wrong("day", f"{birthday.year} had no 29 February")


def _has_leap_day(year: int) -> bool:
    return (date(year, 3, 1) - date(year, 2, 28)).days == 2


def _consent(fields: Fields, zone: tzinfo) -> GivenConsent:
    found = GivenConsent(
        channel=fields.need("channel", identifier, ""),
        purpose=fields.need("purpose", identifier, ""),
        given=fields.need("given", yes_or_no, False),
        at=fields.need("at", instant(zone), _NEVER),
        proof=fields.need("proof", text, ""),
    )
    fields.finish()
    return found


def _tier(fields: Fields | None) -> HeldLevel | None:
    if fields is None:
        return None
    found = HeldLevel(fields.need("level", identifier, ""), fields.take("until", day))
    fields.finish()
    return found


def _attributes(fields: Fields | None) -> Mapping[str, str]:
    found = {name: fields.take(name, text) for name in fields.rest()} if fields else {}
    return {name: value for name, value in found.items() if value is not None}


def _nested(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a flat row the shape of the object: `tier_level`, `consent.sms.marketing`, `attribute.city` and so on."""
    nested: dict[str, Any] = {}
    for name, value in values.items():
        kind, _, rest = name.partition(".")
        if kind == "consent" and rest:
            nested.setdefault("consents", []).append(_flat_consent(rest, value))
        elif kind == "attribute" and rest:
            nested.setdefault("attributes", {})[rest] = value
        elif name in ("tier_level", "tier_until"):
            nested.setdefault("tier", {})[name.removeprefix("tier_")] = value
        else:
            nested[name] = value
    return nested


def _flat_consent(name: str, value: Any) -> Mapping[str, Any]:
    """Read `yes;2024-05-01T10:00:00+08:00;paper form` under `sms.marketing`."""
    channel, _, purpose = name.partition(".")
    given, at, proof = (*str(value).split(";", 2), "", "")[:3]
    return {"channel": channel, "purpose": purpose, "given": given.strip(), "at": at.strip(), "proof": proof.strip()}
