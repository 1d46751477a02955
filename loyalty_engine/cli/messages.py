"""`loyalty messages`: what members will be told and what it costs, what failed, and how to stop it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from loyalty_engine.cli.output import answer, engine, is_json, json_option, say_json
from loyalty_engine.services import message_forecast as forecasts
from loyalty_engine.services import message_previews as previews
from loyalty_engine.services import message_stopping as stopping
from loyalty_engine.services import message_views as views
from loyalty_engine.services.actors import command_line

LIMIT = click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
REASON = click.option("--reason", required=True, help="Why; it is in the audit log.")


@click.group()
def messages() -> None:
    """See what members are told, and stop it."""


@messages.command()
@click.option(
    "--days", type=click.IntRange(1, forecasts.MAX_DAYS), default=7, show_default=True, help="Today included."
)
@json_option
def plan(days: int) -> None:
    """What is sent in the coming days, by day and template, and what it costs at most."""
    with engine():
        told = forecasts.forecast(command_line("messages-plan"), days).as_json()
    if is_json():
        say_json(told)
        return
    for one in told["lines"]:
        click.echo(f"{one['on']}  {one['template']:<20} {one['kind']:<9} {_figures(one, told['currency'])}")
    click.echo(f"in all {'':<26} {_figures(told['total'], told['currency'])}")
    for one in told["paused"]:
        click.echo(f"paused: {one['what']} since {_at(one['since'])}: {one['reason']}")


def _figures(one: Mapping[str, Any], currency: str) -> str:
    cost = "" if one["cost"] is None else f"  {one['cost']} {currency}"
    return f"{one['messages']:>9,} messages {one['segments']:>9,} segments{cost}"


@messages.command("list")
@click.option("--status", type=click.Choice(views.STATUSES), default="failed", show_default=True)
@click.option("--template", help="Only those of this template.")
@LIMIT
@json_option
def listing(status: str, template: str | None, limit: int) -> None:
    """List messages in one state with their reasons, the last changed first."""
    with engine():
        found, following = views.listing(command_line("messages-list"), status, template, None, limit)
    _say_messages(found, following)


@messages.command()
@click.argument("member")
@LIMIT
@json_option
def of(member: str, limit: int) -> None:
    """List all that MEMBER (an id) was told or not told, and why, the last planned first."""
    with engine():
        found, following = views.of_member(command_line("messages-of"), member, None, limit)
    _say_messages(found, following)


def _say_messages(found: Sequence[Mapping[str, Any]], following: str | None) -> None:
    if is_json():
        say_json({"messages": found, "next": following})
        return
    for one in found:
        why = " ".join(word for word in (one["reason"], one["provider_error"]) if word)
        click.echo(
            f"{_at(one['send_at'])}  {one['message_id']}  {one['template']}  {one['channel']}  {one['status']}"
            + (f": {why}" if why else "")
        )
    if following:
        click.echo("There are more: ask for them with --limit.", err=True)


def _at(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


@messages.command()
@click.argument("template")
@click.option("--member", required=True, help="The id of the member who would get it.")
@json_option
def preview(template: str, member: str) -> None:
    """Show TEMPLATE as a member would get it, in each of its languages; nothing is sent."""
    with engine():
        told = previews.preview(command_line("messages-preview"), template, member, {})
    if is_json():
        say_json(told)
        return
    refused = f"; not sent: {told['refused']}" if told["refused"] else ""
    click.echo(f"{told['purpose']} by {told['channel']}, in the member's language: {told['language']}{refused}")
    for one in told["texts"]:
        size = f"{one['segments']} segments of {one['encoding']}" if one["encoding"] else f"subject: {one['subject']}"
        cost = f", {one['cost']}" if one["cost"] is not None else ""
        long = ", TOO LONG to be sent" if one["too_long"] else ""
        click.echo(f"[{one['language']}] {size}{cost}{long}\n  {one['text']}")


@messages.command()
@click.argument("what")
@REASON
@json_option
def pause(what: str, reason: str) -> None:
    """Hold the messages of a template, or `everything`, until it is resumed."""
    with engine():
        _, held = stopping.pause(command_line("messages-pause"), what, reason)
    answer({"what": what, "held": held}, f"{what} is paused; {held:,} messages are held.")


@messages.command()
@click.argument("what")
@json_option
def resume(what: str) -> None:
    """Let go on what was paused."""
    with engine():
        freed = stopping.resume(command_line("messages-resume"), what)
    answer({"what": what, "freed": freed}, f"{what} goes on; {freed:,} messages are free again.")


@messages.command()
@click.argument("message")
@REASON
@json_option
def cancel(message: str, reason: str) -> None:
    """Cancel MESSAGE (an id) where it has not begun to be sent."""
    with engine():
        stopping.cancel(command_line("messages-cancel"), message, reason)
    answer({"message_id": message, "status": "cancelled"}, f"{message} is not sent.")
