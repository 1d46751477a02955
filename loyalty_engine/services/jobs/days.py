"""Which days a nightly run is still to be run for, and at which instant a day begins in the programme's zone."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import job_runs

LOOKS_BACK: Final = timedelta(days=366)
"""How far missed days are made up one by one; a run of any day finds all that became due before it as well."""


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a day, in UTC; where the clock skips midnight, the one at which it does."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def missing(connection: sa.Connection, job: str, through: date) -> list[date]:
    """Return the days up to `through` that were missed or not finished, the first one first.

    A job that was never run has missed none: its first run does whatever is due by then.
    """
    newest = job_runs.newest_day(connection, job)
    begun = job_runs.unfinished(connection, job, through) if newest is not None else []
    return begun + following(newest, through)


def following(newest: date | None, through: date) -> list[date]:
    """Return the days after the newest one that was begun, up to `through`; that one alone where none was begun."""
    if newest is None:
        return [through]
    first = max(newest + timedelta(days=1), through - LOOKS_BACK)
    return [first + timedelta(days=more) for more in range((through - first).days + 1)]
