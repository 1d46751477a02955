"""`loyalty webhooks`: how far the targets are, and telling one again."""

from dataclasses import asdict
from datetime import datetime

import click

from loyalty_engine.cli.output import answer, engine, is_json, json_option, say_json, table
from loyalty_engine.services import webhook_positions
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.webhook_positions import Position


@click.group()
def webhooks() -> None:
    """Who is told of what happens to members."""


@webhooks.command()
@json_option
@click.pass_context
def status(ctx: click.Context) -> None:
    """Say how far each target is. Exit code 1 where something was given up."""
    with engine():
        found = webhook_positions.positions()
    if is_json():
        say_json({"targets": [asdict(one) for one in found]})
    elif not found:
        click.echo("The settings name no target: LOYALTY_WEBHOOKS is not set.")
    else:
        table(("target", "where", "kinds", "waits for", "given up"), [_row(one) for one in found])
    ctx.exit(1 if any(one.parked_members for one in found) else 0)


def _row(one: Position) -> tuple[str, ...]:
    waits = f"{one.waiting_events:,} events of {one.waiting_members:,} members, the oldest {one.oldest_seconds} s old"
    gone = f"[red]{one.parked_members:,} members: {one.error}[/red]" if one.parked_members else ""
    return one.target, one.host, ", ".join(one.kinds), waits if one.waiting_events else "nothing", gone


@webhooks.command()
@click.option("--target", required=True, help="The name of the target in LOYALTY_WEBHOOKS.")
@click.option("--from", "since", required=True, metavar="TIME", help="Such as 2026-11-01T00:00Z.")
@json_option
def replay(target: str, since: str) -> None:
    """Let a target be told again of everything since TIME that is kept, and of what was given up.

    The events keep their ids and their order; the worker sends them.
    """
    at = _time(since)
    with engine():
        done = webhook_positions.replay(command_line("webhooks-replay"), target, at)
    told = {"target": done.target, "from": done.since, "members": done.members}
    answer(
        told,
        f"{done.target} is told again what happened to {done.members:,} members since {done.since:%Y-%m-%d %H:%M}Z.",
    )


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter("must be a time with its offset, such as 2026-11-01T00:00Z", param_hint="--from")
    return at
