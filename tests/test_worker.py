"""The worker and its commands: what an operator runs, sees, and may stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from apscheduler.schedulers import base
from apscheduler.schedulers.background import BackgroundScheduler
from click.testing import CliRunner, Result
from flask import Flask

from loyalty_engine import clock
from loyalty_engine import worker as worker_module
from loyalty_engine.cli import main
from loyalty_engine.services.jobs import nights, registry
from loyalty_engine.services.jobs.kinds import at_once
from loyalty_engine.worker import Worker, catch_up
from tests.conftest import FrozenClock
from tests.ledger import figures, open_shop
from tests.nights import SILENT_CLUB, grant, noon
from tests.webhooks import SECRET, listening

DAY = date(2026, 1, 31)
Loyalty = Callable[..., Result]


@pytest.fixture
def loyalty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loyalty:
    """Run a command in a directory with a database and a programme."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOYALTY_DATABASE_URL", raising=False)

    def run(*words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    Path("programme.yaml").write_text(SILENT_CLUB, encoding="utf-8")
    assert run("db", "upgrade").exit_code == 0
    assert run("programme", "publish", "programme.yaml", "--reason", "the first").exit_code == 0
    return run


def test_a_run_says_what_it_did_and_status_how_things_stand(loyalty: Loyalty) -> None:
    assert "never run" in loyalty("status").stdout
    first = loyalty("run", "night", "--json")
    assert first.exit_code == 0, first.output
    assert [(one["job"], one["status"]) for one in json.loads(first.stdout)["runs"]] == [
        ("pending", "done"), ("notices", "done"), ("expiry", "done"), ("vouchers", "done"), ("reviews", "done"), ("rewards", "done"),
        ("occasions", "done"), ("tidy", "done"),
    ]  # fmt: skip
    assert "pending" in loyalty("run", "pending").stdout
    assert "was run before" in loyalty("run", "pending").stdout
    jobs = json.loads(loyalty("status", "--json").stdout)["jobs"]
    assert {one["late_seconds"] for one in jobs} <= {0, None}, "a job of every minute was not called yet"
    assert loyalty("status").exit_code == 0


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("run", "pending", "--as-of", "2999-01-01"), 1),
        (("run", "pending", "--as-of", "9999-12-31"), 1),
        (("run", "night", "--as-of", "0001-01-01"), 2),
        (("run", "night", "--as-of", "1899-12-31"), 2),
        (("run", "pending", "--as-of", "yesterday"), 2),
        (("run", "dance"), 2),
        (("run",), 2),
        (("worker", "now"), 2),
    ],
)
def test_what_cannot_be_run_is_said(loyalty: Loyalty, words: tuple[str, ...], exit_code: int) -> None:
    found = loyalty(*words)
    assert (found.exit_code, "Traceback" in found.output) == (exit_code, False)


