"""The worker's process sends by itself: it prints without settings, and ends the calls under way when it is told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from flask import Flask

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import database, dispatch, reconciliation
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.circuit import Breaker
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.jobs import status as standing
from loyalty_engine.services.jobs.sending import Sender
from loyalty_engine.store.session import db
from loyalty_engine.worker import Worker
from tests import sending
from tests.builders import publish
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import ACCOUNT, PUBLIC_URL, TOKEN, TwilioServer, serving
from tests.ledger import open_shop
from tests.sending import agreed, planned, row, texting

AWAKE = sending.TELLING.replace('  quiet_hours: {from: "20:00", to: "10:00"}\n', "")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Flask]:
    """An application on a database of its own, which a worker's process uses as well."""
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'loyalty.db'}"))
    forget_everything()
    with app.app_context():
        database.upgrade()
        publish(AWAKE)
        yield app
        db.engine.dispose()


@contextmanager
def worker(app: Flask, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | settings | {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "LOYALTY_DATABASE_URL": app.extensions["loyalty_settings"].database_url,
    }  # fmt: skip
    command = [sys.executable, "-m", "loyalty_engine.cli", "worker"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def test_without_settings_the_worker_prints_what_it_would_send(shop: Flask) -> None:
    message = planned(agreed(1), at_once=True)
    with worker(shop) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
    assert said == ["SMS to +8613800000001\n", "    Happy birthday, Ann! 50 Leaves.\n"]
    assert process.returncode == 0
    assert (row(message).status, row(message).provider) == ("accepted", "console")


def test_a_worker_that_is_told_to_stop_ends_the_calls_under_way(shop: Flask) -> None:
    message = planned(agreed(1), at_once=True)

    def slow(form: dict[str, str]) -> None:
        time.sleep(1)

    with serving(TwilioServer(fault=slow)) as server:
        twilio = {
            "LOYALTY_SMS": "twilio",
            "LOYALTY_TWILIO_ACCOUNT": ACCOUNT,
            "LOYALTY_TWILIO_TOKEN": TOKEN,
            "LOYALTY_TWILIO_FROM": "+15005550006",
            "LOYALTY_TWILIO_URL": server.url,
            "LOYALTY_PUBLIC_URL": PUBLIC_URL,
        }
        with worker(shop, **twilio) as process:
            while not server.asked:
                assert process.poll() is None
                time.sleep(0.02)
        assert process.returncode == 0
        assert (row(message).status, row(message).provider_id) == ("accepted", server.taken[0].sid)


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_how_much_was_sent_and_whether_a_circuit_is_open_is_noted(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop(sending.TELLING, members=0)
    breaker = Breaker(failures=1)
    with texting(app, breaker=breaker) as server:
        planned(agreed(1))
        sender = Sender("worker-of-tests")
        (done,) = sender.send(lambda: False)
        assert (done.job, done.counts) == ("send", {"done": 1})
        assert list(sender.send(lambda: False)) == []
        server.fault = lambda form: "500"
        planned(agreed(2))
        nights.run("send")
    (stands,) = (one for one in standing.all_jobs() if one.job == "send")
    assert stands.counts == {"done": 2, "circuit of sms open": 1}


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_who_sends_for_long_notes_it_every_minute(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(sending.TELLING, members=0)
    noted: list[object] = []

    def send_due(*_: object) -> int:
        if noted:
            noted.extend(one.counts["done"] for one in standing.all_jobs() if one.job == "send")
        else:
            noted.append("first")
        frozen_clock.move(timedelta(seconds=30))
        return 10 if len(noted) < 6 else 0

    monkeypatch.setattr(dispatch, "send_due", send_due)
    list(Sender("worker-of-tests").send(lambda: False))
    assert noted == ["first", 10, 10, 30, 30, 50]


def ran() -> set[str]:
    return {one.job for one in standing.all_jobs() if one.last_day is not None}


def test_a_gateway_that_hangs_keeps_no_tick_waiting_and_is_asked_by_a_thread_of_its_own(
    shop: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, asked = Worker(shop), Event()

    def hangs(now: datetime, limit: int, stopping: Callable[[], bool] = lambda: False) -> int:
        asked.set()
        while not stopping():
            time.sleep(0.01)
        return 0

    monkeypatch.setattr(reconciliation, "reconcile", hangs)
    thread = Thread(target=worker.reconcile)
    thread.start()
    try:
        assert asked.wait(10)
        worker.tick()
        assert ran() == {"holds", "held-messages", "voucher-holds", "welcome"}
    finally:
        worker._stopping.set()
        thread.join(10)
    assert not thread.is_alive()
    assert "reconcile" in ran()
