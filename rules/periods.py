"""Lengths of time in calendar units, and the calendar arithmetic that expiry, caps and tiers share."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, assert_never

Unit = Literal["days", "weeks", "months", "years"]
Per = Literal["purchase", "day", "week", "month", "year", "ever"]


@dataclass(frozen=True, slots=True)
class Period:
    """So many calendar units: `12 months`."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


def plus(day: date, period: Period, times: int = 1) -> date:
    """Return `day` moved by `times` periods; a day that the month lacks becomes its last (31 Jan + 1 month = 28 Feb)."""
    count = period.count * times
    match period.unit:
        case "days":
            return day + timedelta(days=count)
        case "weeks":
            return day + timedelta(weeks=count)
        case "months":
            return _plus_months(day, count)
        case "years":
            return _plus_months(day, 12 * count)
        case _:
            assert_never(period.unit)


def _plus_months(day: date, months: int) -> date:
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return date(year, month0 + 1, min(day.day, last))


def end_of_month(day: date) -> date:
    """Return the last day of the month of `day`."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


@lru_cache(maxsize=1024)
def business_day(at: datetime, zone: tzinfo) -> date:
    """Return the day that the aware instant `at` falls on in `zone`."""
    return at.astimezone(zone).date()


@lru_cache(maxsize=4096)
def period_start(per: Per, day: date) -> date:
    """Return the first day of the cap period that holds `day`; weeks start on Monday, `ever` on the first day there is.

    A `purchase` is its own period; its caps are never added up over days, and its start is the day itself.
    """
    match per:
        case "purchase" | "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case "ever":
            return date.min
        case _:
            assert_never(per)