def test_status_fails_when_a_job_is_late_by_more_than_an_hour(
    loyalty: Loyalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.frozen(clock.now() - timedelta(days=3)):
        assert loyalty("run", "night").exit_code == 0
    late = loyalty("status")
    assert late.exit_code == 1
    assert re.search(r"job +last day +finished +did +next due +late by +worker", late.stdout)
    assert loyalty("status", "--json").exit_code == 1
    monkeypatch.setenv("LOYALTY_LATE_SECONDS", "604800")
    assert loyalty("status").exit_code == 0
    assert "Late: " in late.stdout


def test_a_worker_needs_tables_and_a_programme(
    loyalty: Loyalty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    found = loyalty("worker")
    assert (found.exit_code, found.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_runs_the_night_and_ends_when_it_is_told_to(loyalty: Loyalty, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "loyalty_engine.cli", "worker"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as worker:
        assert worker.stderr is not None
        said = [json.loads(worker.stderr.readline()) for _ in range(9)]
        time.sleep(0.1)
        worker.send_signal(number)
        rest = worker.stderr.read()
    assert worker.returncode == 0, rest
    jobs = ["pending", "notices", "expiry", "vouchers", "reviews", "rewards", "occasions", "tidy"]
    assert [one.get("job") for one in said] == [None, *jobs]
    assert json.loads(rest.splitlines()[-1])["status"] == "stopped"
    assert "was run before" in loyalty("run", "pending").stdout


def test_a_server_takes_its_worker_along_when_it_ends(loyalty: Loyalty) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "loyalty_engine.cli", "serve", "--with-worker", "--port", port]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if '"started"' in line:
                break
        server.send_signal(signal.SIGTERM)
        rest = server.stderr.read()
    assert '"stopped"' in rest


def test_a_tick_survives_a_bug_and_a_database_that_is_away(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    frozen_clock.set(noon(DAY))
    (ann,) = open_shop(SILENT_CLUB, members=1)
    grant(ann, "petals", 5, noon(DAY))
    frozen_clock.set(noon(DAY + timedelta(days=14)))
    worker = Worker(app)

    def breaks(*_: Any, **__: Any) -> None:
        raise ValueError("6300000000000012")

    capfd.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(nights, "running", breaks)
        worker.night()
    said = capfd.readouterr().err
    assert json.loads(said)["kind"] == "ValueError"
    assert "6300000000000012" not in said
    worker.night()
    worker.tick()
    assert figures(ann)["petals"] == (5, 0, 0, 0)
    monkeypatch.setattr(registry, "NIGHTLY", (at_once("broken", breaks), at_once("fine", lambda day: 1)))
    capfd.readouterr()
    worker.night()
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(one.get("job"), one.get("kind")) for one in said] == [("fine", None), (None, "ValueError")]


def test_a_clock_that_is_set_back_by_a_day_holds_up_no_tick(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler's clock and the engine's are the machine's: both are set back while the first tick is at work."""
    back, ticks, main_thread = timedelta(), 0, threading.get_ident()
    stop = partial(signal.pthread_kill, main_thread, signal.SIGTERM)

    class Machine(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - back

    def tick(_: Worker) -> None:
        nonlocal back, ticks
        ticks, back = ticks + 1, timedelta(days=1)
        if ticks == 3:
            stop()

    for module in (clock, base):
        monkeypatch.setattr(module, "datetime", Machine)
    monkeypatch.setattr(worker_module, "SECONDS_A_TICK", 0.05)
    monkeypatch.setattr(Worker, "tick", tick)
    for name in ("night", "send", "reconcile"):
        monkeypatch.setattr(Worker, name, lambda _: None)
    in_the_end = threading.Timer(20, stop)
    in_the_end.start()
    Worker(app).run()
    in_the_end.cancel()
    assert ticks >= 3


def test_only_jobs_that_wait_far_too_long_are_called_at_once() -> None:
    scheduler = BackgroundScheduler(timezone="UTC")
    soon, far, late = Event(), Event(), clock.now() + timedelta(seconds=100)
    scheduler.add_job(soon.set, "interval", seconds=60, next_run_time=late, id="soon")
    scheduler.add_job(far.set, "interval", seconds=60, next_run_time=late + timedelta(days=1), misfire_grace_time=None)
    scheduler.start()
    try:
        catch_up(scheduler)
        assert far.wait(10)
        assert (soon.is_set(), scheduler.get_job("soon").next_run_time) == (False, late)
    finally:
        scheduler.shutdown()


def test_a_worker_tells_targets_and_is_told_apart(
    loyalty: Loyalty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The whole of it: settings, an event in a commit, a worker in its own process, a receiver, a replay."""
    with listening() as receiver:
        monkeypatch.setenv("LOYALTY_WEBHOOKS", f"crm={receiver.url};kinds=member")
        monkeypatch.setenv("LOYALTY_WEBHOOK_SECRET_CRM", SECRET)
        Path("members.ndjson").write_text('{"external_id": "ann"}\n{"external_id": "ben"}\n', encoding="utf-8")
        assert loyalty("import", "members", "members.ndjson").exit_code == 0
        waiting = json.loads(loyalty("webhooks", "status", "--json").stdout)["targets"]
        assert [(one["target"], one["waiting_events"]) for one in waiting] == [("crm", 2)]
        command = [sys.executable, "-m", "loyalty_engine.cli", "worker"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as worker:
            assert worker.stderr is not None
            owner = json.loads(worker.stderr.readline())["owner"]
            receiver.wait_for(2)
            assert loyalty("webhooks", "replay", "--target", "crm", "--from", "2020-01-01T00:00Z").exit_code == 0
            receiver.wait_for(4)
            worker.send_signal(signal.SIGTERM)
            worker.stderr.read()
    assert worker.returncode == 0
    assert owner.split(":")[1] == str(worker.pid)
    assert [one["data"]["change"] for one in receiver.events] == ["enrolled"] * 4
    assert "told of everything" in loyalty("status").stdout
    assert "nothing" in loyalty("webhooks", "status").stdout
    assert loyalty("webhooks", "replay", "--target", "erp", "--from", "2020-01-01T00:00Z").exit_code == 1
    assert loyalty("webhooks", "replay", "--target", "crm", "--from", "2020-01-01").exit_code == 2
    monkeypatch.setenv("LOYALTY_WEBHOOK_SECRET_CRM", "short")
    wrong = loyalty("worker")
    assert (wrong.exit_code, "LOYALTY_WEBHOOK_SECRET_CRM" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_metrics_say_how_late_the_jobs_are(application: Flask, frozen_clock: FrozenClock) -> None:
    frozen_clock.set(noon(DAY))
    with application.app_context():
        before = application.test_client().get("/metrics").text
        open_shop(SILENT_CLUB, members=1)
        nights.run("night")
    frozen_clock.set(noon(DAY + timedelta(days=1)))
    after = application.test_client().get("/metrics").text
    assert "loyalty_job_late_seconds" not in before
    assert 'loyalty_job_late_seconds{job="expiry"} 43200.0' in after
