"""A day's messages for a million members: 30,000 notices and 2,700 birthdays found, given and planned, with flat memory."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.engine import ADMIN, engine_of, peak_mib, publish
from benchmarks.figures import Figure
from benchmarks.setting import HERE
from loyalty_engine import clock
from loyalty_engine.services import message_forecast
from loyalty_engine.services.jobs import nights
from loyalty_engine.store.session import db

MOST_SECONDS = 60
MOST_MIB = 400
NOW = datetime(2026, 6, 14, 16, 5, tzinfo=UTC)
"""Five past midnight on 15 June in the programme's zone."""
_PROGRAMME = """\
programme: days
name: {en: Days, zh: 日子}
money: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {en: points, zh: 积分}, expiry: {after: 12 months}}]
accrual: [{id: base, wallet: points, earn: {points: 1, per: "1.00"}}]
occasions: [{id: birthday, on: birthday, span: week, give: [{points: 100, wallet: points}], message: birthday}]
messages:
  quiet_hours: {from: "20:00", to: "10:00"}
  at: "10:30"
  limit: {greeting: {per: day, times: 1}}
  cost: {sms: "0.045"}
  expiry_notices: {days_before: [30, 7], at_least: 100, template: expiry}
  templates:
    - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} {wallet} for you.", zh: "{salutation}，生日快乐！送您{points}{wallet}。"}
    - {id: expiry, purpose: service, en: "{points} {wallet} lapse on {expires_on}.", zh: "您有{points}{wallet}将于{expires_on}到期。"}
"""


def on_postgresql(server: PostgreSQL, members: int) -> Iterator[Figure]:
    """Plan a day: the nightly runs of notices and occasions, and the look at the coming week."""
    ours = server.create("day")
    upgrade(ours)
    publish(ours, _PROGRAMME)
    server.run_file("day", HERE / "messages_sql" / "members.sql", members=members)
    server.settle("day")
    with engine_of(ours), clock.frozen(NOW):
        whole = 0.0
        for job in ("notices", "occasions"):
            began = time.perf_counter()
            (done,) = nights.run(job)
            seconds = time.perf_counter() - began
            assert done.status == "done", done
            whole += seconds
            planned = _planned("notice" if job == "notices" else "occasion")
            note = f"{planned:,} messages of {members:,} members"
            yield Figure(f"a day's messages, {job}", seconds, "s", note=note)
        yield Figure("a day's messages, planned", whole, "s", at_most=MOST_SECONDS)
        began = time.perf_counter()
        message_forecast.forecast(ADMIN, 7)
        yield Figure("a day's messages, the plan of seven days", time.perf_counter() - began, "s")
        yield Figure("a day's messages, most memory", peak_mib(), "MiB", at_most=MOST_MIB)


def _planned(cause: str) -> int:
    with db.engine.connect() as connection:
        query = "SELECT count(*) FROM messages WHERE status = 'planned' AND cause_kind = %s"
        return int(connection.exec_driver_sql(query, (cause,)).scalar_one())
