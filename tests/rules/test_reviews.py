"""Reviews told as tables: windows, steps and grace, the day before, on and after; removed levels; what keeps a level."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from rules.periods import Period
from rules.programme import Downgrade, Level, RollingWindow, Tiers
from rules.reviews import (
    Keep,
    Standing,
    is_known,
    is_other_ladder,
    keep,
    kept_until,
    ladder_look,
    removed_levels,
    resettle,
    review,
    review_look,
)
from tests.rules.samples import TIERS

YEAR = RollingWindow(Period(12, "months"))
BRONZE, SILVER, GOLD = (Level(name, {}, starts) for name, starts in (("bronze", 0), ("silver", 100), ("gold", 500)))
DUE = date(2026, 12, 31)
NIGHT = date(2027, 1, 1)
JOINED = date(2024, 2, 29)


def ladder(window: Any = YEAR, grace: str | int = 0, steps: Any = "one", levels: Any = (BRONZE, SILVER, GOLD)) -> Tiers:
    return replace(TIERS, window=window, downgrade=Downgrade(Period(int(grace), "days"), steps), levels=levels)


def at(level: str | None, review_on: date | None = DUE, **changes: Any) -> Standing:
    return replace(Standing(level, review_on, None, "metric", JOINED), **changes)


def told(tiers: Tiers, standing: Standing, then: int, now: int = 0, night: date | None = None) -> tuple[Any, ...]:
    assert standing.review_on is not None
    look = review_look(tiers, standing.review_on, night or standing.review_on + timedelta(days=1), standing.joined_on)
    found = review(tiers, {"diamond": "silver", "stone": None}, standing, look, then, now)
    return found.level, found.review_on, found.grace_until, found.because


LATER = date(2028, 1, 1)


@pytest.mark.parametrize(
    ("steps", "then", "expected"),
    [
        ("one", 501, ("gold", date(2027, 12, 31), None, "kept")),
        ("one", 500, ("gold", date(2027, 12, 31), None, "kept")),
        ("one", 499, ("silver", LATER, None, "lowered")),
        ("one", 99, ("silver", LATER, None, "lowered")),
        ("recalculated", 500, ("gold", date(2027, 12, 31), None, "kept")),
        ("recalculated", 499, ("silver", LATER, None, "lowered")),
        ("recalculated", 100, ("silver", LATER, None, "lowered")),
        ("recalculated", 99, ("bronze", None, None, "lowered")),
        ("never", 500, ("gold", date(2027, 12, 31), None, "kept")),
        ("never", 0, ("gold", date(2027, 12, 31), None, "kept")),
    ],
)
def test_a_gold_member_below_at_and_above_the_threshold(steps: str, then: int, expected: Any) -> None:
    assert told(ladder(steps=steps), at("gold"), then) == expected


@pytest.mark.parametrize(
    ("window", "due", "kept", "lowered"),
    [
        (YEAR, date(2026, 11, 22), date(2027, 11, 22), date(2027, 11, 23)),
        (YEAR, date(2028, 2, 29), date(2029, 2, 28), date(2029, 3, 1)),
        (RollingWindow(Period(1, "months")), date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 1)),
        (RollingWindow(Period(90, "days")), date(2026, 11, 22), date(2027, 2, 20), date(2027, 2, 21)),
        ("calendar_year", DUE, date(2027, 12, 31), date(2027, 12, 31)),
        ("calendar_year", date(2026, 6, 30), DUE, DUE),
        ("membership_year", date(2027, 2, 27), date(2028, 2, 28), date(2028, 2, 28)),
        ("membership_year", date(2028, 2, 28), date(2029, 2, 27), date(2029, 2, 27)),
        ("lifetime", DUE, None, None),
    ],
)
def test_the_next_review_by_window(window: Any, due: date, kept: date | None, lowered: date | None) -> None:
    """The member joined on 29 February: a membership year ends on the 27th, or in a leap year on the 28th."""
    assert told(ladder(window), at("gold", due), 500) == ("gold", kept, None, "kept")
    assert told(ladder(window), at("gold", due), 499) == ("silver", lowered, None, "lowered")
    assert kept_until(window, due, JOINED) == kept


@pytest.mark.parametrize(
    ("window", "due", "first"),
    [
        (YEAR, DUE, date(2026, 1, 1)),
        ("calendar_year", DUE, date(2026, 1, 1)),
        ("membership_year", date(2027, 2, 27), date(2026, 2, 28)),
        ("membership_year", date(2028, 2, 28), date(2027, 2, 28)),
        ("lifetime", DUE, date.min),
    ],
)
def test_the_window_that_is_looked_at_ends_on_the_day_of_the_review(window: Any, due: date, first: date) -> None:
    look = review_look(ladder(window), due, due + timedelta(days=1), JOINED)
    assert (look.counts_from, look.through) == (first, due)


def test_days_of_grace_come_once_and_end() -> None:
    tiers = ladder(grace=30)
    until = date(2027, 1, 30)
    assert told(tiers, at("gold"), 499) == ("gold", until, until, "grace")
    assert told(tiers, at("gold"), 500) == ("gold", date(2027, 12, 31), None, "kept")
    in_grace = at("gold", until, grace_until=until)
    assert told(tiers, in_grace, 499) == ("silver", date(2028, 1, 31), None, "lowered")
    assert told(tiers, in_grace, 500) == ("gold", date(2028, 1, 30), None, "kept")
    assert told(ladder(grace=30, steps="never"), at("gold"), 0)[3] == "kept"


def test_after_a_calendar_year_the_grace_counts_in_the_new_year() -> None:
    until = date(2027, 1, 30)
    look = review_look(ladder("calendar_year", 30), until, date(2027, 1, 31), JOINED)
    assert (look.counts_from, look.through) == (NIGHT, until)


def test_what_was_bought_between_the_end_of_the_window_and_the_run_counts_as_if_it_had_come_after_the_run() -> None:
    for grace in (0, 30):
        assert told(ladder(grace=grace), at("gold"), 0, now=500, night=date(2027, 1, 3)) == (
            "gold", date(2028, 1, 3), None, "kept",
        )  # fmt: skip
    assert told(ladder(steps="recalculated"), at("gold"), 0, now=100) == ("silver", LATER, None, "lowered")


def test_the_lowest_level_is_kept_and_needs_no_further_review() -> None:
    assert told(ladder(), at("bronze"), 0) == ("bronze", None, None, "kept")


def test_below_a_lowest_level_that_has_to_be_reached_there_is_none() -> None:
    tiers = ladder(levels=(SILVER, GOLD))
    assert told(tiers, at("silver"), 99) == (None, None, None, "lowered")
    assert told(tiers, at("silver"), 100) == ("silver", date(2027, 12, 31), None, "kept")
    assert told(tiers, at("gold"), 0) == ("silver", LATER, None, "lowered")


@pytest.mark.parametrize("steps", ["one", "recalculated", "never"])
@pytest.mark.parametrize(("then", "level"), [(0, "bronze"), (100, "silver"), (500, "gold")])
def test_a_manual_level_that_ends_becomes_what_the_metric_says_whatever_the_steps(
    steps: str, then: int, level: str
) -> None:
    found = told(ladder(steps=steps, grace=30), at("gold", by="manual"), then)
    assert found == (level, None if level == "bronze" else LATER, None, "ended")


def test_a_removed_level_leads_to_the_next_lower_one_or_to_what_the_metric_reaches() -> None:
    assert told(ladder(), at("diamond"), 0) == ("silver", LATER, None, "removed")
    assert told(ladder(), at("diamond"), 500) == ("gold", LATER, None, "removed")
    assert told(ladder(), at("stone"), 0) == ("bronze", None, None, "removed")


def test_removed_levels_map_down_the_ladder_that_had_them_last() -> None:
    first = ladder(levels=(BRONZE, Level("iron", {}, 50), SILVER, Level("diamond", {}, 900)))
    second = ladder(levels=(BRONZE, Level("diamond", {}, 300), GOLD))
    now = ladder()
    assert removed_levels(now, [second, first]) == {"diamond": "bronze", "iron": "bronze"}
    assert removed_levels(now, [first]) == {"diamond": "silver", "iron": "bronze"}
    assert removed_levels(ladder(levels=(GOLD,)), [now]) == {"bronze": None, "silver": None}
    assert removed_levels(now, []) == {}
    assert is_known(now, {"iron": None}, "iron")
    assert not is_known(now, {"iron": None}, "of-a-later-version")


def settled(tiers: Tiers, standing: Standing, then: int, now: int = 0) -> tuple[Any, ...] | None:
    look = ladder_look(tiers, NIGHT, standing.joined_on)
    found = resettle(tiers, {"diamond": "silver"}, standing, look, then, now)
    return None if found is None else (found.level, found.review_on, found.grace_until, found.by, found.because)


@pytest.mark.parametrize(
    ("standing", "then", "expected"),
    [
        (at("silver"), 499, None),
        (at("silver"), 500, ("gold", LATER, None, "metric", "raised")),
        (at("gold"), 0, None),
        (at(None, None), 0, ("bronze", None, None, "metric", "raised")),
        (at("bronze", None), 0, None),
        (at("silver", None), 100, ("silver", LATER, None, "metric", "scheduled")),
        (at("gold", grace_until=DUE), 499, None),
        (at("gold", grace_until=DUE), 500, ("gold", LATER, None, "metric", "kept")),
        (at("silver", by="manual"), 499, None),
        (at("silver", by="manual"), 500, ("gold", LATER, None, "metric", "raised")),
        (at("diamond"), 499, ("silver", LATER, None, "metric", "removed")),
        (at("diamond"), 500, ("gold", LATER, None, "metric", "raised")),
        (at("diamond", by="manual"), 0, ("silver", DUE, None, "metric", "removed")),
    ],
)
def test_the_first_night_of_another_ladder(standing: Standing, then: int, expected: Any) -> None:
    assert settled(ladder(), standing, then) == expected


def test_a_ladder_of_a_new_year_looks_at_the_new_year() -> None:
    look = ladder_look(ladder("calendar_year"), NIGHT, JOINED)
    assert look.counts_from > look.through, "nothing has been bought in a year that begins tonight"
    look = ladder_look(ladder(), NIGHT, JOINED)
    assert (look.counts_from, look.through) == (date(2026, 1, 2), DUE)


def test_a_ladder_of_a_lifetime_schedules_nothing() -> None:
    assert settled(ladder("lifetime"), at("silver", None), 100) is None


def test_what_makes_another_ladder() -> None:
    tiers = ladder()
    assert is_other_ladder(None, tiers)
    assert not is_other_ladder(tiers, ladder(grace=30, steps="never"))
    assert is_other_ladder(tiers, ladder("lifetime"))
    assert is_other_ladder(tiers, replace(tiers, metric="visits"))
    assert is_other_ladder(tiers, ladder(levels=(BRONZE, SILVER)))
    assert is_other_ladder(tiers, ladder(levels=(BRONZE, SILVER, replace(GOLD, threshold=499))))


TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("tiers", "standing", "expected"),
    [
        (ladder(), at("gold"), Keep(500, date(2026, 1, 1), DUE, None)),
        (ladder(grace=30), at("gold"), Keep(500, date(2026, 1, 1), DUE, date(2027, 1, 30))),
        (ladder(grace=30), at("gold", grace_until=DUE), Keep(500, date(2025, 11, 23), DUE, DUE)),
        (ladder(grace=30), at("gold", by="manual"), Keep(500, date(2026, 1, 1), DUE, None)),
        (ladder(steps="never"), at("gold"), None),
        (ladder(steps="never"), at("gold", by="manual"), Keep(500, date(2026, 1, 1), DUE, None)),
        (ladder(), at("bronze", None), None),
        (ladder(), at("diamond"), None),
        (ladder(), at(None, None), None),
    ],
)
def test_what_keeps_a_level(tiers: Tiers, standing: Standing, expected: Keep | None) -> None:
    assert keep(tiers, standing, TODAY) == expected
