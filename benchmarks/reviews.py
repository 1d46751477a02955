"""Levels reviewed a second in one night for everybody, beside the same night written by hand in SQL."""

import json
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.engine import publish
from benchmarks.figures import Figure
from benchmarks.setting import HERE

LEAST_OF_BY_HAND = 0.6
MOST_MIB = 300
_FILLED, _OURS, _THEIRS = "loyalty_bench_reviews", "loyalty_bench_reviews_a", "loyalty_bench_reviews_b"
_SQL = HERE / "reviews_sql"
_LADDER = """
programme: benchmark
name: {en: Benchmark}
money: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {en: Points}}]
accrual: [{id: base, wallet: points, earn: {points: 1, per: "1.00"}}]
tiers:
  metric: {points_of: points}
  window: {calendar: year}
  downgrade: {steps: one}
  levels:
    - {id: green, name: {en: Green}, from: 0}
    - {id: silver, name: {en: Silver}, from: 1000}
    - {id: gold, name: {en: Gold}, from: 5000}
"""


def on_postgresql(server: PostgreSQL, members: int, rounds: int) -> Iterator[Figure]:
    """Review everybody, ours and by hand in turns, each on a fresh copy of the same database."""
    _prepare(server, members)
    ours, theirs, peaks = [], [], []
    for _ in range(rounds):
        seconds, peak = _ours(server)
        ours.append(seconds)
        peaks.append(peak)
        theirs.append(_theirs(server))
    _check_same(server)
    pairs = ", ".join(f"{by_hand / mine:.2f}" for mine, by_hand in zip(ours, theirs, strict=True))
    name = f"reviews of {members:,} levels"
    yield Figure(f"{name}, of the same by hand", median(theirs) / median(ours), "", LEAST_OF_BY_HAND, note=pairs)
    yield Figure(f"{name} on PostgreSQL", members / median(ours), "/s")
    yield Figure(f"{name}, memory of the run", max(peaks), "MiB", at_most=MOST_MIB)


def _prepare(server: PostgreSQL, members: int) -> None:
    url = server.create(_FILLED)
    upgrade(url)
    publish(url, _LADDER)
    server.run_file(_FILLED, _SQL / "members.sql", members=members)
    server.settle(_FILLED)


def _ours(server: PostgreSQL) -> tuple[float, float]:
    """Run the night in a process of its own; return the seconds and the most memory (MiB) that it took."""
    url = server.create(_OURS, _FILLED)
    server.settle(_OURS)
    command = [sys.executable, "-m", "benchmarks.review_night", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    told = json.loads(done.stdout)
    return told["seconds"], told["peak_mib"]


def _theirs(server: PostgreSQL) -> float:
    server.create(_THEIRS, _FILLED)
    server.settle(_THEIRS)
    return server.run_file(_THEIRS, _SQL / "reviews.sql")


def _check_same(server: PostgreSQL) -> None:
    """End the benchmark where the two did not do the same."""
    query = b"SELECT level, level_review_on, tier_changes, count(*) FROM members GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    found = []
    for name in (_OURS, _THEIRS):
        with server.connect(name) as connection:
            found.append(connection.execute(query).fetchall())
    if found[0] != found[1] or len(found[0]) < 3:
        raise SystemExit(f"reviews: ours and by hand differ: {found}")
