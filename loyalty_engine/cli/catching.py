"""Says what went wrong in one line instead of a traceback, and ends with the exit code that belongs to it."""

from typing import Any

import click

from loyalty_engine.cli.output import is_json, say_json
from loyalty_engine.services import problems
from rules.errors import Refusal


class Catching(click.Group):
    """The group of all commands."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            say_refusal(ctx, refusal)
            ctx.exit(1)


def say_refusal(ctx: click.Context, refusal: Refusal) -> None:
    """Say a refusal on stderr, field by field; with `--json` as the problem document on stdout."""
    if is_json(ctx):
        say_json(problems.problem(refusal)[1])
        return
    click.echo(f"loyalty: {refusal.detail}", err=True)
    for path, messages in refusal.errors.items():
        for message in messages:
            click.echo(f"  {path}: {message}", err=True)
