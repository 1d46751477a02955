"""The nightly reviews of levels as a job: batch by batch, judged by the version in force when the day began."""

from collections.abc import Generator

from loyalty_engine.services.jobs.kinds import MEMBERS_AT_ONCE, MEMBERS_AT_ONCE_ON_SQLITE, Job, Night, Step
from loyalty_engine.services.reviews import reviewing
from loyalty_engine.store import job_runs
from loyalty_engine.store.session import has_one_writer, reading

_NAME = "reviews"


def _steps(night: Night, _after: str) -> Generator[Step]:
    """Begin anew after a stop: what was reviewed is not due any more."""
    with reading() as connection:
        last_version = job_runs.version_before(connection, _NAME, night.day)
    size = MEMBERS_AT_ONCE_ON_SQLITE if has_one_writer() else MEMBERS_AT_ONCE
    steps = reviewing(night.day, last_version, batch=size, now=night.at)
    while True:
        try:
            looked_at = next(steps)
        except StopIteration as end:
            yield Step("done", counts=end.value.outcomes)
            return
        yield Step("reviewing", looked_at)


REVIEWS = Job(_NAME, _steps)
