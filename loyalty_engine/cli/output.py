"""How commands answer: words for people on stdout, or with `--json` one JSON object; progress goes to stderr."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import click
import msgspec
from flask import Flask
from sqlalchemy.exc import ArgumentError

from loyalty_engine import create_app
from loyalty_engine.config import Settings, WrongSetting, from_environment
from loyalty_engine.services import database
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.imports.progress import Advance, progress
from loyalty_engine.services.imports.totals import Totals

F = TypeVar("F", bound=Callable[..., Any])
_JSON: Final = "loyalty_engine.cli.json"
_WIDE: Final = 240


def json_option(command: F) -> F:
    """Give a command the flag `--json`."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[_JSON] = value

    option = click.option(
        "--json", is_flag=True, expose_value=False, is_eager=True, callback=note, help="Answer with one JSON object."
    )
    return option(command)


def is_json(ctx: click.Context | None = None) -> bool:
    """Tell whether the running command was asked for JSON."""
    return bool((ctx or click.get_current_context()).meta.get(_JSON))


def say_json(told: Any) -> None:
    """Write one JSON object in a line."""
    click.echo(msgspec.json.encode(told).decode())


def answer(told: Mapping[str, Any], words: str) -> None:
    """Answer with `told` where JSON is wanted, else with `words`."""
    if is_json():
        say_json(told)
    else:
        click.echo(words)


def watching() -> Callable[[str, int | None], AbstractContextManager[Advance]]:
    """Return what shows how long work gets on: on stderr, and not at all with `--json`."""
    return partial(progress, stream=sys.stderr, quiet=is_json())


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show rows under their heads, with colours where there is a terminal; elsewhere each row is one line."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(shown)


def answer_totals(totals: Totals, **more: Any) -> None:
    """Answer with the control totals of an import."""
    if is_json():
        say_json(totals.to_json() | more)
        return
    width = max((len(label) for label, _ in totals.lines()), default=0)
    for label, figure in totals.lines():
        click.echo(f"{label:<{width}}  {figure}")


def settings() -> Settings:
    """Return the settings of the environment."""
    try:
        return from_environment()
    except WrongSetting as error:
        raise click.UsageError(str(error)) from None


@contextmanager
def engine() -> Iterator[Flask]:
    """Yield the application of the settings, in its context."""
    try:
        app = create_app(settings())
    except ArgumentError:
        raise click.UsageError(
            "LOYALTY_DATABASE_URL is not a database's URL: sqlite:///FILE or postgresql+psycopg://…"
        ) from None
    forget_everything()
    with app.app_context():
        try:
            yield app
        finally:
            database.disconnect()
