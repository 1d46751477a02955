"""How each nightly job stands: the last day that was done, what it did, when the next is due, and by how much it is late."""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.jobs import registry
from loyalty_engine.services.jobs.days import start_of
from loyalty_engine.services.jobs.kinds import Counts, EveryMinute
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import job_runs
from loyalty_engine.store.session import reading
from rules.periods import business_day

A_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job; all of it None for one that was never run."""

    job: str
    last_day: date | None
    finished_at: datetime | None
    counts: Counts
    running_day: date | None
    """The first day that was begun and isn't done."""
    next_due_at: datetime | None
    late_seconds: int | None
    worker: str | None
    """Who did it last."""


def all_jobs() -> tuple[JobStatus, ...]:
    """Return how every job stands, in the order of the night."""
    with reading() as connection:
        now = clock.now()
        zone = plan_for(connection, now).programme.time_zone
        today = business_day(now, zone)
        nightly = (_nightly(connection, job.name, now, zone) for job in registry.NIGHTLY)
        return (*nightly, *(_every_minute(connection, job, now, today) for job in registry.EVERY_MINUTE))


def _nightly(connection: sa.Connection, name: str, now: datetime, zone: tzinfo) -> JobStatus:
    begun = job_runs.unfinished(connection, name, date.max)
    done = job_runs.newest_done(connection, name)
    day = begun[0] if begun else done.day + timedelta(days=1) if done else None
    return _status(name, done, begun[0] if begun else None, start_of(day, zone) if day else None, now)


def _every_minute(connection: sa.Connection, job: EveryMinute, now: datetime, today: date) -> JobStatus:
    done = job_runs.newest_done(connection, job.name, today) or job_runs.newest_done(connection, job.name)
    if done is None or done.finished_at is None or not job.is_on():
        return _status(job.name, done, None, None, now)
    found, ahead = _status(job.name, done, None, done.finished_at + A_MINUTE, now), done.finished_at - now
    # What was done in the future was done before the clock was set back: nothing is known of since then.
    return replace(found, late_seconds=int(ahead.total_seconds())) if ahead > A_MINUTE else found


def _status(
    name: str, done: job_runs.Run | None, running: date | None, due: datetime | None, now: datetime
) -> JobStatus:
    counts = json.loads(done.counts) if done else {}
    late = None if due is None else max(0, int((now - due).total_seconds()))
    day, finished, worker = (done.day, done.finished_at, done.lease_owner) if done else (None, None, None)
    return JobStatus(name, day, finished, counts, running, due, late, worker)
