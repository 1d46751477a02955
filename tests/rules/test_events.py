"""What an event gives: the rules of its name, each once for what it names, within what its cap has left."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import Event, Given, decide, once_key, rules_for
from rules.programme import EventCap, EventRule, Programme
from tests.rules.documents import document, programme

AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
PLAIN = EventRule("plain", "review", "beans", 30)
ONCE = EventRule("once", "review", "beans", 30, once_per=("purchase", "sku"), cap=EventCap("year", 50))
BOUGHT = {"purchase": "p1", "sku": "TEA"}


def event(facts: Any = BOUGHT, name: str = "review") -> Event:
    return Event("e1", name, AT, facts)


def test_rules_look_at_events_of_their_name_in_the_order_of_their_ids() -> None:
    written = document() | {
        "events": [
            {"id": id_, "event": name, "wallet": "beans", "points": 1}
            for id_, name in (("b", "review"), ("x", "survey"), ("a", "review"))
        ]
    }
    found: Programme = programme(written)
    assert [rule.id for rule in rules_for(found, event())] == ["a", "b"]


def test_a_rule_without_once_or_cap_gives_each_time() -> None:
    assert decide(PLAIN, event({}), (), None) == Given(PLAIN, 30)


def test_a_rule_gives_once_for_what_it_names() -> None:
    first = decide(ONCE, event(), (), 50)
    assert (first.points, first.because) == (30, None)
    assert decide(ONCE, event(), {first.once_key}, 50) == Given(ONCE, 0, "once_used")  # type: ignore[arg-type]
    other = decide(ONCE, event(BOUGHT | {"sku": "CUP"}), {first.once_key}, 50)  # type: ignore[arg-type]
    assert other.points == 30


def test_a_fact_that_is_missing_gives_nothing() -> None:
    assert decide(ONCE, event({"sku": "TEA"}), (), None) == Given(ONCE, 0, "fact_missing")
    assert decide(ONCE, event({}), (), None).because == "fact_missing"


@pytest.mark.parametrize(
    ("room", "points", "because"),
    [
        (31, 30, None),
        (30, 30, None),
        (29, 29, "cap_reached"),
        (1, 1, "cap_reached"),
        (0, 0, "cap_reached"),
        (-5, 0, "cap_reached"),
    ],
)
def test_a_cap_gives_what_room_is_left(room: int, points: int, because: str | None) -> None:
    given_ = decide(ONCE, event(), (), room)
    assert (given_.points, given_.because) == (points, because)
    assert (given_.once_key is None) == (points == 0), "what gave nothing may give another time"


FACTS = st.text(st.characters(codec="utf-8"), max_size=90) | st.integers(0, 10**9)
PAIRS = st.tuples(FACTS, FACTS)


@given(PAIRS, PAIRS)
def test_keys_are_equal_for_equal_facts_and_for_no_others(one: Any, other: Any) -> None:
    first, second = (once_key(ONCE, dict(zip(("purchase", "sku"), pair, strict=True))) for pair in (one, other))
    assert (first == second) == (repr(one) == repr(other))
    assert first is not None
    assert len(first) <= 200


def test_a_number_is_not_the_word_that_looks_like_it() -> None:
    assert once_key(ONCE, {"purchase": 1, "sku": ""}) != once_key(ONCE, {"purchase": "1", "sku": ""})


def test_another_versions_key_is_not_mistaken_for_this_one() -> None:
    by_sku, by_purchase = (EventRule("once", "review", "beans", 1, once_per=(name,)) for name in ("sku", "purchase"))
    facts = {"sku": "X", "purchase": "X"}
    assert once_key(by_sku, facts) != once_key(by_purchase, facts)
