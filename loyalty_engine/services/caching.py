"""Keeps in the process what every request asks for and hardly anybody changes: tokens, stores, programme versions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter_ns
from typing import Final, Generic, TypeVar

from loyalty_engine import clock

K = TypeVar("K")
V = TypeVar("V")

SECONDS: Final = 30
"""How old a kept thing may be: a revoked token must be dead within 60 s (RELIABILITY.md, Doors)."""

_all: list["Cache[object, object]"] = []


class Cache(Generic[K, V]):
    """Values by key, each for so many seconds, or for ever with None; at most `size` of them.

    With `patience` a value is kept at least so many times as long as it took to load.
    """

    def __init__(self, seconds: int | None = SECONDS, size: int = 10_000, patience: int = 0) -> None:
        self._longest = timedelta.max if seconds is None else timedelta(seconds=seconds)
        self._for_ever = seconds is None
        self._size = size
        self._patience = patience
        self._kept: dict[K, tuple[datetime, timedelta, V]] = {}
        _all.append(self)  # type: ignore[arg-type]

    def get(self, key: K, load: Callable[[], V]) -> V:
        """Return the value of `key`, loading it where it isn't kept or is too old."""
        found = self._kept.get(key)
        if found is not None and self._for_ever:
            return found[2]
        now = clock.now()
        # Either way: a clock that was set back must not make a value immortal.
        if found is not None and abs(now - found[0]) < found[1]:
            return found[2]
        began = perf_counter_ns()
        value = load()
        took = timedelta(microseconds=(perf_counter_ns() - began) // 1_000)
        if len(self._kept) >= self._size:
            self._kept.clear()
        self._kept[key] = (now, max(self._longest, self._patience * took), value)
        return value

    def forget(self, key: K) -> None:
        """Load `key` anew when it is asked for next: called by what changes it, in this process."""
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()


def forget_everything() -> None:
    """Empty every cache of this process: another database stands behind it now (tests, the command line)."""
    for cache in _all:
        cache.clear()
