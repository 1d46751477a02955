"""When a message that was not taken is tried again: later each time, spread out, and not for ever.

The spread comes from the message's own id, so that the same message waits as long wherever it is tried.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

MOST_ATTEMPTS: Final = 8
_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(hours=1)
_PERCENT: Final = 25


def next_try(message_id: str, attempts: int, now: datetime, retry_after: int | None = None) -> datetime | None:
    """Return when to try again after so many attempts, not before the gateway asks; None after the last."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait: timedelta = min(_FIRST * 2 ** (attempts - 1), _LONGEST)
    spread_out = wait * (100 + _spread(message_id, attempts)) / 100
    return now + max(spread_out, timedelta(seconds=retry_after or 0))


def _spread(message_id: str, attempts: int) -> int:
    """Return a percentage from -25 to 25."""
    digest = sha256(f"{message_id} {attempts}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2 * _PERCENT + 1) - _PERCENT
