"""Lets nightly runs look again where something that was due before came in after them.

A till can't make such a thing: what it books is available, or lies ahead. An import of old purchases can, and so can runs
that are called by hand in another order than that of the night.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import job_runs

LOT_JOBS: Final = ("pending", "notices", "expiry")
"""The runs that look at lots, in the order in which one makes work for the next."""


def after_replay(connection: sa.Connection, lots: Sequence[Mapping[str, Any]]) -> None:
    """Let them look again at the days on which lots of a replayed past are due."""
    job_runs.reopen(connection, LOT_JOBS, min(_first_due(lot) for lot in lots))


def _first_due(lot: Mapping[str, Any]) -> date:
    first: date = lot["available_on"] if lot["state"] == "pending" else lot["opened_on"]
    ends: date | None = lot["expires_on"]
    return first if ends is None else max(first, ends + timedelta(days=1))


def after_run(connection: sa.Connection, job: str, day: date) -> None:
    """Let the later runs of the night look again, where one before them found something after they were done."""
    if job in LOT_JOBS[:-1]:
        job_runs.reopen(connection, LOT_JOBS[LOT_JOBS.index(job) + 1 :], day)
