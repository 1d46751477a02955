"""Which nightly run has been done for which day, by whom it is being done, and how far it is.

A run is claimed with a lease by a conditional UPDATE. The lease only spares work: that nothing is done twice follows from
the data that a run looks at. `position` is never NULL while somebody works: NULL says that the run has to begin anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import job_runs as t


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a job for a day; `counts` is JSON."""

    job: str
    day: date
    status: str
    lease_owner: str | None
    lease_until: datetime | None
    position: str | None
    counts: str
    version: int | None
    started_at: datetime
    finished_at: datetime | None


_COLUMNS: Final = [t.c[name] for name in Run.__slots__]
_JOB: Final = sa.bindparam("of_job", type_=t.c.job.type)
_DAY: Final = sa.bindparam("of_day", type_=t.c.day.type)
_OWNER: Final = sa.bindparam("owner", type_=t.c.lease_owner.type)
_NOW: Final = sa.bindparam("now", type_=t.c.started_at.type)
_UNTIL: Final = sa.bindparam("until", type_=t.c.lease_until.type)
_THIS: Final = (t.c.job == _JOB, t.c.day == _DAY)
_MINE: Final = (*_THIS, t.c.lease_owner == _OWNER, t.c.status == "running")

_open: Final = statements.insert_once(t, "job", "day", "status", "counts", "started_at")
_claim: Final = Statement(
    t.update()
    .where(
        *_THIS,
        t.c.status == "running",
        sa.or_(
            t.c.lease_until.is_(None),
            t.c.lease_until < _NOW,
            t.c.lease_until > sa.bindparam("absurd", type_=t.c.lease_until.type),
            t.c.lease_owner == _OWNER,
        ),
    )
    .values(
        lease_owner=_OWNER,
        lease_until=_UNTIL,
        position=sa.func.coalesce(t.c.position, ""),
        version=sa.bindparam("version", type_=sa.Integer),
        # What is begun anew looks at everything again.
        started_at=sa.case((t.c.position.is_(None), _NOW), else_=t.c.started_at),
    )
)
_keep: Final = Statement(
    t.update()
    .where(*_MINE, t.c.position == sa.bindparam("before", type_=sa.Text))
    .values(
        lease_until=_UNTIL,
        position=sa.bindparam("position", type_=sa.Text),
        counts=sa.bindparam("counts", type_=sa.Text),
    )
)
_finish: Final = Statement(
    t.update()
    .where(*_MINE, t.c.position == sa.bindparam("before", type_=sa.Text))
    .values(status="done", lease_until=None, finished_at=_NOW)
)
_release: Final = Statement(t.update().where(*_MINE).values(lease_owner=None, lease_until=None))
_one: Final = Statement(sa.select(*_COLUMNS).where(*_THIS))
_note: Final = statements.upsert(
    t, **{name: statements.take(name) for name in ("counts", "finished_at", "lease_owner")}
)


def claim(
    connection: sa.Connection, job: str, day: date, owner: str, now: datetime, lease: timedelta, version: int
) -> Run | None:
    """Take a run for as long as the lease, opening it where it is new; None where it is done, or somebody else has it.

    A lease that ends far later than one taken now would is none: the clock was set back since it was taken.
    """
    _open.run(connection, job=job, day=day, status="running", counts="{}", started_at=now)
    times = {"now": now, "until": now + lease, "absurd": now + 2 * lease}
    taken = _claim.run(connection, of_job=job, of_day=day, owner=owner, version=version, **times)
    return find(connection, job, day) if taken else None


def find(connection: sa.Connection, job: str, day: date) -> Run | None:
    """Return a run, or None."""
    row = _one.one(connection, of_job=job, of_day=day)
    return Run(*row) if row else None


def keep(connection: sa.Connection, run: Run, owner: str, position: str, counts: str, until: datetime) -> bool:
    """Note how far a run is; False where it is no longer `owner`'s, or has to begin anew."""
    kept = _keep.run(
        connection,
        of_job=run.job,
        of_day=run.day,
        owner=owner,
        before=run.position,
        position=position,
        counts=counts,
        until=until,
    )
    return kept == 1


def finish(connection: sa.Connection, run: Run, owner: str, now: datetime) -> bool:
    """Note that a run is done; False where it is no longer `owner`'s, or has to begin anew."""
    done = _finish.run(connection, of_job=run.job, of_day=run.day, owner=owner, before=run.position, now=now)
    return done == 1


def release(connection: sa.Connection, run: Run, owner: str) -> None:
    """Leave a run to whoever comes next."""
    _release.run(connection, of_job=run.job, of_day=run.day, owner=owner)


def reopen(connection: sa.Connection, jobs: Collection[str], since: date) -> int:
    """Let the newest run of each of these jobs begin anew, where its day is `since` or later; return how many."""
    other = t.alias("other")
    newest = sa.select(sa.func.max(other.c.day)).where(other.c.job == t.c.job).correlate(t).scalar_subquery()
    again = t.update().where(t.c.job.in_(tuple(jobs)), t.c.day >= since, t.c.day == newest, t.c.position.is_not(None))
    return connection.execute(again.values(status="running", position=None, finished_at=None)).rowcount


def unfinished(connection: sa.Connection, job: str, through: date) -> list[date]:
    """Return the days up to `through` whose run was begun and isn't done, the first one first."""
    query = sa.select(t.c.day).where(t.c.job == job, t.c.status == "running", t.c.day <= through)
    return list(connection.scalars(query.order_by(t.c.day)))


def newest_day(connection: sa.Connection, job: str) -> date | None:
    """Return the latest day for which a run was begun; None where there is none."""
    found: date | None = connection.scalar(sa.select(sa.func.max(t.c.day)).where(t.c.job == job))
    return found


def newest_done(connection: sa.Connection, job: str, through: date = date.max) -> Run | None:
    """Return the latest run up to a day that is done; None where there is none."""
    query = sa.select(*_COLUMNS).where(t.c.job == job, t.c.status == "done", t.c.day <= through)
    row = connection.execute(query.order_by(t.c.day.desc()).limit(1)).first()
    return Run(*row) if row else None


def last_noted(connection: sa.Connection, job: str, through: date) -> datetime | None:
    """Return when a job that runs every minute was last done on a day up to `through`; None where it never was."""
    query = sa.select(t.c.finished_at).where(t.c.job == job, t.c.day <= through).order_by(t.c.day.desc())
    found: datetime | None = connection.scalar(query.limit(1))
    return found


def note(connection: sa.Connection, job: str, day: date, counts: str, now: datetime, owner: str | None) -> None:
    """Note what a job did that runs every minute, and needs no lease; `owner` is who did it last."""
    values = {"job": job, "day": day, "status": "done", "position": "", "counts": counts}
    rest = {"lease_owner": owner, "lease_until": None, "version": None, "started_at": now, "finished_at": now}
    _note.run(connection, **values, **rest)


def version_before(connection: sa.Connection, job: str, day: date) -> int | None:
    """Return the version of the programme that judged the latest run of a job that is done, before a day."""
    query = sa.select(t.c.version).where(t.c.job == job, t.c.day < day, t.c.status == "done").order_by(t.c.day.desc())
    version: int | None = connection.scalar(query.limit(1))
    return version
