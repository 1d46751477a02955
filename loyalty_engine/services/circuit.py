"""Keeps a gateway from being asked when it doesn't answer, or more often than it may be: by process, in memory.

Both go by a clock that no change of the time of day moves.
"""

from collections.abc import Callable
from threading import Lock
from time import monotonic, sleep
from typing import Final, Literal

Clock = Callable[[], float]
State = Literal["closed", "open", "half open"]

FAILURES: Final = 5
PAUSE_SECONDS: Final = 30
_NAP_SECONDS: Final = 0.05
_LEAST_SECONDS: Final = 0.001
"""What is missing of a turn may be less than a clock can tell apart."""


class Breaker:
    """Opens after some failures in a row; after a pause lets one through, whose answer decides."""

    def __init__(self, failures: int = FAILURES, pause: int = PAUSE_SECONDS, clock: Clock = monotonic) -> None:
        self._most, self._pause, self._clock = failures, pause, clock
        self._failed = 0
        self._until: float | None = None
        self._probing = False
        self._lock = Lock()

    @property
    def state(self) -> State:
        """Return how it stands."""
        if self._until is None:
            return "closed"
        return "open" if self._clock() < self._until else "half open"

    @property
    def wait_seconds(self) -> int:
        """Return after how long one may be let through."""
        return 0 if self._until is None else max(0, int(self._until - self._clock()) + 1)

    def lets_through(self) -> bool:
        """Tell whether the gateway may be asked now; when it is half open, only by the first who asks."""
        with self._lock:
            if self.state == "closed":
                return True
            if self.state == "open" or self._probing:
                return False
            self._probing = True
            return True

    def answered(self) -> None:
        """Note that the gateway works."""
        with self._lock:
            self._failed, self._until, self._probing = 0, None, False

    def failed(self, retry_after: int | None = None) -> None:
        """Note that it doesn't; where it says for how long, that is taken at its word."""
        with self._lock:
            self._failed += 1
            if retry_after is not None or self._probing or self._failed >= self._most:
                self._until = self._clock() + (self._pause if retry_after is None else retry_after)
            self._probing = False


class Bucket:
    """Lets so many through a second, evenly after a first second's worth; 0 for any number."""

    def __init__(self, per_second: int, clock: Clock = monotonic, nap: Callable[[float], None] = sleep) -> None:
        self._rate, self._clock, self._nap = per_second, clock, nap
        self._level, self._at = float(per_second), clock()
        self._lock = Lock()

    def take(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait for a turn; False where the process is to end first."""
        while not stopping():
            wait = self._wait()
            if wait <= 0:
                return True
            self._nap(min(max(wait, _LEAST_SECONDS), _NAP_SECONDS))
        return False

    def _wait(self) -> float:
        if not self._rate:
            return 0
        with self._lock:
            now = self._clock()
            self._level = min(self._rate, self._level + (now - self._at) * self._rate)
            self._at = now
            if self._level < 1:
                return (1 - self._level) / self._rate
            self._level -= 1
            return 0
