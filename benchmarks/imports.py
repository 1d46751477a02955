"""Baskets a second while the demo brings in a grocer's year on the embedded database, as `loyalty demo` does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.databases import upgrade
from benchmarks.figures import Figure
from benchmarks.setting import ADMIN
from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import showcase
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.showcase import Chosen
from loyalty_engine.store.session import db

LEAST_BASKETS = 3_000


def on_sqlite(weeks: int | None) -> Iterator[Figure]:
    """Bring in the year, or its last weeks; reading the packaged files is part of it."""
    if not showcase.is_installed():
        yield Figure("demo import: not measured, the demo data is not installed", 0, "", at_least=LEAST_BASKETS)
        return
    clock = _Stopwatch()
    with TemporaryDirectory(prefix="loyalty-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'import.db'}"
        upgrade(url)
        app = create_app(Settings(database_url=url))
        forget_everything()
        with app.app_context():
            showcase.publish_first(ADMIN, "retailer")
            began = time.perf_counter()
            showcase.bring_in(ADMIN, Chosen(weeks=weeks), clock.watch)
            whole = time.perf_counter() - began
            db.engine.dispose()
    baskets, seconds, cpu = clock.count["purchases"], clock.seconds["purchases"], clock.cpu["purchases"]
    name = "demo import on SQLite" + (f", {weeks} weeks" if weeks else ", the whole year")
    yield Figure(name, baskets / seconds, "baskets/s", at_least=LEAST_BASKETS, note=f"{baskets:,} baskets")
    yield Figure("demo import, CPU a basket", 1e6 * cpu / baskets, "µs")
    yield Figure("demo import with stores, products and members", whole, "s")


class _Stopwatch:
    """Takes the time of each part of the import, in the place of a progress bar."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def watch(self, what: str, _total: int | None) -> Iterator[Advance]:
        done = [0]

        def advance(count: int) -> None:
            done[0] += count

        began, cpu = time.perf_counter(), time.process_time()
        yield advance
        self.count[what] = done[0]
        self.seconds[what], self.cpu[what] = time.perf_counter() - began, time.process_time() - cpu
