"""Seconds from `loyalty serve` until it answers."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import servers
from benchmarks.databases import upgrade
from benchmarks.figures import Figure
from benchmarks.setting import furnish

MOST_SECONDS = 2.0


def on_sqlite(rounds: int) -> Iterator[Figure]:
    """Start the server several times on a database that is set up."""
    took = []
    with TemporaryDirectory(prefix="loyalty-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'start.db'}"
        upgrade(url)
        furnish(url, members=1)
        for _ in range(rounds):
            with servers.engine(url) as web:
                took.append(web.started_in)
    rounds_said = ", ".join(f"{one:.2f}" for one in took)
    yield Figure("server start until it answers", median(took), "s", at_most=MOST_SECONDS, note=f"rounds {rounds_said}")
