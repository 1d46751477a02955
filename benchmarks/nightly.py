"""A night over a million members: the runs of pending points and of expiry beside hand-written SQL that does the same."""

import time
from collections.abc import Iterator
from datetime import date

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.engine import engine_of, peak_mib, publish
from benchmarks.figures import Figure
from benchmarks.setting import HERE
from loyalty_engine.services.jobs import nights

LEAST_SHARE = 0.6
MOST_MIB = 300
DAY = date(2026, 6, 15)
_SQL = HERE / "nightly_sql"
_PROGRAMME = """\
programme: nights
name: Nights
money: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: Points, pending: 14 days, expiry: {after: 12 months}}]
accrual: [{id: base, wallet: points, earn: {points: 1, per: "1.00"}}]
"""


def on_postgresql(server: PostgreSQL, members: int) -> Iterator[Figure]:
    """Run one night in two databases that are alike, by the engine in one and by hand in the other."""
    ours = server.create("night")
    upgrade(ours)
    publish(ours, _PROGRAMME)
    server.run_file("night", _SQL / "members.sql", members=members)
    server.settle("night")
    server.create("night_by_hand", "night")
    with engine_of(ours):
        for job in ("pending", "expiry"):
            server.settle("night", "night_by_hand")
            hand = server.run_file("night_by_hand", _SQL / f"{job}.sql")
            began = time.perf_counter()
            (done,) = nights.run(job, DAY)
            seconds = time.perf_counter() - began
            assert done.status == "done", done
            rate = done.counts["lots"] / seconds
            yield Figure(f"night, {job}", rate, "lots/s", note=f"{members:,} members, {seconds:.1f} s")
            yield Figure(f"night, {job} by hand", done.counts["lots"] / hand, "lots/s", note=f"{hand:.1f} s")
            yield Figure(f"night, {job}, share of hand-written SQL", hand / seconds, "", at_least=LEAST_SHARE)
        yield Figure("night, most memory", peak_mib(), "MiB", at_most=MOST_MIB)
    _compare(server)


def _compare(server: PostgreSQL) -> None:
    """Both ways must have done the same, or their times say nothing."""
    told = {}
    for name in ("night", "night_by_hand"):
        with server.connect(name) as connection:
            told[name] = [
                connection.execute(
                    f"SELECT count(*), sum(hashtextextended({table}::text, 0)) FROM {table}".encode()
                ).fetchone()
                for table in ("ledger_entries", "lot_changes", "lots", "accounts", "members")
            ]
    assert told["night"] == told["night_by_hand"], told
