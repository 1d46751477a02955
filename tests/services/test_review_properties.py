"""The set-based run does to every member what the pure rules do one by one, whatever the ladder, the window and the day."""

import os
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services import publishing, reviews
from rules.reviews import Standing
from tests.builders import ADMIN
from tests.ledger import dump, empty
from tests.reviews import Member, one_by_one, programme, put, stored, told

EXAMPLES = {"ci": 25, "thorough": 2_000}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NIGHT = date(2027, 3, 1)
"""After a 28th of February, so that months of different lengths meet."""
NAMES = ("ash", "bay", "cedar", "date", "elm")
WINDOWS: list[Any] = [
    {"rolling": "12 months"},
    {"rolling": "1 months"},
    {"rolling": "40 days"},
    {"calendar": "year"},
    {"membership": "year"},
    "lifetime",
]


@st.composite
def ladders(draw: st.DrawFn) -> list[tuple[str, int]]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    starts = draw(st.lists(st.integers(0, 12), min_size=len(names), max_size=len(names), unique=True))
    if draw(st.booleans()):
        starts[0] = 0
        starts = [0, *(one or 13 for one in starts[1:])]
    return list(zip(names, sorted(starts), strict=True))


near = st.integers(-45, 5).map(lambda days: NIGHT + timedelta(days=days))
far = st.integers(-800, 400).map(lambda days: NIGHT + timedelta(days=days))
joined = st.sampled_from(
    [date(2024, 2, 29), date(2025, 3, 1), date(2026, 2, 28), date(2020, 6, 15), date(2026, 12, 31)]
)


@st.composite
def people(draw: st.DrawFn) -> Member:
    level = draw(st.sampled_from([None, *NAMES, *NAMES]))
    days = draw(st.dictionaries(st.one_of(near, far), st.integers(0, 9), max_size=6))
    joined_on = draw(joined)
    if level is None:
        return Member(Standing(None, None, None, "metric", joined_on), days)
    review_on = draw(st.one_of(st.none(), near, near, far))
    state = draw(st.sampled_from(["metric", "metric", "grace", "manual"])) if review_on else "metric"
    grace = review_on if state == "grace" else None
    return Member(Standing(level, review_on, grace, "manual" if state == "manual" else "metric", joined_on), days)


def at(day: date, hour: int = 0) -> Any:
    return clock.frozen(datetime.fromisoformat(f"{day}T{hour:02}:30:00+08:00"))


def prepare(first: str, second: str, given_members: list[Member]) -> list[Member]:
    """Publish two versions, the second from the night on, and let members be there."""
    empty()
    with at(NIGHT - timedelta(days=2)):
        publishing.publish(ADMIN, first, None, "the first")
        publishing.publish(ADMIN, second, clock.now() + timedelta(hours=30), "the second")
        return put("visits", given_members)


@bounded
@given(
    ladders(),
    ladders(),
    st.sampled_from(WINDOWS),
    st.sampled_from(["0 days", "10 days", "1 months"]),
    st.sampled_from(["one", "recalculated", "never"]),
    st.lists(people(), min_size=1, max_size=8),
    st.booleans(),
    st.integers(0, 3),
    st.integers(1, 4),
)
def test_a_run_does_to_all_what_the_rules_do_to_each(
    app: Flask,
    old: Any,
    new: Any,
    window: Any,
    grace: str,
    steps: str,
    given_members: Any,
    known: bool,
    late: int,
    size: int,
) -> None:
    there = prepare(programme(old, window), programme(new, window, grace, steps), given_members)
    before = 1 if known else None
    with at(NIGHT + timedelta(days=late)):
        expected = {one.member_id: one_by_one(one, NIGHT, 2, before) for one in there}
        done = reviews.review_day(NIGHT, before, batch=size)
        assert done.version == 2
        assert {one.member_id: (stored(one.member_id), told(one.member_id)) for one in there} == expected
        assert sum(done.outcomes.values()) == sum(len(history) for _, history in expected.values())
        after = dump()
        assert reviews.review_day(NIGHT, before, batch=size).outcomes == {}
        assert dump() == after


@bounded
@given(
    ladders(),
    st.sampled_from(WINDOWS),
    st.sampled_from(["0 days", "10 days"]),
    st.sampled_from(["one", "recalculated"]),
    st.lists(people(), min_size=1, max_size=5),
)
@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_missed_nights_in_order_give_what_nightly_runs_give(
    app: Flask, ladder: Any, window: Any, grace: str, steps: str, given_members: Any
) -> None:
    """Without purchases meanwhile: what those change is decided at the till."""
    nights = [NIGHT + timedelta(days=days) for days in range(14)]
    past = [Member(one.at, {day: sum_ for day, sum_ in one.days.items() if day < NIGHT}) for one in given_members]
    found = []
    for late in (False, True):
        there = prepare(programme(ladder, window), programme(ladder, window, grace, steps), past)
        for night in nights:
            with at(nights[-1] if late else night):
                reviews.review_day(night, None if night == NIGHT else 2)
        found.append([(stored(one.member_id), told(one.member_id)) for one in there])
    assert found[0] == found[1]
