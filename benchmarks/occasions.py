"""A birthday's night among a million members: the day is looked up, and some thousands are given points and a message."""

import time
from collections.abc import Iterator
from datetime import date

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.engine import engine_of, peak_mib, publish
from benchmarks.figures import Figure
from benchmarks.setting import HERE
from loyalty_engine.services.jobs import nights

MOST_SECONDS = 60.0
MOST_MIB = 300
BORN_ON_A_DAY = 370
"""One member in so many has the birthday of the night: 2,700 in a million."""
DAY = date(2026, 6, 15)
_MEMBERS = HERE / "occasions_sql" / "members.sql"
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
    publish(url, _PROGRAMME)
    server.run_file("occasions", _MEMBERS, members=members, born=BORN_ON_A_DAY)
    server.settle("occasions")
    with engine_of(url):
        began = time.perf_counter()
        (done,) = nights.run("occasions", DAY)
        seconds = time.perf_counter() - began
        counts = done.counts
        assert counts["granted"] == counts["members"] == counts["vouchers"], counts
        note = f"{members:,} members, {counts['granted']:,} birthdays, {counts['messages']:,} messages"
        yield Figure("occasions of a night", seconds, "s", at_most=MOST_SECONDS, note=note)
        yield Figure("occasions of a night, most memory", peak_mib(), "MiB", at_most=MOST_MIB)
