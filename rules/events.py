"""What an event that is not a purchase gives: a review, a survey answer, a check-in, each rule at most so often.

Source: PROGRAMME.md, A whole example (`events`). An event gives nothing to the tier: its metric counts purchases.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from rules.facts import Fact
from rules.programme import EventCap, EventRule, Programme

Because = Literal["fact_missing", "once_used", "cap_reached"]
"""Why a rule gave nothing, or with `cap_reached` less than it says."""

_LONGEST_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a member did. `of` is the id of the earlier event that this one is about."""

    event_id: str
    event: str
    occurred_at: datetime
    facts: Mapping[str, Fact]
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What one rule gives for an event. `once_key` is what may not give again; None where nothing is used up."""

    rule: EventRule
    points: int
    because: Because | None = None
    once_key: str | None = None


def rules_for(programme: Programme, event: Event) -> tuple[EventRule, ...]:
    """Return the rules that look at events of this name, in the order of their ids."""
    return tuple(sorted((rule for rule in programme.events if rule.event == event.event), key=lambda rule: rule.id))


def cap_limit(rule_id: str, cap: EventCap) -> str:
    """Return the name under which the use of a rule's cap is kept."""
    return f"event/{rule_id}/{cap.per}"


def once_key(rule: EventRule, facts: Mapping[str, Fact]) -> str | None:
    """Return what the rule gives for only once, of at most 200 characters; None where a fact that it names is missing.

    The names stand beside the values, so that another version's key is never mistaken for this one.
    """
    if any(name not in facts for name in rule.once_per):
        return None
    pairs = [[name, _plain(facts[name])] for name in rule.once_per]
    written = json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))
    return written if len(written) <= _LONGEST_KEY else sha256(written.encode()).hexdigest()


def _plain(fact: Fact) -> str | int:
    return fact if isinstance(fact, str | int) else str(fact)


def decide(rule: EventRule, event: Event, used: Collection[str], room: int | None) -> Given:
    """Return what `rule` gives for `event`. `used` are the once keys that gave before, `room` what its cap has left."""
    key = once_key(rule, event.facts) if rule.once_per else None
    if rule.once_per and key is None:
        return Given(rule, 0, "fact_missing")
    if key in used:
        return Given(rule, 0, "once_used")
    points = rule.points if room is None else min(rule.points, max(0, room))
    if points == 0:
        return Given(rule, 0, "cap_reached")
    return Given(rule, points, "cap_reached" if points < rule.points else None, key)
