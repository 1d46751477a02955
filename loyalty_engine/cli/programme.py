"""`loyalty programme`: a programme's document is looked through, or becomes the next version."""

from datetime import datetime
from pathlib import Path

import click

from loyalty_engine.cli.output import answer, engine, is_json, json_option, say_json, settings
from loyalty_engine.config.settings import sqlite_path
from loyalty_engine.services import publishing
from loyalty_engine.services.actors import command_line
from rules.errors import Busy, Problem

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def programme() -> None:
    """Check and publish programmes."""


@programme.command()
@click.argument("file", type=FILE)
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path) -> None:
    """Say everything that keeps FILE (YAML or JSON) from being published, each problem with its place.

    Where there is no database yet, the document is checked by itself.
    """
    problems = _problems(file.read_bytes())
    if is_json():
        say_json({"problems": problems})
    elif not problems:
        click.echo(f"{file}: nothing is wrong, and every example holds.")
    for problem in () if is_json() else problems:
        click.echo(f"{file}: {problem}", err=True)
    if problems:
        ctx.exit(1)


def _problems(text: bytes) -> tuple[Problem, ...]:
    embedded = sqlite_path(settings().database_url)
    if embedded is not None and not embedded.exists():
        return publishing.check_alone(text)
    try:
        with engine():
            return publishing.check(text)
    except Busy as busy:
        if busy.code != "database_not_set_up":
            raise
        return publishing.check_alone(text)


@programme.command()
@click.argument("file", type=FILE)
@click.option("--at", "effective_at", help="From when, such as 2026-12-01T00:00+08:00; at once where left out.")
@click.option("--reason", required=True, help="Why; it stays with the version.")
@json_option
def publish(file: Path, effective_at: str | None, reason: str) -> None:
    """Publish FILE as the next version, which never changes; the first one reaches back without limit."""
    at = _instant(effective_at) if effective_at else None
    with engine():
        version = publishing.publish(command_line("programme-publish"), file.read_bytes(), at, reason)
    since = version.effective_at.isoformat() if version.effective_at else "the beginning of time"
    answer(
        {"version": version.version, "effective_at": version.effective_at}, f"Version {version.version}, from {since}."
    )


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("must be a time such as 2026-12-01T00:00+08:00", param_hint="--at") from None
    if at.tzinfo is None:
        raise click.BadParameter("must end in an offset such as +08:00", param_hint="--at")
    return at
