"""Which level a member has reached, on what window, and when it is looked at again. Source: PROGRAMME.md, Tiers."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import assert_never

from rules.periods import Period, plus
from rules.programme import Level, PointsOf, RollingWindow, Tiers, Window

NET_SPEND, VISITS = "net_spend", "visits"


@dataclass(frozen=True, slots=True)
class Next:
    """The next level, and how much of the metric is missing to reach it."""

    level: str
    missing: int


def metric_name(tiers: Tiers) -> str:
    """Return the name under which the tier metric's sums by day are kept: `points:beans`, `net_spend`, `visits`."""
    return points_metric(tiers.metric.wallet) if isinstance(tiers.metric, PointsOf) else tiers.metric


def points_metric(wallet: str) -> str:
    """Return the name of the sums of a wallet's qualifying points."""
    return f"points:{wallet}"


@lru_cache(maxsize=4096)
def window_start(window: Window, today: date, joined_on: date) -> date:
    """Return the first day that counts for a member on `today`."""
    match window:
        case RollingWindow(length):
            return plus(today, length, -1) + timedelta(days=1)
        case "calendar_year":
            return today.replace(month=1, day=1)
        case "membership_year":
            return plus(joined_on, Period(_membership_years(today, joined_on), "years"))
        case "lifetime":
            return date.min
        case _:
            assert_never(window)


def _membership_years(today: date, joined_on: date) -> int:
    """Return the full years since joining. Who joined on 29 February begins a year on the 28th where it must be."""
    years = max(0, today.year - joined_on.year)
    return years if years == 0 or plus(joined_on, Period(years, "years")) <= today else years - 1


def review_on(window: Window, reached_on: date, joined_on: date) -> date | None:
    """Return the day through which a level that was reached, or last kept, on `reached_on` is safe."""
    match window:
        case RollingWindow(length):
            return plus(reached_on, length)
        case "calendar_year":
            return date(reached_on.year, 12, 31)
        case "membership_year":
            next_year = plus(joined_on, Period(_membership_years(reached_on, joined_on) + 1, "years"))
            return next_year - timedelta(days=1)
        case "lifetime":
            return None
        case _:
            assert_never(window)


def rank(tiers: Tiers, level_id: str | None) -> int:
    """Return the place of a level on the ladder, lowest 0; -1 for none."""
    for place, level in enumerate(tiers.levels):
        if level.id == level_id:
            return place
    return -1


def reached(tiers: Tiers, metric: int) -> Level | None:
    """Return the highest level whose threshold `metric` reaches; None below the first."""
    return next((level for level in reversed(tiers.levels) if metric >= level.threshold), None)


def upgrade(tiers: Tiers, current: str | None, metric: int) -> Level | None:
    """Return the level that `metric` raises a member at `current` to, or None: nobody is lowered here.

    From a level that this ladder does not have nobody is moved: the next review maps it.
    """
    place = rank(tiers, current)
    if current is not None and place < 0:
        return None
    return next((level for level in reversed(tiers.levels[place + 1 :]) if metric >= level.threshold), None)


def next_level(tiers: Tiers, current: str | None, metric: int) -> Next | None:
    """Return what is missing for the level after `current`; None at the top, and for a level of another ladder."""
    place = rank(tiers, current)
    if (current is not None and place < 0) or place + 1 >= len(tiers.levels):
        return None
    level = tiers.levels[place + 1]
    return Next(level.id, max(0, level.threshold - metric))
