"""What a message says: the template in the member's language, its places filled, with the signature and how to refuse.

A template has named places only. Nothing in it is evaluated, and what is filled in is never read as a template again.
Source: PROGRAMME.md, messages; RELIABILITY.md, Doors.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from rules.phrases import number
from rules.programme import Programme, Template, Texts
from rules.salutations import LONGEST
from rules.segments import MOST, segments

Places = Mapping[str, str | int]
BY_MEMBER: Final = frozenset({"salutation", "programme", "level"})
"""Places that are filled when a message is sent, from who the member is then."""

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_REFUSE: Final = {"zh": "拒收请回复R", "en": "Reply STOP to opt out"}
_ENDS: Final = frozenset(":.]】)-")
_MONTHS: Final = "January February March April May June July August September October November December".split()
SAMPLE: Final[Places] = {
    "points": 1_000_000,
    "balance": 1_000_000,
    "years": 100,
    "minutes": 10,
    "code": "000000",
    "valid_until": "2026-09-30",
    "expires_on": "2026-09-30",
}
"""What is filled in when a template is measured or shown."""


class PlaceMissing(Exception):
    """A template names a place for which the message has no value."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A template's text in the language that is nearest to the member's."""

    language: str
    text: str

    @property
    def tongue(self) -> str:
        """How we speak around it: Chinese, or English for every other language."""
        return tongue_of(self.language)


def tongue_of(language: str) -> str:
    """Return the language of our own words: `zh` for Chinese of any kind, else `en`."""
    return "zh" if base(language) == "zh" else "en"


def base(language: str) -> str:
    """Return a language without its script or country."""
    return language.replace("_", "-").split("-", 1)[0].lower()


def spoken(texts: Texts, language: str) -> Spoken:
    """Return the text in a language: that one, one of its kin, English, or the first there is."""
    kin = [tag for tag in sorted(texts) if base(tag) == base(language)]
    for tag in (language, *kin, "en", "", *sorted(texts)):
        if texts.get(tag):
            return Spoken(tag or language, texts[tag])
    return Spoken(language, "")


def places_in(text: str) -> frozenset[str]:
    """Return the places that a text names."""
    return frozenset(_PLACE.findall(text))


def said(programme: Programme, template: Template, language: str, places: Places, salutation: str) -> Spoken:
    """Return the template with its places filled, without anything around it. Raises `PlaceMissing`."""
    found = spoken(template.texts, language)
    given = {"salutation": salutation, "programme": programme.id, **places}

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in given:
            raise PlaceMissing(name)
        return shown(programme, name, given[name], found.language)

    return Spoken(found.language, _PLACE.sub(fill, found.text))


def shown(programme: Programme, name: str, value: str | int, language: str) -> str:
    """Return a value as people read it: numbers with separators, days and names in their language."""
    if isinstance(value, int):
        return number(value) if value >= 0 else f"-{number(value)}"
    match name:
        case "valid_until" | "expires_on":
            return day_words(date.fromisoformat(value), language)
        case "programme":
            return spoken(programme.name, language).text or value
        case "wallet":
            return _named(((one.id, one.name) for one in programme.wallets), value, language)
        case "reward":
            return _named(((one.id, one.name) for one in programme.rewards), value, language)
        case "level":
            levels = programme.tiers.levels if programme.tiers else ()
            return _named(((one.id, one.name) for one in levels), value, language)
        case _:
            return value


def _named(things: Iterable[tuple[str, Texts]], wanted: str, language: str) -> str:
    return next((spoken(name, language).text or wanted for one, name in things if one == wanted), wanted)


def day_words(day: date, language: str) -> str:
    """Return a day in words: `31 January 2027`, `2027年1月31日`."""
    if tongue_of(language) == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def sms(programme: Programme, purpose: str, bodies: Sequence[Spoken]) -> str:
    """Return the text message that says all of `bodies`: who writes in front, and how to refuse at the end."""
    tongue = bodies[0].tongue
    gap = "" if tongue == "zh" else " "
    text = _signature(programme, bodies[0].language) + gap.join(body.text for body in bodies)
    return f"{text}{gap}{_REFUSE[tongue]}" if purpose == "marketing" else text


def _signature(programme: Programme, language: str) -> str:
    """Return what stands in front: in Chinese always 【…】, in another language only what the programme writes."""
    kin = {tag: text for tag, text in programme.messages.signature.items() if base(tag) in (base(language), "")}
    found = spoken(kin, language).text
    if tongue_of(language) == "zh":
        inner = (found or spoken(programme.name, language).text or programme.id).strip("【】 ")
        return f"【{inner}】"
    return f"{found}{'' if found[-1:] in _ENDS else ':'} " if found else ""


def fits(text: str) -> bool:
    """Tell whether a text message is short enough to be sent."""
    return segments(text) <= MOST


def longest(programme: Programme, template: Template, language: str) -> Spoken:
    """Return the template's body with the longest values that are to be expected."""
    tongue = tongue_of(spoken(template.texts, language).language)
    names = {
        "wallet": [one.id for one in programme.wallets],
        "reward": [one.id for one in programme.rewards],
        "level": [one.id for one in programme.tiers.levels] if programme.tiers else [],
    }
    widest = {
        name: max((shown(programme, name, one, language) for one in ids), key=len, default="-")
        for name, ids in names.items()
    }
    wide = "您" if tongue == "zh" else "n"
    return said(programme, template, language, {**SAMPLE, **widest}, wide * LONGEST[tongue])


def longest_segments(programme: Programme, template: Template, language: str) -> int:
    """Return how many segments the longest text that is to be expected of a template takes."""
    return segments(sms(programme, template.purpose, [longest(programme, template, language)]))
