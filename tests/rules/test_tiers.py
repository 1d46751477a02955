from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from rules.periods import Period
from rules.programme import Level, RollingWindow
from rules.tiers import (
    Next,
    metric_name,
    next_level,
    points_metric,
    rank,
    reached,
    review_on,
    upgrade,
    window_start,
)
from tests.rules.samples import GOLD, GREEN, TIERS

ROLLING = RollingWindow(Period(12, "months"))
JOINED = date(2024, 5, 20)
PLATINUM = Level("platinum", {}, 5000, Fraction(3, 2), "beans")
LADDER = replace(TIERS, levels=(GREEN, GOLD, PLATINUM))


@pytest.mark.parametrize(
    ("window", "today", "start"),
    [
        (ROLLING, date(2026, 11, 22), date(2025, 11, 23)),
        (ROLLING, date(2026, 2, 28), date(2025, 3, 1)),
        (ROLLING, date(2028, 2, 29), date(2027, 3, 1)),
        (RollingWindow(Period(90, "days")), date(2026, 11, 22), date(2026, 8, 25)),
        ("calendar_year", date(2026, 12, 31), date(2026, 1, 1)),
        ("calendar_year", date(2027, 1, 1), date(2027, 1, 1)),
        ("membership_year", date(2026, 5, 19), date(2025, 5, 20)),
        ("membership_year", date(2026, 5, 20), date(2026, 5, 20)),
        ("membership_year", date(2026, 5, 21), date(2026, 5, 20)),
        ("membership_year", date(2024, 5, 20), date(2024, 5, 20)),
        ("lifetime", date(2026, 11, 22), date.min),
    ],
)
def test_the_first_day_that_counts(window: object, today: date, start: date) -> None:
    assert window_start(window, today, JOINED) == start


def test_a_rolling_year_holds_365_days_and_today() -> None:
    assert (date(2026, 11, 22) - window_start(ROLLING, date(2026, 11, 22), JOINED)).days == 364


@pytest.mark.parametrize(
    ("window", "reached_on", "safe_through"),
    [
        (ROLLING, date(2026, 11, 22), date(2027, 11, 22)),
        (ROLLING, date(2028, 2, 29), date(2029, 2, 28)),
        ("calendar_year", date(2026, 1, 1), date(2026, 12, 31)),
        ("calendar_year", date(2026, 12, 31), date(2026, 12, 31)),
        ("membership_year", date(2026, 5, 19), date(2026, 5, 19)),
        ("membership_year", date(2026, 5, 20), date(2027, 5, 19)),
        ("membership_year", date(2026, 5, 21), date(2027, 5, 19)),
        ("lifetime", date(2026, 11, 22), None),
    ],
)
def test_the_day_through_which_a_level_is_safe(window: object, reached_on: date, safe_through: date | None) -> None:
    assert review_on(window, reached_on, JOINED) == safe_through


def test_a_member_of_29_february_has_a_membership_year_that_ends_the_day_before_it_begins() -> None:
    joined = date(2024, 2, 29)
    assert window_start("membership_year", date(2026, 2, 27), joined) == date(2025, 2, 28)
    assert window_start("membership_year", date(2026, 2, 28), joined) == date(2026, 2, 28)
    assert review_on("membership_year", date(2026, 2, 27), joined) == date(2026, 2, 27)
    assert review_on("membership_year", date(2027, 3, 1), joined) == date(2028, 2, 28)
    assert window_start("membership_year", date(2028, 2, 28), joined) == date(2027, 2, 28)
    assert window_start("membership_year", date(2028, 2, 29), joined) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("metric", "level"),
    [(0, "green"), (999, "green"), (1000, "gold"), (1001, "gold"), (5000, "platinum")],
)
def test_the_level_below_at_and_above_a_threshold(metric: int, level: str) -> None:
    found = reached(LADDER, metric)
    assert found is not None
    assert found.id == level


def test_below_the_first_threshold_there_is_no_level() -> None:
    tiers = replace(TIERS, levels=(GOLD,))
    assert reached(tiers, 999) is None
    assert upgrade(tiers, None, 999) is None


@pytest.mark.parametrize(
    ("current", "metric", "to"),
    [
        (None, 0, "green"),
        ("green", 999, None),
        ("green", 1000, "gold"),
        ("green", 5000, "platinum"),
        ("gold", 0, None),
        ("gold", 1000, None),
        ("platinum", 1000, None),
        ("removed", 0, None),
    ],
)
def test_an_upgrade_goes_straight_to_what_was_reached_and_never_down(
    current: str | None, metric: int, to: str | None
) -> None:
    level = upgrade(LADDER, current, metric)
    assert (level.id if level else None) == to


@pytest.mark.parametrize(
    ("current", "metric", "then"),
    [
        (None, 0, Next("green", 0)),
        ("green", 0, Next("gold", 1000)),
        ("green", 999, Next("gold", 1)),
        ("green", 1000, Next("gold", 0)),
        ("gold", 400, Next("platinum", 4600)),
        ("platinum", 9999, None),
    ],
)
def test_what_is_missing_for_the_next_level(current: str | None, metric: int, then: Next | None) -> None:
    assert next_level(LADDER, current, metric) == then


def test_levels_rank_from_the_lowest_up() -> None:
    assert [rank(LADDER, level) for level in (None, "removed", "green", "gold", "platinum")] == [
        -1,
        -1,
        0,
        1,
        2,
    ]


def test_the_sums_of_a_metric_have_one_name() -> None:
    assert metric_name(TIERS) == points_metric("beans") == "points:beans"
    assert metric_name(replace(TIERS, metric="net_spend")) == "net_spend"
    assert metric_name(replace(TIERS, metric="visits")) == "visits"


def test_nobody_is_moved_from_a_level_that_this_ladder_does_not_have() -> None:
    assert upgrade(TIERS, "platinum", 10**6) is None
    assert next_level(TIERS, "platinum", 0) is None
