"""Two and four worker processes share a night; one is stopped past its lease and goes on: nothing is done twice.

What it writes late is refused, and where it was stopped with locks in its hands, the database takes them away.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import FrozenClock
from tests.ledger import assert_clean, figures, open_shop, rows
from tests.nights import SILENT_CLUB, grant, noon

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
BEGIN, TONIGHT = date(2026, 1, 31), date(2026, 4, 1)


@pytest.fixture
def members(postgresql_application: Flask, frozen_clock: FrozenClock) -> Iterator[list[str]]:
    """Twenty members whose points end tonight, or end their waiting."""
    frozen_clock.set(noon(BEGIN))
    with postgresql_application.app_context():
        found = open_shop(SILENT_CLUB, members=20)
        for member in found:
            grant(member, "leaves", 10, noon(BEGIN))
            grant(member, "stamps", 5, noon(BEGIN))
        yield found


def start(app: Flask, began: int, stops: str) -> subprocess.Popen[str]:
    """Start a worker in a process of its own; `began` is when it is noon."""
    command = [sys.executable, "-m", "tests.faults.night_worker", app.config["SQLALCHEMY_DATABASE_URI"]]
    return subprocess.Popen(
        [*command, noon(TONIGHT).isoformat(), str(began), stops], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def said(worker: subprocess.Popen[str]) -> Any:
    """Wait for the end of a worker, and return what it says."""
    told, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0
    return json.loads(told)


@pytest.mark.parametrize(("workers", "stops"), [(2, "between"), (4, "within")])
def test_a_worker_that_was_stopped_past_its_lease_is_refused(
    postgresql_application: Flask, members: list[str], workers: int, stops: str
) -> None:
    began = int(time.monotonic())
    hung = start(postgresql_application, began, stops)
    _, status = os.waitpid(hung.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    others = [start(postgresql_application, began, "never") for _ in range(workers - 1)]
    try:
        for one in others:
            said(one)
        owners = {row["lease_owner"] for row in rows("SELECT lease_owner FROM job_runs")}
        assert owners <= {f"worker-{one.pid}" for one in others}, "it is told apart from the others"
        before = rows("SELECT * FROM ledger_entries ORDER BY member_id, seq")
    finally:
        os.kill(hung.pid, signal.SIGCONT)
    late = said(hung)
    assert late["refused"] >= 1 or "away" in late["statuses"], "its write came too late"
    assert rows("SELECT * FROM ledger_entries ORDER BY member_id, seq") == before
    each = Counter(str(row["member_id"]) for row in before if row["kind"] in ("expiry", "maturity"))
    assert each == dict.fromkeys(members, 3)
    assert {tuple(figures(one)["leaves"]) for one in members} == {(0, 0, 0, 0)}
    assert_clean()
