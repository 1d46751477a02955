"""When a member's days fall: birthdays in the solar and the Chinese lunar calendar, on the days that a year has.

And the other way round, so that nobody has to be looked at whose day it isn't: which stored days fall on a given one.
Source: PROGRAMME.md, Occasions.
"""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from lunardate import LunarDate

from rules.facts import Birthday
from rules.periods import Period

Span = Literal["day", "week", "month"]
LeapDay = Literal["feb-28", "mar-01"]

CHANGE_LOCK: Final = Period(11, "months")
"""How long conditions don't look at a birthday after staff changed it."""
FIRST_LUNAR_YEAR, LAST_LUNAR_YEAR = 1900, 2099
"""The lunar years that the calendar tables hold."""


def birthdays_in(birthday: Birthday, year: int, leap_day: LeapDay = "feb-28") -> tuple[date, ...]:
    """Return the days of the solar `year` on which the birthday falls: one, or for a lunar birthday none to two.

    Source: PROGRAMME.md, Occasions.
    """
    if birthday.calendar == "solar":
        return (_solar(birthday, year, leap_day),)
    days = (_lunar(birthday, lunar_year) for lunar_year in (year - 1, year))
    return tuple(day for day in days if day is not None and day.year == year)


class Falls(NamedTuple):
    """A day on which something falls, and the year by which it is counted: the solar one, or the lunar one."""

    day: date
    year: int


def falls_between(birthday: Birthday, first: date, last: date, leap_day: LeapDay = "feb-28") -> tuple[Falls, ...]:
    """Return each day from `first` through `last` on which the birthday falls; never the day of birth itself."""
    years = range(first.year - 1, last.year + 1)
    days = ((year, _in_its_year(birthday, year, leap_day)) for year in years if year > (birthday.year or 0))
    return tuple(Falls(day, year) for year, day in days if day is not None and first <= day <= last)


def _in_its_year(birthday: Birthday, year: int, leap_day: LeapDay) -> date | None:
    return _lunar(birthday, year) if birthday.calendar == "lunar" else _solar(birthday, year, leap_day)


class StoredDay(NamedTuple):
    """A month and day as they are stored, in one of the calendars."""

    calendar: Literal["solar", "lunar"]
    month: int
    day: int
    leap_month: bool = False


def stored_days(day: date, leap_day: LeapDay = "feb-28") -> tuple[StoredDay, ...]:
    """Return every stored day that falls on `day`: what `falls_between` says, asked the other way round."""
    return (*(StoredDay("solar", *one) for one in solar_days(day, leap_day)), *_lunar_days(day))


def solar_days(day: date, leap_day: LeapDay) -> tuple[tuple[int, int], ...]:
    """Return the months and days of the solar calendar that fall on `day`: 29 February too where the year has none."""
    plain = (day.month, day.day)
    stands_in = (2, 28) if leap_day == "feb-28" else (3, 1)
    return (plain, (2, 29)) if plain == stands_in and not calendar.isleap(day.year) else (plain,)


def _lunar_days(day: date) -> Iterator[StoredDay]:
    try:
        found = LunarDate.from_solar_date(day.year, day.month, day.day)
    except ValueError:
        return  # outside of the tables
    if found.day < 1 or found.year > LAST_LUNAR_YEAR:
        return
    leap_month = bool(found.is_leap_month)
    stands_for_leap = not leap_month and LunarDate.leap_month_for_year(found.year) != found.month
    numbers = (29, 30) if found.day == 29 and _is_short(found.year, found.month, leap_month) else (found.day,)
    for number in numbers:
        for leap in (leap_month, True) if stands_for_leap else (leap_month,):
            yield StoredDay("lunar", found.month, number, leap)


def _is_short(year: int, month: int, leap: bool) -> bool:
    try:
        LunarDate(year, month, 30, leap).to_solar_date()
    except ValueError:
        return True
    return False


def _solar(birthday: Birthday, year: int, leap_day: LeapDay) -> date:
    if (birthday.month, birthday.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 2, 28) if leap_day == "feb-28" else date(year, 3, 1)
    return date(year, birthday.month, birthday.day)


def _lunar(birthday: Birthday, lunar_year: int) -> date | None:
    return _lunar_day(lunar_year, birthday.month, birthday.day, birthday.leap_month)


@lru_cache(maxsize=4096)
def _lunar_day(lunar_year: int, month: int, day: int, leap_month: bool) -> date | None:
    """A leap-month birthday falls in the plain month when the year has none, a day 30 on day 29 when it is short."""
    if not FIRST_LUNAR_YEAR <= lunar_year <= LAST_LUNAR_YEAR:
        return None
    leap = leap_month and LunarDate.leap_month_for_year(lunar_year) == month
    try:
        found: date = LunarDate(lunar_year, month, day, leap).to_solar_date()
    except ValueError:
        found = LunarDate(lunar_year, month, 29, leap).to_solar_date()
    return found


def birthday_near(birthday: Birthday, day: date, span: Span) -> bool:
    """Tell whether a birthday falls on `day`, or in its week (from Monday), or in its month."""
    match span:
        case "day":
            return day in birthdays_in(birthday, day.year)
        case "week":
            monday = day - timedelta(days=day.weekday())
            week = {monday + timedelta(days=i) for i in range(7)}
            years = {monday.year, (monday + timedelta(days=6)).year}
            return any(found in week for year in years for found in birthdays_in(birthday, year))
        case "month":
            return any(found.month == day.month for found in birthdays_in(birthday, day.year))


def age_on(birthday: Birthday, day: date) -> int | None:
    """Return the full years of age on `day`; None where the year of birth is not known."""
    if birthday.year is None or birthday.year > day.year:
        return None
    reached = any(found <= day for found in birthdays_in(birthday, day.year))
    born = birthday.year
    return day.year - born - (0 if reached else 1)
