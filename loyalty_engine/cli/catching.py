"""Says what went wrong in one line instead of a traceback, and ends with the exit code that belongs to it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from loyalty_engine.cli.output import is_json, say_json
from loyalty_engine.services import problems
from rules.errors import Refusal


class Catching(click.Group):
    """The group of all commands, each loaded when it is asked for."""

    def __init__(self, *args: Any, commands_in: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._commands_in = commands_in

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._commands_in:
            return None
        module, _, name = self._commands_in[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"loyalty_engine.cli.{module}"), name)
        return command

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
