"""Whether the nightly runs saw all that was due on the days that they say are done: invariant 8."""

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.auditing.figures import note
from loyalty_engine.services.auditing.report import Progress, Report, Rule
from loyalty_engine.services.jobs.kinds import Night
from loyalty_engine.services.jobs.lots import EXPIRY, PENDING, lapsing
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.store import job_runs
from loyalty_engine.store.audits import checks, lots
from loyalty_engine.store.audits.checks import Check
from rules.errors import NotFound


def look(connection: sa.Connection, report: Report, progress: Progress) -> None:
    """Note every lot that the last run of its kind should have changed."""
    due = _checks(connection)
    report.looked_at["runs"] = len(due)
    with progress("runs", len(due)) as advance:
        for check in due:
            for row in checks.run(connection, check):
                note(report, Rule(check.invariant, check.table, check.says), check, row)
            advance(1)


def _checks(connection: sa.Connection) -> list[Check]:
    found = []
    if (run := _newest(connection, PENDING.name)) is not None:
        found.append(lots.not_matured(run.day, run.started_at))
    run = _newest(connection, EXPIRY.name)
    if run is not None and run.version is not None:
        try:
            night = Night(run.day, run.started_at, plan_of(connection, run.version))
        except NotFound:
            return found  # the version is gone, and another check says so
        found.append(lots.not_lapsed(lapsing(night), run.started_at))
    return found


def _newest(connection: sa.Connection, job: str) -> job_runs.Run | None:
    """Return the newest run that is done; None while the clock is behind it: what was booked since then looks older."""
    run = job_runs.newest_done(connection, job)
    return run if run is not None and run.started_at <= clock.now() else None
