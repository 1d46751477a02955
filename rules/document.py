"""A programme as a marketer writes it: read into values with everything that is wrong told at once, and written back.

Source: PROGRAMME.md. The document is plain data (mappings, lists, text, numbers), from YAML 1.2 or JSON; its size and
depth are bounded where the text is read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from rules.document_accrual import MAX_RULES, check_exclusive_groups, rule, write_rule
from rules.document_caps import cap, event_rule, write_cap, write_event_rule
from rules.document_examples import example, write_example
from rules.document_gifts import occasion, reward, write_occasion, write_reward
from rules.document_messages import messages, write_messages
from rules.document_surroundings import surroundings, zone_named, zone_names
from rules.document_templates import check_templates
from rules.document_tiers import tiers, write_tiers
from rules.document_wallets import wallet, write_texts, write_wallet
from rules.errors import Problem
from rules.money import is_currency
from rules.programme import Messages, Programme, Rule
from rules.reading import AsMeant, Fields, Place, Reader, T, Unreadable, each_named
from rules.reading_values import (
    identifier,
    texts,
    whole,
)
from rules.shown import shown

MAX_WALLETS: Final = 12
MAX_REWARDS: Final = 200
MAX_OTHERS: Final = 200
"""Caps, event rules, occasions and examples, each."""
MAX_LATE_DAYS: Final = 3_650

_MISSPELT_INSIDE_EACH_OTHER: Final = 8
_DEEPEST: Final = 40


@dataclass(frozen=True, slots=True)
class Beside:
    """What a document that is to be published is held against: the SKU lists there are, and what is deployed already."""

    sku_lists: Collection[str] = ()
    programme: str | None = None
    money: str | None = None


def read(document: object, beside: Beside | None = None) -> Programme | tuple[Problem, ...]:
    """Read a document; return the programme, or everything that is wrong with it, in the order of reading.

    What stands under a misspelt key is read as what was meant, so that its faults are told too, and nothing is said to be
    missing for it. Without `beside` nothing outside of the document is asked for. Never raises, whatever `document` is.
    """
    found, as_meant = _read(document, beside)
    for _ in range(_MISSPELT_INSIDE_EACH_OTHER):
        if as_meant is None:
            break
        found, as_meant = _read(as_meant, beside)
    return found


def _read(document: object, beside: Beside | None) -> tuple[Programme | tuple[Problem, ...], object]:
    """Read a document; return beside what was found the document as it was meant, where keys of it are misspelt."""
    problems: list[Problem] = []
    place = Place(document, "", surroundings(document, beside.sku_lists if beside else None), problems)
    try:
        programme = _programme(place, beside or Beside())
    except Unreadable:
        return tuple(problems), _as_meant(place) if place.around.misspelt else None
    return tuple(problems) or programme, _as_meant(place) if place.around.misspelt else None


def _as_meant(place: Place, depth: int = 0) -> object:
    """Return the value with its misspelt keys put right; those deeper than a document may be stay."""
    value = place.value
    if depth > _DEEPEST or not isinstance(value, dict | list | tuple):
        return value
    if not isinstance(value, dict):
        return [_as_meant(place.item(index, part), depth + 1) for index, part in enumerate(value)]
    parts = {key: _as_meant(place.at(key), depth + 1) if isinstance(key, str) else value[key] for key in value}
    known = dict(value.written) if isinstance(value, AsMeant) else {}
    found = place.around.misspelt.get(place.path, {})
    for meant, written in found.items():
        if written in parts and meant not in parts:
            parts[meant] = parts.pop(written)
    return AsMeant(parts, known | found) if known or found else parts


def _programme(place: Place, beside: Beside) -> Programme:
    fields = Fields(place, "a programme")
    found_id, name = fields.need("programme", _deployed(identifier, beside.programme)), fields.need("name", texts())
    money, zone = fields.need("money", _deployed(_currency, beside.money)), fields.need("time_zone", _zone)
    wallets = fields.need("wallets", _listed(wallet, MAX_WALLETS))
    late_days = fields.may("late_days", whole(0, MAX_LATE_DAYS), 30)
    rules, caps = fields.may("accrual", _rules, ()), fields.may("caps", _listed(cap, MAX_OTHERS), ())
    events = fields.may("events", _listed(event_rule, MAX_OTHERS), ())
    ladder = fields.may("tiers", tiers, None)
    occasions = fields.may("occasions", _listed(occasion, MAX_OTHERS), ())
    rewards = fields.may("rewards", _listed(reward, MAX_REWARDS), ())
    said, cases = fields.may("messages", messages, Messages()), fields.may("examples", _listed(example, MAX_OTHERS), ())
    programme = Programme(
        found_id, name, money, zone, wallets or (), late_days, rules or (), caps or (), events or (), ladder,
        occasions or (), rewards or (), said or Messages(), cases or (),
    )  # fmt: skip
    check_templates(programme, place.at("messages"))
    fields.close()
    return programme


def _deployed(reader: Reader[str], present: str | None) -> Reader[str]:
    """A deployment runs one programme, in one currency: what has been booked can't be counted in another."""

    def read(place: Place) -> str:
        found = reader(place)
        if present is not None and found != present:
            place.note(f'is "{found}", and this deployment runs "{present}"', "start another deployment for it")
        return found

    return read


def _listed(reader: Reader[T], at_most: int) -> Reader[tuple[T, ...]]:
    return lambda place: tuple(found for _, found in each_named(place, reader, at_most))


def _rules(place: Place) -> tuple[Rule, ...]:
    found = each_named(place, rule, MAX_RULES)
    check_exclusive_groups(place)
    return tuple(one for _, one in found)


def _currency(place: Place) -> str:
    if isinstance(place.value, str) and is_currency(place.value):
        return place.value
    raise place.wrong(f"{shown(place.value)} is no currency", "write three capitals of ISO 4217, such as CNY")


def _zone(place: Place) -> ZoneInfo:
    found = zone_named(place.value)
    if found is None:
        remedy = "write it as Asia/Shanghai"
        if isinstance(place.value, str):
            remedy = place.nearest(place.value, zone_names(), remedy)
        raise place.wrong(f"{shown(place.value)} is no time zone", remedy)
    return found


def write(programme: Programme) -> dict[str, Any]:
    """Return the programme as plain data that JSON can hold; `read` gives the same programme again."""
    money = programme.money
    written: dict[str, Any] = {
        "programme": programme.id,
        "name": write_texts(programme.name),
        "money": money,
        "time_zone": programme.time_zone.key,
        "late_days": programme.late_days,
        "wallets": [write_wallet(one, money) for one in programme.wallets],
        "accrual": [write_rule(one, money) for one in programme.accrual],
        "caps": [write_cap(one) for one in programme.caps],
        "events": [write_event_rule(one) for one in programme.events],
        "tiers": write_tiers(programme.tiers, money) if programme.tiers else None,
        "occasions": [write_occasion(one, money) for one in programme.occasions],
        "rewards": [write_reward(one, money) for one in programme.rewards],
        "messages": write_messages(programme.messages, money),
        "examples": [write_example(one) for one in programme.examples],
    }
    return {key: value for key, value in written.items() if value is not None and value != []}
