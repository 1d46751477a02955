"""Runs what the days call for: one job by name, or whole nights, each missed day in its turn."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from loyalty_engine import clock
from loyalty_engine.services.jobs import registry
from loyalty_engine.services.jobs.days import missing, start_of
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, Night
from loyalty_engine.services.jobs.runs import Done, Watch, run_day
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import job_runs
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Invalid, NotFound
from rules.periods import business_day

A_CALL = 500


def today() -> date:
    """Return the business day in the programme's zone."""
    with reading() as connection:
        now = clock.now()
        return business_day(now, plan_for(connection, now).programme.time_zone)


def run(name: str, as_of: date | None = None, watch: Watch | None = None) -> list[Done]:
    """Run one job, or with `night` all of a night in their order, for each day up to `as_of` that is missing.

    A day before today is replayed: its entries are booked at the instant at which it began. Without `as_of`, and for
    today, they are booked now, also those of days that were missed: only now anybody sees them. Raises `Invalid` for a
    day to come, and `NotFound` for a job that isn't there.
    """
    return list(running(name, as_of, watch))


def running(name: str, as_of: date | None = None, watch: Watch | None = None) -> Iterator[Done]:
    """Do what `run` does, and yield what was done as it is: also what was, where something is raised in the end."""
    watch, present = watch or Watch(), today()
    as_of = as_of or present
    if as_of > present:
        raise Invalid("as_of_in_future", f"{as_of} has not begun yet; today is {present} in the programme's time zone.")
    for one in registry.EVERY_MINUTE:
        if one.name == name:
            yield called(one, watch.owner)
            return
    jobs = registry.NIGHTLY if name == "night" else tuple(job for job in registry.NIGHTLY if job.name == name)
    if not jobs:
        raise NotFound("job_not_found", f"There is no job {name}; there are: night, {', '.join(registry.NAMES)}.")
    yield from _nights(jobs, as_of, as_of < present, watch)


def _nights(jobs: Sequence[Job], as_of: date, replayed: bool, watch: Watch) -> Iterator[Done]:
    with reading() as connection:
        days = {job.name: missing(connection, job.name, as_of) for job in jobs}
    for job in jobs:
        if not days[job.name]:
            yield _done_before(job, as_of)
    broken: dict[str, Exception] = {}
    for night, job in _missed(jobs, days, replayed):
        if job.name in broken:
            continue
        try:
            done = run_day(job, night, watch)
        except Exception as error:  # noqa: BLE001 - one broken job must not keep the others from their night
            broken[job.name] = error
            continue
        yield done
        if done.status in ("busy", "stopped"):
            break
    for first in broken.values():
        raise first


def _missed(jobs: Sequence[Job], days: Mapping[str, Sequence[date]], replayed: bool) -> Iterator[tuple[Night, Job]]:
    """Yield every job of every night that is missing, a night after the other."""
    for day in sorted({day for some in days.values() for day in some}):
        night = _night(day, replayed)
        yield from ((night, job) for job in jobs if day in days[job.name])


def _done_before(job: Job, day: date) -> Done:
    with reading() as connection:
        found = job_runs.find(connection, job.name, day)
    return Done(job.name, day, "already", json.loads(found.counts) if found else {})


def _night(day: date, replayed: bool) -> Night:
    with reading() as connection:
        now = clock.now()
        began = start_of(day, plan_for(connection, now).programme.time_zone)
        return Night(day, began if replayed else now, plan_for(connection, began))


def every_minute(owner: str = "") -> Iterator[Done]:
    """Call the jobs that are called every minute, and yield what each did; `owner` is who does.

    The first error is raised when all of them were called: one that is broken must not stop the clock of the others.
    """
    broken: list[Exception] = []
    for job in registry.EVERY_MINUTE:
        if job.by_itself:
            continue
        try:
            done = called(job, owner)
        except Exception as error:  # noqa: BLE001 - raised below
            broken.append(error)
            continue
        yield done
    if broken:
        raise broken[0]


def called(job: EveryMinute, owner: str) -> Done:
    """Call a job until it finds nothing more to do, and note it; `owner` is who does."""
    now, done = clock.now(), 0
    while True:
        more = job.call(now, A_CALL)
        done += more
        if more < A_CALL:
            break
    return note(job, done, owner)


def note(job: EveryMinute, done: int, owner: str) -> Done:
    """Note that a job was called by `owner` and did so much; return what it has done on that day."""
    now, day = clock.now(), today()
    with reading() as connection:
        found = job_runs.find(connection, job.name, day)
    before = json.loads(found.counts).get("done", 0) if found else 0
    counts = {"done": before + done, **job.standing()}
    in_transaction(lambda connection: job_runs.note(connection, job.name, day, json.dumps(counts), now, owner or None))
    return Done(job.name, day, "done", counts)
