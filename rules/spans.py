"""Spans of business days and months as instants: what was booked before a day ended, and in which month it was."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from rules.periods import end_of_month


class Span(NamedTuple):
    """The instants from `start` up to `end`, which no longer belongs to it."""

    start: datetime
    end: datetime


def day_begins(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a business day in `zone`; a midnight that is skipped begins where the clock goes on."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_ends(day: date, zone: tzinfo) -> datetime:
    """Return the instant at which a business day is over: the first one of the next day."""
    return day_begins(day + timedelta(days=1), zone)


def span_of(first: date, last: date, zone: tzinfo) -> Span:
    """Return the instants of the days from `first` through `last`."""
    return Span(day_begins(first, zone), day_ends(last, zone))


def month_number(day: date) -> int:
    """Return the month of a day as a number in which the next month is one more."""
    return day.year * 12 + day.month - 1


def month_text(month: int) -> str:
    """Write a month's number as people do: `2026-11`."""
    return f"{month // 12:04}-{month % 12 + 1:02}"


def first_of(month: int) -> date:
    """Return the first day of a month by its number."""
    return date(month // 12, month % 12 + 1, 1)


def last_of(month: int) -> date:
    """Return the last day of a month by its number."""
    return end_of_month(first_of(month))


def months_begin(first: int, last: int, zone: tzinfo) -> Sequence[tuple[int, datetime]]:
    """Return the months from `first` through `last` by number, each with the instant at which it begins."""
    return [(month, day_begins(first_of(month), zone)) for month in range(first, last + 1)]
