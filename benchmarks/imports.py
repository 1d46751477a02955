"""Baskets a second while the demo brings in a grocer's year on the embedded database, as `loyalty demo` does.

The nights that are run between the months are no part of the import: they are told by themselves.
"""

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.databases import upgrade
from benchmarks.engine import ADMIN, engine_of
from benchmarks.figures import Figure
from loyalty_engine.cli.output import engine
from loyalty_engine.services import showcase
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.showcase import Chosen
from loyalty_engine.store.session import reading
from loyalty_engine.store.tables import job_runs

LEAST_BASKETS = 3_000


def on_sqlite(weeks: int | None) -> Iterator[Figure]:
    """Bring in the year, or its last weeks; reading the packaged files is part of it."""
    if not showcase.is_installed():
        yield Figure("demo import: not measured, the demo data is not installed", 0, "", at_least=LEAST_BASKETS)
        return
    clock = _Stopwatch()
    with TemporaryDirectory(prefix="loyalty-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'import.db'}"
        os.environ["LOYALTY_DATABASE_URL"] = url  # for the processes that the import starts
        upgrade(url)
        with engine_of(url):
            showcase.publish_first(ADMIN, "retailer")
            began, cpu_before = time.perf_counter(), _cpu()
            showcase.bring_in(ADMIN, Chosen(weeks=weeks), clock.watch, engine)
            whole = time.perf_counter() - began
            nights, cpu = _seconds_of_nights(), _cpu() - cpu_before
    baskets, seconds = clock.count["purchases"], clock.seconds["purchases"] - nights
    name = "demo import on SQLite" + (f", {weeks} weeks" if weeks else ", the whole year")
    yield Figure(name, baskets / seconds, "baskets/s", at_least=LEAST_BASKETS, note=f"{baskets:,} baskets")
    yield Figure("demo import, CPU a basket, with members and nights", 1e6 * cpu / baskets, "µs")
    yield Figure("the nights between", nights, "s")
    yield Figure("demo import with stores, products, members and nights", whole, "s")


def _seconds_of_nights() -> float:
    with reading() as connection:
        runs = connection.execute(job_runs.select()).all()
    return sum((run.finished_at - run.started_at).total_seconds() for run in runs)


class _Stopwatch:
    """Takes the time of each part of the import, in the place of a progress bar."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.seconds: dict[str, float] = {}

    @contextmanager
    def watch(self, what: str, _total: int | None) -> Iterator[Advance]:
        done = [0]

        def advance(count: int) -> None:
            done[0] += count

        began = time.perf_counter()
        yield advance
        self.count[what] = done[0]
        self.seconds[what] = time.perf_counter() - began


def _cpu() -> float:
    """Return the CPU seconds of this process and of those that it started, whose end is waited for."""
    for process in active_children():
        process.join()
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
