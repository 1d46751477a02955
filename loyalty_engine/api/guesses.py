"""Slows down whoever tries codes: after so many in a minute that nobody has, a token waits.

Codes carry 60 random bits, so that guessing is hopeless anyway; this keeps it out of the logs and off the database.
Counted in each process by itself.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from loyalty_engine import clock
from loyalty_engine.api.refusals import TooMany
from loyalty_engine.services.actors import Actor
from rules.errors import Invalid, NotFound

MOST: Final = 30
"""Wrong codes of one token in a minute: a till that reads badly stays below."""
_REMEMBERED: Final = 10_000
_wrong: OrderedDict[tuple[str, int], int] = OrderedDict()
_lock: Final = Lock()


@contextmanager
def counted(actor: Actor) -> Iterator[None]:
    """Count a code that turns out to be wrong; raises `TooMany` where there were too many this minute."""
    now = int(clock.now().timestamp())
    key = (actor.token_id, now // 60)
    if _wrong.get(key, 0) >= MOST:
        raise TooMany("too_many_codes", "Too many codes that nobody has; wait a minute.", 60 - now % 60)
    try:
        yield
    except (Invalid, NotFound):
        with _lock:
            _wrong[key] = _wrong.get(key, 0) + 1
            while len(_wrong) > _REMEMBERED:
                _wrong.popitem(last=False)
        raise


def forget() -> None:
    """Forget who guessed: tests begin anew."""
    _wrong.clear()
