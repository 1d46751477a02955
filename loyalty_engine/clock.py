"""The only place that asks what time it is, so that tests and replays can say it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

MAY_DIFFER_BY: Final = timedelta(minutes=5)
"""How far ahead of ours another clock may be: what it says is further off lies in the future."""

_frozen: list[datetime] = []


def now() -> datetime:
    """Return the present instant, aware, in UTC; inside `frozen` the instant that was given there."""
    return _frozen[-1] if _frozen else datetime.now(UTC)


def latest_day() -> date:
    """Return the last day that a till's calendar may show: in the east it may be tomorrow already."""
    return (now() + timedelta(days=1)).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Let `now` answer `at` for the whole process while the block runs."""
    _frozen.append(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.pop()
