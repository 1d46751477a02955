"""`loyalty import` and `loyalty demo`: a shop's own history, or a year that shows what the engine does."""

from pathlib import Path
from typing import cast, get_args

import click

from loyalty_engine.cli.output import answer_totals, engine, is_json, json_option, watching
from loyalty_engine.services import importing, showcase
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.importing import Request
from loyalty_engine.services.imports import reconciling
from loyalty_engine.services.imports.sinks import Kind
from loyalty_engine.services.showcase import Chosen

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("kind", type=click.Choice(get_args(Kind)))
@click.argument("file", type=FILE)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows go.")
@click.option("--store", help="The store of purchases whose rows don't name one.")
@click.option(
    "--expect", multiple=True, metavar="WALLET=POINTS", help="What a file of balances must come to; for each wallet."
)
@json_option
@click.pass_context
def import_(
    ctx: click.Context, kind: str, file: Path, rejects: Path | None, store: str | None, expect: tuple[str, ...]
) -> None:
    """Bring in FILE (NDJSON, CSV or parquet), whose rows are purchases, members, products or balances.

    It can be repeated, and goes on where it was cut off: nothing is added twice. Refused rows, and
    those of purchases that are kept but can't be booked yet, go to a reject file (FILE.rejects.ndjson), and then the exit
    code is 1.
    """
    rejects = rejects or file.with_name(f"{file.name}.rejects.ndjson")
    if not rejects.parent.is_dir():
        raise click.UsageError(f"--rejects {rejects}: there is no folder {rejects.parent}.")
    expected = _expected(kind, expect)
    with engine():
        request = Request(cast(Kind, kind), file, rejects, store, expected)
        totals = importing.bring_in(command_line("import"), request, watching())
    differences = reconciling.differences(totals.accounted, expected) if expected else ()
    told = {"differences": [one.as_json() for one in differences]} if expected else {}
    unbooked = {"refused": totals.rejected, "kept, but not booked": totals.waiting.total()}
    answer_totals(totals, rejects=str(rejects) if any(unbooked.values()) else None, **told)
    if not is_json():
        for what, count in unbooked.items():
            if count:
                click.echo(f"loyalty: {what}: {count:,}; the reasons are in {rejects}", err=True)
        for one in differences:
            click.echo(f"loyalty: the control totals differ: {one}", err=True)
    if any(unbooked.values()) or differences:
        ctx.exit(1)


def _expected(kind: str, given: tuple[str, ...]) -> dict[str, int]:
    """Read `--expect beans=1000`, of which each wallet has one."""
    if given and kind != "balances":
        raise click.UsageError("--expect is for balances.")
    expected: dict[str, int] = {}
    for one in given:
        wallet, _, points = one.partition("=")
        if not wallet or not (points.isascii() and points.isdigit() and len(points) < 19) or wallet in expected:
            raise click.UsageError(f"--expect {one}: write WALLET=POINTS, each wallet once, such as beans=125000.")
        expected[wallet] = int(points)
    return expected


@click.command()
@click.option("--households", type=click.IntRange(1), help="Only the first so many of 2,469 households.")
@click.option("--weeks", type=click.IntRange(1), help="Only the last so many of 53 weeks.")
@json_option
def demo(households: int | None, weeks: int | None) -> None:
    """Bring in a year of a grocer's receipts, ending yesterday; what is there already is left as it is."""
    with engine():
        totals = showcase.bring_in(command_line("demo"), Chosen(households, weeks), watching(), engine)
    answer_totals(totals)
