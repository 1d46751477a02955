"""The grocer's year month by month: what a night finds is what was booked before it, so the nights have their turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from loyalty_engine.services.demo.calendar import SHOP_ZONE
from loyalty_engine.services.demo.grocer import Year


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the moved year, as seconds since 1970 before it was moved, and the day that follows it."""

    starts_at: int
    ends_at: int
    following_on: date

    def of(self, year: Year) -> Year:
        """Return what was bought in it."""
        return year.during(self.starts_at, self.ends_at)


def months(year: Year) -> Iterator[Month]:
    """Yield the months that the year has a part of, in their order."""
    shown = [datetime.fromtimestamp(end(year.heads.seconds), SHOP_ZONE) + year.shift for end in (min, max)]
    first, last = (at.date() for at in shown)
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield Month(_second(first, year), _second(following, year), following)
        first = following


def _second(day: date, year: Year) -> int:
    """Return when a day of the moved year began before it was moved."""
    return int(datetime.combine(day - year.shift, time(), SHOP_ZONE).timestamp())
