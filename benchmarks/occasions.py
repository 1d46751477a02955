"""A birthday's night among a million members: the day is looked up, and some thousands are given points and a message."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

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

MOST_SECONDS = 60.0
MOST_MIB = 300
BORN_ON_A_DAY = 370
"""One member in so many has the birthday of the night: 2,700 in a million."""
DAY = date(2026, 6, 15)
_MEMBERS = HERE / "occasions.sql"
_PROGRAMME = """\
programme: birthdays
name: Birthdays
money: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: Points, expiry: {after: 12 months}}]
accrual: [{id: base, wallet: points, earn: {points: 1, per: "1.00"}}]
occasions:
  - id: birthday
    on: birthday
    span: week
    lead: 14 days
    needs: {member_for: 30 days}
    give: [{points: 100, wallet: points}, {reward: cake}]
    message: birthday
rewards: [{id: cake, name: A slice of cake, product: CAKE-1, valid: span}]
messages:
  limit: {greeting: {per: day, times: 1}}
  templates:
    - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} points and {reward} until {valid_until}."}
"""


def on_postgresql(server: PostgreSQL, members: int) -> Iterator[Figure]:
    """Run a night's occasions in a database of so many members."""
    url = server.create("occasions")
    upgrade(url)
    with _engine(url):
        publishing.publish(ADMIN, _PROGRAMME, None, "for a benchmark")
    _furnish(server, members)
    server.settle("occasions")
    with _engine(url):
        began = time.perf_counter()
        (done,) = nights.run("occasions", DAY)
        seconds = time.perf_counter() - began
        counts = done.counts
        assert counts["granted"] == counts["members"] == counts["vouchers"], counts
        note = f"{members:,} members, {counts['granted']:,} birthdays, {counts['messages']:,} messages"
        yield Figure("occasions of a night", seconds, "s", at_most=MOST_SECONDS, note=note)
        yield Figure("occasions of a night, most memory", _peak_mib(), "MiB", at_most=MOST_MIB)


@contextmanager
def _engine(database_url: str) -> Iterator[None]:
    app = create_app(Settings(database_url=database_url))
    forget_everything()
    with app.app_context():
        yield
        db.engine.dispose()


def _furnish(server: PostgreSQL, members: int) -> None:
    lines = (line for line in _MEMBERS.read_text().splitlines() if not line.startswith("--"))
    plain = sa.make_url(server.database_url("occasions")).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as connection:
        for statement in "\n".join(lines).split(";"):
            if statement.strip():
                written = statement.replace(":members", str(members)).replace(":born", str(BORN_ON_A_DAY))
                connection.execute(written.encode())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
