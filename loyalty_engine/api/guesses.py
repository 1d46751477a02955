"""Slows down whoever tries codes: after so many in a minute that nobody has, a token waits.

Codes carry 60 random bits, so that guessing is hopeless anyway; this keeps it off the database. Counted in each process
by itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from loyalty_engine import clock
from loyalty_engine.api.refusals import TooMany
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from rules.errors import Invalid, NotFound

T = TypeVar("T")

MOST: Final = 30
"""Wrong codes of one token in a minute: a till that reads badly stays below."""
_REMEMBERED: Final = 10_000
_WRONG: Final = (404, 422)
_wrong: OrderedDict[tuple[str, int], int] = OrderedDict()
_lock: Final = Lock()


def counted(actor: Actor, work: Callable[[], T]) -> T:
    """Do `work` with a code, and count one that turns out to be wrong; raises `TooMany` where there were too many.

    A refusal that is remembered under an Idempotency-Key comes as an answer; it counts as well.
    """
    now = int(clock.now().timestamp())
    key = (actor.token_id, now // 60)
    if _wrong.get(key, 0) >= MOST:
        raise TooMany("too_many_codes", "Too many codes that nobody has; wait a minute.", 60 - now % 60)
    try:
        done = work()
    except (Invalid, NotFound):
        _count(key)
        raise
    if isinstance(done, Answer) and done.status in _WRONG:
        _count(key)
    return done


def _count(key: tuple[str, int]) -> None:
    with _lock:
        _wrong[key] = _wrong.get(key, 0) + 1
        while len(_wrong) > _REMEMBERED:
            _wrong.popitem(last=False)


def forget() -> None:
    """Forget who guessed: tests begin anew."""
    _wrong.clear()
