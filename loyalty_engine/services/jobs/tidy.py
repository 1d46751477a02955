"""The nightly clean-up as a job: some rows at a time, with what was forgotten counted by its kind."""

from collections.abc import Generator

from loyalty_engine.services import tidying
from loyalty_engine.services.jobs.kinds import Job, Night, Step


def _steps(_night: Night, _after: str) -> Generator[Step]:
    """Begin anew after a stop: what was forgotten is not there any more."""
    for what, done in tidying.tidying():
        yield Step(what, done, counts={what: done})


TIDY = Job("tidy", _steps)
