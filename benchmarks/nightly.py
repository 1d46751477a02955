"""A night over a million members: the runs of pending points and of expiry beside hand-written SQL that does the same."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
import sqlalchemy as sa

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.figures import Figure
from benchmarks.setting import ADMIN, HERE
from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import publishing
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.jobs import nights
from loyalty_engine.store.session import db

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
    with engine_of(ours):
        publishing.publish(ADMIN, _PROGRAMME, None, "for a benchmark")
    _furnish(server, members)
    server.settle("night")
    server.create("night_by_hand", "night")
    with engine_of(ours):
        for job in ("pending", "expiry"):
            server.settle("night", "night_by_hand")
            hand = _by_hand(server, _SQL / f"{job}.sql")
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


@contextmanager
def engine_of(database_url: str) -> Iterator[None]:
    app = create_app(Settings(database_url=database_url))
    forget_everything()
    with app.app_context():
        yield
        db.engine.dispose()


def _furnish(server: PostgreSQL, members: int) -> None:
    with psycopg.connect(plain_url(server, "night")) as connection:
        for statement in statements_in(_SQL / "members.sql"):
            connection.execute(statement.replace(":members", str(members)).encode())


def _by_hand(server: PostgreSQL, file: Path) -> float:
    statements = statements_in(file)
    with psycopg.connect(plain_url(server, "night_by_hand")) as connection:
        began = time.perf_counter()
        for statement in statements:
            connection.execute(statement.encode())
        connection.commit()
        return time.perf_counter() - began


def _compare(server: PostgreSQL) -> None:
    """Both ways must have done the same, or their times say nothing."""
    told = {}
    for name in ("night", "night_by_hand"):
        with psycopg.connect(plain_url(server, name)) as connection:
            told[name] = [
                connection.execute(
                    f"SELECT count(*), sum(hashtextextended({table}::text, 0)) FROM {table}".encode()
                ).fetchone()
                for table in ("ledger_entries", "lot_changes", "lots", "accounts", "members")
            ]
    assert told["night"] == told["night_by_hand"], told


def statements_in(file: Path) -> list[str]:
    lines = (line for line in file.read_text().splitlines() if not line.startswith("--"))
    return [statement for part in "\n".join(lines).split(";") if (statement := part.strip())]


def plain_url(server: PostgreSQL, name: str) -> str:
    return sa.make_url(server.database_url(name)).set(drivername="postgresql").render_as_string(hide_password=False)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
