"""When a member's days fall: birthdays in the solar and the Chinese lunar calendar, on the days that a year has."""

import calendar
from datetime import date, timedelta
from typing import Literal

from lunardate import LunarDate

from rules.facts import Birthday

Span = Literal["day", "week", "month"]
LeapDay = Literal["feb-28", "mar-01"]

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


def _solar(birthday: Birthday, year: int, leap_day: LeapDay) -> date:
    if (birthday.month, birthday.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 2, 28) if leap_day == "feb-28" else date(year, 3, 1)
    return date(year, birthday.month, birthday.day)


def _lunar(birthday: Birthday, lunar_year: int) -> date | None:
    """A leap-month birthday falls in the plain month when the year has none, a day 30 on day 29 when it is short."""
    if not FIRST_LUNAR_YEAR <= lunar_year <= LAST_LUNAR_YEAR:
        return None
    leap = birthday.leap_month and LunarDate.leap_month_for_year(lunar_year) == birthday.month
    try:
        found: date = LunarDate(lunar_year, birthday.month, birthday.day, leap).to_solar_date()
    except ValueError:
        found = LunarDate(lunar_year, birthday.month, 29, leap).to_solar_date()
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
