"""One worker process that runs a night in small steps, with a short lease; it may stop itself on its way.

Used by test_hung_workers: `python -m tests.faults.night_worker DATABASE_URL NOON BEGAN never|between|within`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from loyalty_engine import clock, create_app
from loyalty_engine.config import Settings
from loyalty_engine.services.jobs import kinds, nights, runs
from loyalty_engine.services.jobs.runs import Watch
from loyalty_engine.store import job_runs, session
from rules.errors import Refusal

LEASE_SECONDS = 3


class Stopping:
    """Stops the process at the second call: between two steps, or within one, with its locks held."""

    def __init__(self, real: Callable[..., Any], stops: bool) -> None:
        self.real, self.stops, self.calls, self.refused = real, stops, 0, 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls += 1
        if self.stops and self.calls == 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        done = self.real(*given, **named)
        self.refused += done is False
        return done


def main(database_url: str, noon: str, began: str, stops: str) -> None:
    """Run nights until everything is done, by a clock that all share; say what became of the runs, and how often a late write was refused."""
    session._HUNG_SECONDS = LEASE_SECONDS  # type: ignore[misc]
    runs.LEASE = timedelta(seconds=LEASE_SECONDS)  # type: ignore[misc]
    kinds.MEMBERS_AT_ONCE = 3  # type: ignore[misc]
    job_runs.keep = keep = Stopping(job_runs.keep, stops == "within")
    runs._committed = Stopping(runs._committed, stops == "between")
    found: list[str] = []
    with create_app(Settings(database_url=database_url, log_level="ERROR")).app_context():
        watch = Watch(owner=f"worker-{os.getpid()}")
        while not found or found[-1] in ("busy", "away"):
            with clock.frozen(datetime.fromisoformat(noon) + timedelta(seconds=time.monotonic() - int(began))):
                try:
                    found += [one.status for one in nights.run("night", watch=watch)]
                except Refusal:
                    found.append("away")
            time.sleep(0.1)
    sys.stdout.write(json.dumps({"refused": keep.refused, "statuses": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
