"""A small programme document that is right, and ways to make one thing in it wrong."""

import copy
import re
from typing import Any

from rules.document import read
from rules.errors import Problem
from rules.programme import Programme

GONE: Any = object()
"""Put in place of a value, takes its key away."""

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def document() -> dict[str, Any]:
    """Return a programme in which each kind of thing stands once; a new one each time."""
    return copy.deepcopy(_DOCUMENT)


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the document with another value at `path`, which may be one past the end of a list."""
    whole = document()
    steps: list[Any] = [name or int(index) for name, index in _STEP.findall(path)]
    inside: Any = whole
    for step in steps[:-1]:
        inside = inside[step]
    if value is GONE:
        del inside[steps[-1]]
    elif isinstance(inside, list) and steps[-1] == len(inside):
        inside.append(value)
    else:
        inside[steps[-1]] = value
    return whole


def problems(written: object) -> list[str]:
    """Return the problems of a document as lines of text; none for one that is right."""
    found = read(written)
    return [str(problem) for problem in found] if isinstance(found, tuple) else []


def programme(written: object) -> Programme:
    """Read a document that is right."""
    found = read(written)
    assert isinstance(found, Programme), [str(problem) for problem in found]
    return found


def problem_list(written: object) -> tuple[Problem, ...]:
    """Read a document that is wrong."""
    found = read(written)
    assert isinstance(found, tuple)
    return found


_DOCUMENT: dict[str, Any] = {
    "programme": "small",
    "name": "A small programme",
    "money": "CNY",
    "time_zone": "Asia/Shanghai",
    "wallets": [
        {
            "id": "beans",
            "name": {"en": "Beans", "zh": "咖啡豆"},
            "worth": "0.01",
            "expiry": {"after": "12 months", "at": "end_of_month"},
            "spending": {"minimum": 100, "multiple": 50, "proof": {"above": 1000, "by": ["token"]}},
            "basis": {"tax": "included", "tenders_excluded": ["points"]},
        },
        {"id": "stamps", "name": "Stamps"},
        {"id": "idle", "name": "Nothing earns these"},
    ],
    "accrual": [
        {"id": "base", "wallet": "beans", "earn": {"points": 1, "per": "1.00"}},
        {"id": "stamp", "wallet": "stamps", "earn": {"points": 1, "each": "unit"}},
        {
            "id": "early",
            "wallet": "beans",
            "multiply": 2,
            "lines": {"category": {"in": ["coffee"]}},
            "when": {"weekday": {"in": ["mon"]}},
            "from": "2026-12-01T00:00",
            "to": "2027-01-01T00:00",
            "exclusive": "hours",
            "priority": 20,
        },
        {"id": "hello", "wallet": "beans", "bonus": 200, "exclusive": "hours"},
        {"id": "no-clearance", "exclude": {"tag": {"in": ["clearance"]}}},
        {
            "id": "miles",
            "wallet": "beans",
            "earn": {"points": "0.5", "each": "distance", "at_least": 500, "by": {"cabin": {"F": "150%", "Y": 1}}},
        },
    ],
    "caps": [{"id": "a-day", "wallet": "beans", "rules": ["base", "early"], "per": "day", "points": 2000}],
    "events": [
        {
            "id": "review",
            "event": "review",
            "wallet": "beans",
            "points": 30,
            "once_per": ["sku"],
            "cap": {"per": "year", "points": 600},
        },
        {"id": "survey", "event": "survey", "wallet": "beans", "points": 5, "pending": {"until": "checked"}},
    ],
    "tiers": {
        "metric": {"points_of": "beans"},
        "window": {"rolling": "12 months"},
        "downgrade": {"grace": "30 days", "steps": "one"},
        "levels": [
            {"id": "green", "name": "Green", "from": 0},
            {
                "id": "gold",
                "name": "Gold",
                "from": 1000,
                "multiply": 1,
                "wallet": "beans",
                "benefits": [{"reward": "cake", "times": 1, "per": "day"}, {"text": "A cup"}],
            },
        ],
    },
    "occasions": [
        {
            "id": "birthday",
            "on": "birthday",
            "needs": {"member_for": "30 days"},
            "give": [{"points": 100, "wallet": "beans"}, {"reward": "cake"}],
            "message": "hello",
        }
    ],
    "rewards": [
        {"id": "cake", "name": "Cake", "product": "CAKE-1", "valid": "span"},
        {"id": "off", "name": "Off", "percent_off": "10%", "cost": {"points": 500, "wallet": "beans"}},
    ],
    "messages": {
        "quiet_hours": {"from": "20:00", "to": "10:00"},
        "at": "10:30",
        "limit": {"greeting": {"per": "day", "times": 1}},
        "expiry_notices": {"days_before": [30, 7], "at_least": 100, "template": "hello"},
        "templates": [{"id": "hello", "purpose": "greeting", "en": "Hello, {salutation}!"}],
    },
    "examples": [
        {
            "name": "A bun",
            "member": {"level": "green"},
            "purchase": {
                "occurred_at": "2026-11-22T09:41+08:00",
                "lines": [{"sku": "BUN", "quantity": 1, "amount": "3.50"}],
            },
            "gives": {"beans": 203},
        }
    ],
}
