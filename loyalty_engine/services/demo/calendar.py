"""Moves a year that is long past to the one that ends yesterday, keeping weekdays and the time on the shop's clock."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

SHOP_ZONE: Final = ZoneInfo("America/New_York")
"""The zone in which every coupon redemption of the grocer's year falls on the day of a purchase of its household."""


def shift_to_end_before(as_of: date, last_day: date) -> timedelta:
    """Return the whole weeks that bring `last_day` as near to the day before `as_of` as its weekday allows.

    Weeks, not days, because shopping follows the week: a Sunday stays a Sunday. So the moved last day is the latest
    one of its weekday before `as_of`.
    """
    return timedelta(weeks=(as_of - timedelta(days=1) - last_day).days // 7)


def moved(epoch_seconds: int, shift: timedelta) -> datetime:
    """Return, in UTC, the instant at which the shop's clock shows what it showed then, `shift` later.

    A time that the clocks skip becomes the moment at which they jump; of a time that comes twice it is the first. So
    the order of purchases is kept.
    """
    hour, rest = divmod(epoch_seconds, 3600)
    starts_at, skipped = _moved_hour(hour, shift)
    return starts_at if skipped else starts_at + timedelta(seconds=rest)


@lru_cache(maxsize=10_000)
def _moved_hour(hour: int, shift: timedelta) -> tuple[datetime, bool]:
    """Return when the hour starts after the move, and whether it is one that the clocks skip there."""
    shown = datetime.fromtimestamp(3600 * hour, SHOP_ZONE).replace(tzinfo=None, fold=0) + shift
    instant = shown.replace(tzinfo=SHOP_ZONE).astimezone(UTC)
    return instant, instant.astimezone(SHOP_ZONE).replace(tzinfo=None) != shown
