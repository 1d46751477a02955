"""The times in a document: lengths of time, days, times of day, and moments in the programme's zone or with an offset.

All readers raise `Unreadable` after noting the problem.
"""

import re
from datetime import UTC, date, datetime, time
from typing import Final, cast

from rules.periods import Period, Unit
from rules.reading import Fields, Place, Reader
from rules.shown import shown

_LONGEST: Final = {"day": 36_525, "week": 5_218, "month": 1_200, "year": 100}
_PERIOD: Final = re.compile(r"([0-9]{1,6}) (day|week|month|year)s?")
_DATE: Final = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MONTH_DAY: Final = re.compile(r"([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_INSTANT: Final = re.compile(_DATE.pattern + "T" + _TIME.pattern + r"(Z|[+-][0-9]{2}:[0-9]{2})")


def period(at_least: int) -> Reader[Period]:
    """Return a reader of a length of time, `12 months`, of at least so many units and at most 100 years."""

    def read(place: Place) -> Period:
        match = _PERIOD.fullmatch(place.value) if isinstance(place.value, str) else None
        if match is None:
            raise place.wrong(f"{shown(place.value)} is not a length of time", 'write it as "30 days" or "12 months"')
        count, unit = int(match[1]), match[2]
        if not at_least <= count <= _LONGEST[unit]:
            raise place.wrong(f"{shown(place.value)} is out of bounds", f"write {at_least} to {_LONGEST[unit]} {unit}s")
        return Period(count, cast(Unit, f"{unit}s"))

    return read


def day(place: Place) -> date:
    """Read a date, `2026-12-31`, of the years 1900 to 2199."""
    value = place.value
    written = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    try:
        if isinstance(written, str) and _DATE.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise place.wrong(f"{shown(written)} is not a date", 'write it as "2026-12-31", from 1900 to 2199')


def month_day(longest: tuple[int, ...]) -> Reader[tuple[int, int]]:
    """Return a reader of `MM-DD`; `longest` has the number of days of each month."""

    def read(place: Place) -> tuple[int, int]:
        match = _MONTH_DAY.fullmatch(place.value) if isinstance(place.value, str) else None
        month, day_number = (int(match[1]), int(match[2])) if match else (0, 0)
        if not (1 <= month <= 12 and 1 <= day_number <= longest[month - 1]):
            raise place.wrong(
                f"{shown(place.value)} is not a month and day of every year", 'write it as "12-31", month before day'
            )
        return month, day_number

    return read


solar_day: Reader[tuple[int, int]] = month_day((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31))
lunar_day: Reader[tuple[int, int]] = month_day((30,) * 12)


def clock_time(place: Place) -> time:
    """Read a time of day, `07:30` or `07:30:15`."""
    try:
        if isinstance(place.value, str) and _TIME.fullmatch(place.value):
            return time.fromisoformat(place.value)
    except ValueError:
        pass
    remedy = 'write "00:00"' if place.value == "24:00" else 'write it in quotes, from "00:00" to "23:59"'
    raise place.wrong(f"{shown(place.value)} is not a time of day", remedy)


def span_of_day(place: Place) -> tuple[time, time]:
    """Read `{from: "07:00", to: "10:00"}`; a span that ends before it starts runs over midnight."""
    fields = Fields(place, 'a span such as {from: "07:00", to: "10:00"}')
    starts, ends = fields.need("from", clock_time), fields.need("to", clock_time)
    fields.close()
    if starts == ends:
        raise place.at("to").wrong("the span ends when it starts", "leave the whole test out if all day is meant")
    return starts, ends


def local_time(place: Place) -> datetime:
    """Read `2026-12-01T00:00`, a time of the programme's zone, as an aware datetime in that zone."""
    value = place.value
    written = value.isoformat() if isinstance(value, date) else value
    remedy = 'write it as "2026-12-01T00:00", without an offset: it is a time of the programme\'s zone'
    if not isinstance(written, str) or len(written) > 19 or not _INSTANT.fullmatch(written + "Z"):
        raise place.wrong(f"{shown(written)} is not a local date and time", remedy)
    try:
        local = datetime.fromisoformat(written).replace(tzinfo=place.around.zone)
    except ValueError:
        raise place.wrong(f"{shown(written)} is not a local date and time", remedy) from None
    there = local.astimezone(UTC).astimezone(place.around.zone)
    if there.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise place.wrong(
            f"{shown(written)} does not exist in {place.around.zone.key}, where the clocks go forward then",
            f'write "{there:%Y-%m-%dT%H:%M}"',
        )
    return local


def instant(place: Place) -> datetime:
    """Read `2026-11-22T09:41+08:00`, a time with its offset, as an aware datetime."""
    value = place.value
    written = value.isoformat() if isinstance(value, datetime) else value
    try:
        if isinstance(written, str) and _INSTANT.fullmatch(written):
            return datetime.fromisoformat(written)
    except ValueError:
        pass
    raise place.wrong(f"{shown(written)} is not a time with an offset", 'write it as "2026-11-22T09:41+08:00"')
