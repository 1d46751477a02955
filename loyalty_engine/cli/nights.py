"""`loyalty run`, `loyalty worker` and `loyalty status`: what happens by itself when a day begins."""

from datetime import date
from typing import Any

import click

from loyalty_engine.cli.output import engine, is_json, json_option, say_json, watching
from loyalty_engine.services import readiness
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.jobs import status as standing
from loyalty_engine.services.jobs.registry import NAMES
from loyalty_engine.services.jobs.runs import Done, Watch
from loyalty_engine.services.jobs.status import JobStatus

LATE_SECONDS = 3_600


@click.command("run")
@click.argument("job", type=click.Choice(("night", *NAMES)))
@click.option("--as-of", "as_of", metavar="DATE", help="The day, such as 2026-11-22; today where left out.")
@json_option
@click.pass_context
def run(ctx: click.Context, job: str, as_of: str | None) -> None:
    """Run JOB, or `night` for all of a night, for each day up to DATE that it was not run for.

    It can be stopped and run again, missed for days, and run by two at once: nothing is done twice. A day before today
    is replayed: what it books is booked at the instant at which the day began. Exit code 1 when somebody else is at it.
    """
    day = _day(as_of) if as_of else None
    with engine():
        readiness.check()
        found = nights.run(job, day, Watch(watching()))
    if is_json():
        say_json({"runs": [_json(done) for done in found]})
    else:
        for done in found:
            click.echo(_words(done))
    if any(done.status == "busy" for done in found):
        ctx.exit(1)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("must be a day such as 2026-11-22", param_hint="--as-of") from None


def _json(done: Done) -> dict[str, Any]:
    return {"job": done.job, "day": done.day, "status": done.status, "counts": done.counts}


def _words(done: Done) -> str:
    said = {
        "done": _counts(done.counts) or "nothing was due",
        "already": "was run before",
        "busy": "somebody else is at it",
        "stopped": f"stopped after {_counts(done.counts) or 'nothing'}",
    }
    return f"{done.job} {done.day}: {said[done.status]}"


def _counts(counts: Any) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)


@click.command("worker")
def worker() -> None:
    """Run what is due, every minute, until the process is told to end; any number of workers may run."""
    from loyalty_engine.worker import Worker

    with engine() as app:
        readiness.check()
        Worker(app).run()


@click.command("status")
@json_option
@click.pass_context
def status(ctx: click.Context) -> None:
    """Say how each job stands. Exit code 1 when one is late by more than an hour."""
    with engine():
        found = standing.all_jobs()
    if is_json():
        say_json({"jobs": found})
    else:
        for line in _table([_row(one) for one in found]):
            click.echo(line)
    if any((one.late_seconds or 0) > LATE_SECONDS for one in found):
        ctx.exit(1)


def _row(one: JobStatus) -> tuple[str, ...]:
    if one.last_day is None and one.running_day is None:
        return one.job, "never run", "", "", ""
    running = f"at work on {one.running_day}" if one.running_day else ""
    finished = f"{one.finished_at:%Y-%m-%d %H:%M}Z" if one.finished_at else ""
    late = f"late by {one.late_seconds // 3600}:{one.late_seconds // 60 % 60:02} h" if one.late_seconds else ""
    due = f"next due {one.next_due_at:%Y-%m-%d %H:%M}Z" if one.next_due_at else ""
    return one.job, f"{one.last_day or ''} {finished}".strip(), _counts(one.counts), running or due, late


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
