"""Levels reviewed a second in one night for everybody, beside the same night written by hand in SQL."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

import psycopg

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.figures import Figure
from benchmarks.setting import ADMIN, HERE
from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import publishing
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.store.session import db

LEAST_OF_BY_HAND = 0.6
MOST_MIB = 300
_FULL, _QUICK = 1_000_000, 50_000
_FILLED, _OURS, _THEIRS = "loyalty_bench_reviews", "loyalty_bench_reviews_a", "loyalty_bench_reviews_b"
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
_ID = "('01a20000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
_FILL = (
    f"""INSERT INTO members (member_id, status, joined_on, enrolled_at, language, level, level_since_at,
                             level_review_on, tier_changes)
        SELECT {_ID}, 'active', date '2020-01-01' + n % 2000, '2020-01-01', 'en',
               CASE WHEN n % 5 < 2 THEN 'gold' ELSE 'silver' END, '2026-03-01', '2026-12-31', 1
        FROM generate_series(1, {{members}}) n""",
    """INSERT INTO tier_history SELECT member_id, 1, level, level_since_at, level_since_at, level_review_on, 5000, 1,
                                        'purchase', 'x', 'benchmark', NULL FROM members""",
    f"""INSERT INTO qualifying_days
        SELECT {_ID}, metric, date '2025-07-01' + (n * 37 + place * 61) % 540, 100 + (n::bigint * 7919 + place * 104729) % 1900
        FROM generate_series(1, {{members}}) n, generate_series(1, 6) place,
             (VALUES ('points:points'), ('net_spend'), ('visits')) m (metric) ON CONFLICT DO NOTHING""",
)
"""Members of two levels with half a dozen days in a year and a half, all of whose levels end in one night."""


def on_postgresql(server: PostgreSQL, quick: bool) -> Iterator[Figure]:
    """Review everybody, ours and by hand in turns, each on a fresh copy of the same database."""
    members = _QUICK if quick else _FULL
    _prepare(server, members)
    ours, theirs, peaks = [], [], []
    for _ in range(3 if quick else 1):
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
    app = create_app(Settings(database_url=url))
    forget_everything()
    with app.app_context():
        publishing.publish(ADMIN, _LADDER, None, "for a benchmark")
        db.engine.dispose()
    with psycopg.connect(_plain(server, _FILLED), autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement.replace("{members}", str(members)).encode())
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
    with psycopg.connect(_plain(server, _THEIRS)) as connection:
        began = time.perf_counter()
        connection.execute((HERE / "reviews.sql").read_bytes())
        connection.commit()
        return time.perf_counter() - began


def _check_same(server: PostgreSQL) -> None:
    """End the benchmark where the two did not do the same."""
    query = b"SELECT level, level_review_on, tier_changes, count(*) FROM members GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    found = []
    for name in (_OURS, _THEIRS):
        with psycopg.connect(_plain(server, name)) as connection:
            found.append(connection.execute(query).fetchall())
    if found[0] != found[1] or len(found[0]) < 3:
        raise SystemExit(f"reviews: ours and by hand differ: {found}")


def _plain(server: PostgreSQL, name: str) -> str:
    return server.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
