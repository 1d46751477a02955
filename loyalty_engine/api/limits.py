"""How often a token may ask: so that a client in a loop doesn't take everybody's turn, and nobody tries out phones.

Each process counts by itself, in memory, by a clock that no change of the time of day moves. Only tokens that we know are
counted, so strangers can't make it remember anything.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from math import ceil
from threading import Lock
from time import monotonic
from typing import Any, Final, cast

from flask import Flask, current_app

from loyalty_engine.config import Settings
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from rules.errors import NotFound, TooMany

Clock = Callable[[], float]
MISS_COSTS: Final = 20
"""A look-up that finds nobody counts as so many: people mistype now and then, whoever tries out numbers always misses."""
_LOOKS_FOR_FULL: Final = 10_000


def asks_too_often(wait: int, most: int) -> TooMany:
    """Return the refusal of a request."""
    detail = f"This token asks more often than {most} times a minute; ask again in {wait} seconds."
    return TooMany("too_many_requests", detail, wait, most)


def looks_up_too_often(wait: int, most: int) -> TooMany:
    """Return the refusal of a look-up."""
    detail = f"This token looks up more than {most} times a minute, a miss counted {MISS_COSTS}-fold; go on in {wait} seconds."
    return TooMany("too_many_lookups", detail, wait, most)


class Limiter:
    """A bucket for each token: full at first, refilled evenly within a minute, 0 a minute for no limit at all."""

    def __init__(self, refuse: Callable[[int, int], TooMany], per_minute: int, clock: Clock = monotonic) -> None:
        self._refuse, self._most, self._clock = refuse, per_minute, clock
        self._levels: dict[str, tuple[float, float]] = {}  # what a token's bucket held, and when
        self._lock = Lock()
        self._look_at = _LOOKS_FOR_FULL

    def take(self, token_id: str, cost: int = 1) -> None:
        """Take so much out of a token's bucket; raises `TooMany`, and takes nothing, where less is in it."""
        if not self._most:
            return
        with self._lock:
            now = self._clock()
            level = self._level(token_id, now)
            if level < cost:
                raise self._refuse(max(1, ceil((cost - level) * 60 / self._most)), self._most)
            self._levels[token_id] = (level - cost, now)
            self._drop_full(now)

    def charge(self, token_id: str, cost: int) -> None:
        """Take so much out of a token's bucket, also more than is in it."""
        if self._most:
            with self._lock:
                now = self._clock()
                self._levels[token_id] = (self._level(token_id, now) - cost, now)

    def _level(self, token_id: str, now: float) -> float:
        level, at = self._levels.get(token_id, (self._most, now))
        return min(self._most, level + (now - at) * self._most / 60)

    def _drop_full(self, now: float) -> None:
        """Forget, where there are many, the buckets that are full by now: that is what no bucket means."""
        if len(self._levels) <= self._look_at:
            return
        self._levels = {token: kept for token, kept in self._levels.items() if self._level(token, now) < self._most}
        self._look_at = max(_LOOKS_FOR_FULL, 2 * len(self._levels))


class Limits:
    """What an application limits: requests of all kinds, and look-ups by what can be guessed."""

    def __init__(self, settings: Settings, clock: Clock = monotonic) -> None:
        self.requests = Limiter(asks_too_often, settings.rate_requests, clock)
        self.lookups = Limiter(looks_up_too_often, settings.rate_lookups, clock)


def register(app: Flask, settings: Settings) -> None:
    """Let `app` limit how often tokens ask."""
    app.extensions["loyalty_limits"] = Limits(settings)


def limits() -> Limits:
    """Return the limits of the application that answers."""
    return cast(Limits, current_app.extensions["loyalty_limits"])


def guessable(cost: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Limit a view that says whether a phone, a card or a code is somebody's: `cost` to ask, and more for a miss."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def limited(actor: Actor, *args: Any, **kwargs: Any) -> Any:
            lookups = limits().lookups
            lookups.take(actor.token_id, cost)
            try:
                result = view(actor, *args, **kwargs)
            except NotFound:
                lookups.charge(actor.token_id, MISS_COSTS)
                raise
            # A miss that is remembered under an Idempotency-Key is answered and not raised.
            if isinstance(result, Answer) and result.status == HTTPStatus.NOT_FOUND:
                lookups.charge(actor.token_id, MISS_COSTS)
            return result

        return limited

    return guard
