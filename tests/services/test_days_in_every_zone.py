"""Whole years of ticks in UTC, in every time zone there is: each day is run once, and so each birthday is due once."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from loyalty_engine.services.jobs.days import following
from rules.birthdays import StoredDay, stored_days

EVERY_DAY = [date(2028, 1, 1) + timedelta(days=more) for more in range(366)]


def _ticks(zone: ZoneInfo, first: datetime, last: datetime) -> list[date]:
    """Return the local days of a year of ticks: of each hour, of quarters where the day changes, of minutes where the clock does."""
    found, at, local = [], first, first.astimezone(zone)
    while at < last:
        later = (at + timedelta(hours=1)).astimezone(zone)
        step = 1 if later.utcoffset() != local.utcoffset() else 15 if later.date() != local.date() else 60
        found += [(at + timedelta(minutes=more)).astimezone(zone).date() for more in range(0, 60, step)]
        at, local = at + timedelta(hours=1), later
    return found


def _alike(year: int, where: str) -> list[str]:
    """Return one zone of those that have the same clock all year."""
    hours = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=4 * more) for more in range(366 * 6)]
    found = {}
    for name in sorted(name for name in available_timezones() if name.startswith(where)):
        zone = ZoneInfo(name)
        found[tuple(hour.astimezone(zone).utcoffset() for hour in hours)] = name
    return list(found.values())


def _days_run(ticks: list[date]) -> list[date]:
    """Run what is missing at each tick, as the worker does."""
    run: list[date] = []
    for today in ticks:
        if not run or run[-1] != today:
            run += following(run[-1] if run else None, today)
    return run


@pytest.mark.parametrize(("year", "where"), [(2011, "Pacific/"), (2028, "")])
def test_every_birthday_is_due_once_in_a_year_of_ticks_in_every_zone(year: int, where: str) -> None:
    """In 2011 Samoa left out 30 December; 2028 has 29 February."""
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 2, tzinfo=UTC)
    by_days: dict[tuple[date, ...], list[str]] = {}
    for name in _alike(year, where):
        by_days.setdefault(tuple(_days_run(_ticks(ZoneInfo(name), first, last))), []).append(name)
    for run, names in by_days.items():
        assert len(set(run)) == len(run), names
        due: dict[StoredDay, int] = {}
        for day in run:
            for stored in stored_days(day) if day.year == year else ():
                due[stored] = due.get(stored, 0) + 1
        solar = [StoredDay("solar", one.month, one.day) for one in EVERY_DAY]
        assert {stored: due.get(stored, 0) for stored in solar} == dict.fromkeys(solar, 1), names
        assert {date(year, 1, 2), date(year, 12, 31)} <= set(run)
