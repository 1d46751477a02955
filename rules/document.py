"""A programme as a marketer writes it: read into values with everything that is wrong told at once, and written back.

Source: PROGRAMME.md. The document is plain data (mappings, lists, text, numbers), from YAML 1.2 or JSON; its size and
depth are bounded where the text is read.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from rules.document_accrual import check_exclusive_groups, rule, write_rule
from rules.document_caps import cap, event_rule, write_cap, write_event_rule
from rules.document_examples import example, write_example
from rules.document_gifts import occasion, reward, write_occasion, write_reward
from rules.document_messages import messages, write_messages
from rules.document_templates import check_templates
from rules.document_tiers import tiers, write_tiers
from rules.document_wallets import wallet, write_texts, write_wallet
from rules.errors import Problem
from rules.money import is_currency
from rules.programme import Messages, Programme, Rule
from rules.reading import Fields, Place, Reader, Surroundings, T, Unreadable, each_named, shown
from rules.reading_values import (
    identifier,
    texts,
    whole,
)

MAX_RULES: Final = 200
MAX_WALLETS: Final = 12
MAX_REWARDS: Final = 200
MAX_OTHERS: Final = 200
"""Caps, event rules, occasions and examples, each."""
MAX_LATE_DAYS: Final = 3_650

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_FINEST: Final = "CLF"
"""A currency of four decimals: amounts are read by it when the programme's own is not known."""
_UTC: Final = ZoneInfo("UTC")


def read(document: object) -> Programme | tuple[Problem, ...]:
    """Read a document; return the programme, or everything that is wrong with it, in the order of reading.

    Never raises, whatever `document` is.
    """
    problems: list[Problem] = []
    place = Place(document, "", _surroundings(document), problems)
    try:
        programme = _programme(place)
    except Unreadable:
        return tuple(problems)
    return tuple(problems) or programme


def _programme(place: Place) -> Programme:
    fields = Fields(place, "a programme")
    found_id, name = fields.need("programme", identifier), fields.need("name", texts())
    money, zone = fields.need("money", _currency), fields.need("time_zone", _zone)
    wallets = fields.need("wallets", _listed(wallet, MAX_WALLETS))
    late_days = fields.may("late_days", whole(0, MAX_LATE_DAYS), 30)
    rules, caps = fields.may("accrual", _rules, ()), fields.may("caps", _listed(cap, MAX_OTHERS), ())
    events = fields.may("events", _listed(event_rule, MAX_OTHERS), ())
    ladder = fields.may("tiers", tiers, None)
    occasions = fields.may("occasions", _listed(occasion, MAX_OTHERS), ())
    rewards = fields.may("rewards", _listed(reward, MAX_REWARDS), ())
    said, cases = fields.may("messages", messages, Messages()), fields.may("examples", _listed(example, MAX_OTHERS), ())
    fields.close()
    programme = Programme(
        found_id, name, money, zone, wallets, late_days, rules, caps, events, ladder, occasions, rewards, said, cases
    )
    check_templates(programme, place.at("messages"))
    return programme


def _listed(reader: Reader[T], at_most: int) -> Reader[tuple[T, ...]]:
    return lambda place: tuple(found for _, found in each_named(place, reader, at_most))


def _rules(place: Place) -> tuple[Rule, ...]:
    found = each_named(place, rule, MAX_RULES)
    check_exclusive_groups(found)
    return tuple(one for _, one in found)


def _currency(place: Place) -> str:
    if isinstance(place.value, str) and is_currency(place.value):
        return place.value
    raise place.wrong(f"{shown(place.value)} is no currency", "write three capitals of ISO 4217, such as CNY")


def _zone(place: Place) -> ZoneInfo:
    found = _zone_named(place.value)
    if found is None:
        remedy = "write it as Asia/Shanghai"
        if isinstance(place.value, str):
            remedy = place.nearest(place.value, _zone_names(), remedy)
        raise place.wrong(f"{shown(place.value)} is no time zone", remedy)
    return found


def _zone_named(name: object) -> ZoneInfo | None:
    if not isinstance(name, str) or not _ZONE.fullmatch(name) or name not in _zone_names():
        return None
    return ZoneInfo(name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


def _surroundings(document: object) -> Surroundings:
    """Return what the parts are read by, as far as it can be seen before anything is known to be right."""
    top = document if isinstance(document, dict) else {}
    money, zone = top.get("money"), _zone_named(top.get("time_zone"))
    ladder, said = top.get("tiers"), top.get("messages")
    names = {kind: _ids(top, key) for kind, key in (("wallet", "wallets"), ("rule", "accrual"), ("reward", "rewards"))}
    names = {kind: ids for kind, ids in names.items() if ids or kind != "wallet"}
    names |= {"level": _ids(ladder, "levels"), "template": _ids(said, "templates")}
    return Surroundings(
        currency=money if isinstance(money, str) and is_currency(money) else _FINEST,
        zone=zone or _UTC,
        names=names,
        rule_wallets={one["id"]: _wallet_of(one) for one in _mappings(top, "accrual") if _is_text(one, "id")},
        earning=frozenset(
            one["wallet"] for one in _mappings(top, "accrual") if "earn" in one and _is_text(one, "wallet")
        ),
    )


def _wallet_of(rule: Mapping[Any, Any]) -> str | None:
    return None if "exclude" in rule else rule["wallet"] if _is_text(rule, "wallet") else ""


def _mappings(parent: object, key: str) -> Iterator[dict[Any, Any]]:
    listed = parent.get(key) if isinstance(parent, dict) else None
    return (item for item in (listed if isinstance(listed, list | tuple) else ()) if isinstance(item, dict))


def _ids(parent: object, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item["id"] for item in _mappings(parent, key) if _is_text(item, "id")))


def _is_text(item: Mapping[Any, Any], *keys: str) -> bool:
    return all(isinstance(item.get(key), str) for key in keys)


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
