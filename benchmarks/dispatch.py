"""Messages a second that one worker hands over to a local server that speaks Twilio's API, written down and all."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import sqlalchemy as sa

from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.engine import ADMIN, engine
from benchmarks.figures import Figure
from benchmarks.setting import HERE
from loyalty_engine import clock
from loyalty_engine.config import Settings, SmsSettings
from loyalty_engine.services import dispatch, enrolment, publishing
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import db, in_transaction
from tests.gateways.twilio_server import ACCOUNT, TOKEN

LEAST_A_SECOND = 200
_DATABASE = "loyalty_bench_dispatch"
_TEXT = """
programme: benchmark
name: {en: Benchmark}
money: CNY
time_zone: Asia/Shanghai
wallets: [{id: points, name: {en: Points}}]
accrual: [{id: base, wallet: points, earn: {points: 1, per: "1.00"}}]
messages:
  templates: [{id: notice, purpose: service, en: "{salutation}, {points} {wallet} lapse on {expires_on}."}]
"""
_PLACES = {"points": 120, "wallet": "points", "expires_on": "2026-12-31"}


def on_postgresql(server: PostgreSQL, messages: int, rounds: int) -> Iterator[Figure]:
    """Send so many messages, some rounds of them; each has to be taken once."""
    url = server.create(_DATABASE)
    upgrade(url)
    with _gateway() as address:
        sms = SmsSettings("twilio", ACCOUNT, TOKEN, "+15005550006", url=address, per_second=1_000)
        with engine(Settings(database_url=url, public_url="https://loyalty.example", sms=sms)):
            publishing.publish(ADMIN, _TEXT, None, "for a benchmark")
            members = _enrol(messages)
            rates = [_round(members, number) for number in range(rounds)]
    note = f"median of {rounds} rounds of {messages:,} messages"
    yield Figure("messages handed over by one worker", median(rates), "messages/s", at_least=LEAST_A_SECOND, note=note)


@contextmanager
def _gateway() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.gateways.twilio_server"]
    with subprocess.Popen(
        command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait()


def _enrol(members: int) -> list[str]:
    found: list[str] = []
    for first in range(0, members, 500):
        numbers = range(first, min(first + 500, members))
        new = [NewMember(phone=f"+86138{number:08}", name="Ann Lee", language="en") for number in numbers]
        found += [one.member_id for one in enrolment.enrol_many(ADMIN, new) if one.member_id is not None]
    return found


def _round(members: list[str], number: int) -> float:
    now = clock.now()
    wanted = [Wanted(one, "notice", "benchmark", str(number), _PLACES, at_once=True) for one in members]

    def plan(connection: sa.Connection) -> int:
        return plan_messages(connection, plan_for(connection, now), wanted, now)

    assert in_transaction(plan) == len(members)
    began, sent = time.perf_counter(), 0
    while more := dispatch.send_due("benchmark", 500):
        sent += more
    seconds = time.perf_counter() - began
    assert sent == len(members), sent
    query = "SELECT count(*), count(DISTINCT provider_id) FROM messages WHERE status = 'accepted'"
    with db.engine.connect() as connection:
        assert tuple(connection.exec_driver_sql(query).one()) == ((number + 1) * len(members),) * 2
    return sent / seconds
