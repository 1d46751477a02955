"""`loyalty run`, `loyalty worker` and `loyalty status`: what happens by itself when a day begins."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import click

from loyalty_engine.cli.output import engine, is_json, json_option, say_json, settings, table, watching
from loyalty_engine.services import health, readiness
from loyalty_engine.services.health import Health
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.jobs.registry import NAMES
from loyalty_engine.services.jobs.runs import Done, Watch
from loyalty_engine.services.jobs.status import JobStatus

_FIRST_YEAR: Final = 1900


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
        day = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("must be a day such as 2026-11-22", param_hint="--as-of") from None
    if day.year < _FIRST_YEAR:
        raise click.BadParameter(f"must be a day of {_FIRST_YEAR} or later", param_hint="--as-of")
    return day


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
    """Say how the worker's jobs, messages and webhooks stand.

    Exit code 1 when one is late by more than LOYALTY_LATE_SECONDS, an hour where that isn't set.
    """
    with engine():
        found = health.now()
    if is_json():
        say_json(found)
    else:
        table(
            ("job", "last day", "finished", "did", "next due", "late by", "worker"), [_row(one) for one in found.jobs]
        )
        for line in (*_messages(found), *_webhooks(found)):
            click.echo(line)
        click.secho(
            f"Late: {', '.join(found.late)}." if found.late else "Nothing is late.", fg="red" if found.late else "green"
        )
    ctx.exit(1 if found.late else 0)


def _row(one: JobStatus) -> tuple[str, ...]:
    running = f"at work on {one.running_day}" if one.running_day else ""
    if one.last_day is None:
        return one.job, "never run", "", "", running, "", ""
    finished = f"{one.finished_at:%Y-%m-%d %H:%M}Z" if one.finished_at else ""
    due = f"{one.next_due_at:%Y-%m-%d %H:%M}Z" if one.next_due_at else ""
    return (
        one.job, str(one.last_day), finished, _counts(one.counts), running or due, _late(one.late_seconds), one.worker or "",
    )  # fmt: skip


def _late(seconds: int | None) -> str:
    if not seconds:
        return ""
    said = f"{seconds // 3600}:{seconds // 60 % 60:02} h"
    return f"[red]{said}[/red]" if seconds > settings().late_seconds else said


def _messages(found: Health) -> Iterator[str]:
    if found.messages:
        yield f"Messages: {', '.join(f'{name} {_at_least(count)}' for name, count in found.messages.items())}."


def _at_least(count: int) -> str:
    return f"at least {count:,}" if count >= health.MOST_COUNTED else f"{count:,}"


def _webhooks(found: Health) -> Iterator[str]:
    for one in found.webhooks:
        waits = f"{one.waiting_events:,} events wait" if one.waiting_events else "told of everything"
        gone = f", {one.parked_members:,} members' were given up ({one.error})" if one.parked_members else ""
        yield f"Webhooks to {one.target}: {waits}{gone}."
