"""Runs a job for a day: claimed with a lease, in steps that can be stopped between, begun again where it was left.

Who runs late, after somebody else took its lease, is told so in the transaction of its next step, which is then undone.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager as Context
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Final, Literal

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.jobs import reopening
from loyalty_engine.services.jobs.kinds import Counts, Job, Night, Step
from loyalty_engine.store import job_runs
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.job_runs import Run
from loyalty_engine.store.session import StillInWork, in_transaction, reading

LEASE: Final = timedelta(minutes=5)
_TRIES: Final = 3

Status = Literal["done", "already", "busy", "stopped"]
"""`already`: the day was done before. `busy`: somebody else is at it. `stopped`: it was asked to, between two steps."""
Advance = Callable[[int], None]


def _unseen(_what: str, _total: int | None) -> Context[Advance]:
    return nullcontext(lambda done: None)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who watches a run: is shown how it gets on, and may stop it."""

    progress: Callable[[str, int | None], Context[Advance]] | None = None
    stopping: Callable[[], bool] = lambda: False
    owner: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a run."""

    job: str
    day: date
    status: Status
    counts: Counts


class _LeaseLost(Exception):
    """Somebody else has the run now, or it has to begin anew."""


def run_day(job: Job, night: Night, watch: Watch) -> Done:
    """Run a job for a day, unless it is done or somebody else is at it."""
    while True:
        run = in_transaction(
            lambda connection: job_runs.claim(
                connection, job.name, night.day, watch.owner, clock.now(), LEASE, night.plan.version
            )
        )
        if run is None:
            return _not_ours(job, night.day)
        try:
            return _work(job, night, run, watch)
        except _LeaseLost:
            continue


def _not_ours(job: Job, day: date) -> Done:
    with reading() as connection:
        run = job_runs.find(connection, job.name, day)
    assert run is not None, "a run that can't be claimed is there"
    return Done(job.name, day, "already" if run.status == "done" else "busy", json.loads(run.counts))


def _work(job: Job, night: Night, run: Run, watch: Watch) -> Done:
    progress, after = watch.progress or _unseen, run.position or ""
    total = job.total(night, after) if watch.progress else None
    with progress(job.name, total) as advance, closing(job.steps(night, after)) as steps:
        for step in steps:
            run = _committed(run, step, watch.owner)
            advance(step.size)
            if watch.stopping():
                in_transaction(partial(job_runs.release, run=run, owner=watch.owner))
                return Done(job.name, night.day, "stopped", json.loads(run.counts))
    in_transaction(partial(_finish, run=run, owner=watch.owner))
    return Done(job.name, night.day, "done", json.loads(run.counts))


def _committed(run: Run, step: Step, owner: str) -> Run:
    """Do a step and note it in one transaction; a member that is locked for long is waited for a few times."""
    for _ in range(_TRIES - 1):
        try:
            return in_transaction(partial(_do, run=run, step=step, owner=owner))
        except StillInWork:
            continue
    return in_transaction(partial(_do, run=run, step=step, owner=owner))


def _do(connection: sa.Connection, run: Run, step: Step, owner: str) -> Run:
    done = step.work(connection) if step.work else step.counts
    before = json.loads(run.counts)
    counts = json.dumps({name: before.get(name, 0) + done.get(name, 0) for name in {**before, **done}})
    if not job_runs.keep(connection, run, owner, step.position, counts, clock.now() + LEASE):
        raise _LeaseLost
    return replace(run, position=step.position, counts=counts)


def _finish(connection: sa.Connection, run: Run, owner: str) -> None:
    if not job_runs.finish(connection, run, owner, clock.now()):
        raise _LeaseLost
    if any(json.loads(run.counts).values()):
        reopening.after_run(connection, run.job, run.day)
