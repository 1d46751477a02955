"""5,000 faults while messages are sent, and workers killed with -9 in the middle of it: nothing goes out twice.

What the server took is its log, on the client's side of nobody; at the end it is held against the database.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock, create_app
from loyalty_engine.channels import twilio_http
from loyalty_engine.config import Settings
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.reconciliation import reconcile
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import messages as table
from tests import sending
from tests.builders import publish
from tests.conftest import FrozenClock
from tests.faults.test_sending import use
from tests.gateways.twilio_server import ACCOUNT, PUBLIC_URL, TOKEN, Form, TwilioServer, serving
from tests.ledger import open_shop
from tests.sending import rows, texting
from tests.sending_faults import Chaos, assert_agrees, plan_many, through_the_days

pytestmark = pytest.mark.postgresql

FAULTS, MESSAGES_A_ROUND, WORKERS = 5_000, 500, 4
KILLS, MESSAGES_TO_KILL = 20, 2_000


def test_five_thousand_faults_double_nothing(
    postgresql_application: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_http, "READ_SECONDS", 0.2)
    app, injected, taken = postgresql_application, Counter[str](), 0
    began = clock.now()
    for number in range(100):
        chaos = Chaos(random.Random(number), 0.97)
        frozen_clock.set(began)
        with app.app_context(), texting(app) as server:
            open_shop(sending.TELLING, members=0)
            server.hang_seconds, server.retry_after, server.fault = 0.4, 30, chaos.of_server
            use(app, chaos)
            plan_many(MESSAGES_A_ROUND)
            through_the_days(app, frozen_clock, WORKERS)
            assert_agrees(server)
        injected, taken = injected + chaos.injected, taken + len(server.taken)
        if injected.total() >= FAULTS:
            break
    sys.stdout.write(f"\n{injected.total():,} faults, {taken:,} texts taken, 0 doubled: {dict(injected)}\n")
    assert injected.total() >= FAULTS


@pytest.fixture
def real(new_database: Any) -> Iterator[Flask]:
    """An application whose database other processes use too."""
    app = create_app(Settings(database_url=new_database("killed"), public_url=PUBLIC_URL, sms=sending.settings("")))
    forget_everything()
    with app.app_context():
        db.metadata.create_all(db.engine)
        publish(sending.TELLING.replace('  quiet_hours: {from: "20:00", to: "10:00"}\n', ""))
        yield app
        db.engine.dispose()


@contextmanager
def working(app: Flask, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker's process, killed with -9 at the end of the block where it still lives."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "LOYALTY_DATABASE_URL": app.extensions["loyalty_settings"].database_url,
        "LOYALTY_PUBLIC_URL": PUBLIC_URL,
        "LOYALTY_SMS": "twilio",
        "LOYALTY_SMS_PER_SECOND": "1000",
        "LOYALTY_TWILIO_ACCOUNT": ACCOUNT,
        "LOYALTY_TWILIO_TOKEN": TOKEN,
        "LOYALTY_TWILIO_FROM": "+15005550006",
        "LOYALTY_TWILIO_URL": url,
    }
    command = [sys.executable, "-m", "tests.long.worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def test_workers_that_are_killed_double_nothing(real: Flask) -> None:
    chance = random.Random(9)

    def slow(form: Form) -> str | None:
        time.sleep(0.1)
        return "called_back_first" if form["To"].endswith("7") else None

    plan_many(MESSAGES_TO_KILL, at_once=True)
    kills = 0
    with serving(TwilioServer(fault=slow, deliver=sending.to(real))) as server:
        real.extensions["loyalty_gateways"] = {"sms": sending.gateway(server.url)}
        while kills < KILLS and open_messages():
            with working(real, server.url), working(real, server.url):
                before = len(server.asked)
                while len(server.asked) == before and open_messages():
                    time.sleep(0.05)
                time.sleep(chance.random())
            kills += 2
        sending.send()
        lost = Counter(row.status for row in rows())["sending"]
        for minutes in (6, 12, 42, 300, 306, 312, 600):
            with clock.frozen(clock.now() + timedelta(minutes=minutes)):
                reconcile(clock.now(), 10_000)
                sending.send()
        assert_agrees(server)
    sys.stdout.write(f"\n{kills} workers killed, {lost} texts in their hands, {len(server.taken):,} taken, 0 doubled\n")
    assert kills >= 4
    assert lost > 0


def open_messages() -> int:
    """Return how many messages are still planned."""
    with db.engine.connect() as connection:
        query = sa.select(sa.func.count()).where(table.c.status == "planned")
        return int(connection.scalar(query) or 0)
