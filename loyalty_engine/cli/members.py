"""`loyalty members`: what an operator asks about many members at once."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from loyalty_engine.cli.output import engine, is_json, json_option
from loyalty_engine.services import at_risk as service
from loyalty_engine.services.actors import command_line


@click.group()
def members() -> None:
    """Look at many members at once."""


@members.command("at-risk")
@click.option("--days", type=click.IntRange(1, service.MAX_DAYS), default=30, show_default=True, help="How soon.")
@json_option
def at_risk(days: int) -> None:
    """List the members who miss something to keep their level at a review within so many days.

    One line each: the member, the level, what is missing of what, and the day by which it has to be there.
    """
    with engine():
        found = service.everybody(command_line("members-at-risk"), days)
        if is_json():
            _say_as_one_object(days, found)
        else:
            _say_lines(days, found)


def _say_lines(days: int, found: Iterable[Mapping[str, Any]]) -> None:
    count = 0
    for one in found:
        count += 1
        click.echo(f"{one['member_id']}  {one['level']}  {one['missing']} {one['of']}  by {one['by']}")
    click.echo(f"{count:,} members at risk within {days} days.", err=True)


def _say_as_one_object(days: int, found: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object as it is found out: a million members would not fit into memory."""
    click.echo(f'{{"within_days":{days},"members":[', nl=False)
    for place, one in enumerate(found):
        click.echo("," * (place > 0) + json.dumps(one), nl=False)
    click.echo("]}")
