"""How long a process keeps what it has loaded: also where loading takes long, and where the clock is set back."""

from datetime import timedelta

import pytest

from loyalty_engine.services import caching
from loyalty_engine.services.caching import Cache
from tests.conftest import FrozenClock


@pytest.mark.parametrize(
    ("patience", "took", "after", "loads"),
    [(0, 60, 9, 1), (0, 60, 10, 2), (20, 0, 10, 2), (20, 3, 59, 1), (20, 3, 60, 2), (20, 3, -59, 1), (20, 3, -60, 2)],
)
def test_what_takes_long_to_load_is_kept_the_longer(
    frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, patience: int, took: int, after: int, loads: int
) -> None:
    loaded: list[int] = []
    cache: Cache[None, int] = Cache(10, patience=patience)

    def load() -> int:
        loaded.append(1)
        return len(loaded)

    times = iter(range(0, 10**12, took * 10**9 or 1))
    monkeypatch.setattr(caching, "perf_counter_ns", lambda: next(times))
    assert cache.get(None, load) == 1
    frozen_clock.move(timedelta(seconds=after))
    assert cache.get(None, load) == loads
    caching.forget_everything()
    assert cache.get(None, load) == loads + 1
