"""Which days an occasion falls on within a span of days, by what it is counted, and how long it can be made up for.

Source: PROGRAMME.md, Occasions. Days are business days of the programme's zone, for every member alike. The key
(`occurrence`) of a day is the year for solar days, the lunar year for lunar ones, `yyyymmdd` of the purchase's day, 0 for
enrolment, and the number of the tier change: whatever is edited, one key is granted once.
"""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, NamedTuple, assert_never

from rules.birthdays import Falls, LeapDay, Span, falls_between, solar_days
from rules.facts import Birthday
from rules.periods import Period, plus
from rules.programme import Occasion, OnDate, OnHoliday, OnLunar, OnMemberDate
from rules.special_days import holidays_between

APART: Final = Period(11, "months")
"""Two gifts for one day of a person's year are so far apart at least, whatever was edited between them."""
ENROLMENT: Final = 0
_OLDEST_YEARS: Final = 120
_A_MONTH: Final = Period(1, "months")

EveryYear = OnHoliday | OnLunar | OnDate
"""Days that are the same for everybody."""


class Occurrence(NamedTuple):
    """An occasion on its day: `number` is its key, `years` how many it has been, where that is known."""

    number: int
    day: date
    years: int | None = None


def through(span: Span, day: date) -> date:
    """Return the last day on which what an occasion of `day` brings can be used, and can still be made up for."""
    match span:
        case "day":
            return day
        case "week":
            return day + timedelta(days=6)
        case "month":
            return plus(day, _A_MONTH) - timedelta(days=1)


def is_over(span: Span, day: date, today: date) -> bool:
    """Tell whether an occasion of `day` is too long ago to be made up for."""
    return through(span, day) < today


def welcome_is_over(span: Span, day: date, today: date) -> bool:
    """Tell the same of what somebody did on `day` (joining, rising a level): the day after is early enough always.

    Who joins a minute before midnight is looked at a minute after it.
    """
    return max(through(span, day), day + timedelta(days=1)) < today


def days_between(on: EveryYear, first: date, last: date) -> tuple[Occurrence, ...]:
    """Return when a day that is everybody's falls from `first` through `last`."""
    match on:
        case OnHoliday(country, name):
            return tuple(Occurrence(day.year, day) for day in holidays_between(country, name, first, last))
        case OnLunar(month, day):
            return personal_days_between(Birthday(month, day, calendar="lunar"), first, last)
        case OnDate(month, day):
            return personal_days_between(Birthday(month, day), first, last)
        case _:
            assert_never(on)


def personal_days_between(
    own_day: Birthday, first: date, last: date, leap_day: LeapDay = "feb-28"
) -> tuple[Occurrence, ...]:
    """Return when a birthday or another day of a member's own falls from `first` through `last`."""
    return tuple(_counted(one, own_day.year) for one in falls_between(own_day, first, last, leap_day))


def anniversaries_between(
    joined_on: date, first: date, last: date, leap_day: LeapDay = "feb-28"
) -> tuple[Occurrence, ...]:
    """Return the anniversaries of joining from `first` through `last`; the joining day itself is none."""
    joined = Birthday(joined_on.month, joined_on.day, joined_on.year)
    return tuple(_counted(one, joined_on.year) for one in falls_between(joined, first, last, leap_day))


def _counted(one: Falls, since: int | None) -> Occurrence:
    return Occurrence(one.year, one.day, None if since is None else one.year - since)


def joining_days(day: date, leap_day: LeapDay) -> tuple[date, ...]:
    """Return on which days those joined whose anniversary is on `day`."""
    years = range(day.year - _OLDEST_YEARS, day.year)
    return tuple(
        date(year, month, number)
        for year in years
        for month, number in solar_days(day, leap_day)
        if (month, number) != (2, 29) or calendar.isleap(year)
    )


def purchase_days(day: date, after: Period) -> tuple[date, ...]:
    """Return the days of purchases that lie `after` before `day`: none to four, for months differ in length."""
    near = plus(day, after, times=-1)
    return tuple(bought for more in range(-4, 5) if plus(bought := near + timedelta(days=more), after) == day)


def after_purchase(bought_on: date, after: Period) -> Occurrence:
    """Return the occasion that a purchase brings later, one for all purchases of its day."""
    return Occurrence(int(f"{bought_on:%Y%m%d}"), plus(bought_on, after))


def is_personal(occasion: Occasion) -> bool:
    """Tell whether an occasion comes once a year on a day that is the member's own, and so could be edited."""
    return occasion.on in ("birthday", "anniversary") or isinstance(occasion.on, OnMemberDate)


def too_near(day: date, granted_on: Iterable[date]) -> bool:
    """Tell whether the same occasion was granted for a day less than eleven months before `day`, or after it."""
    return any(day < plus(one, APART) and one < plus(day, APART) for one in granted_on)


def known_long_enough(occasion: Occasion, set_on: date | None, day: date) -> bool:
    """Tell whether the date was known by `lead` before `day`; a day that nobody noted is known for ever."""
    return occasion.lead is None or set_on is None or plus(set_on, occasion.lead) <= day
