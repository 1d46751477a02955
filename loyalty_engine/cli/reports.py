"""`loyalty report`: what the programme owes in points, how that moved, and how good a forecast of it would have been."""

from datetime import date
from pathlib import Path
from typing import Final

import click

from loyalty_engine.cli.days import DAY
from loyalty_engine.cli.output import engine, is_json, json_option, say_json
from loyalty_engine.services import liability as service
from loyalty_engine.services import report_sheets
from loyalty_engine.services.actors import command_line

FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)
CSV = click.option("--csv", "file", type=FILE, help="Write it into this file.")


@click.group()
def report() -> None:
    """Report on points: what is owed, and what became of them."""


@report.command()
@click.option("--as-of", type=DAY, help="At the end of which day; today where left out.")
@CSV
@json_option
def liability(as_of: date | None, file: Path | None) -> None:
    """Outstanding points by wallet and age, what of them will lapse, and what is owed."""
    with engine():
        told = service.liability(command_line("report-liability"), as_of)
    if file:
        file.write_bytes(report_sheets.liability_csv(told))
    said = report_sheets.liability_json(told)
    if is_json():
        say_json(said)
        return
    for one in said["wallets"]:
        owed = f"{one['owed']} {told.currency}" if one["owed"] is not None else "no worth is said"
        click.echo(
            f"{one['wallet']} on {told.as_of}: {one['points']:,} points, of which {one['breakage_points']:,} are"
            f" expected to lapse; owed: {owed}; debt of members: {one['figures']['debt']:,}"
        )
        for row in one["ages"]:
            worth = f"  {row['owed']:>14}" if row["owed"] is not None else ""
            click.echo(
                f"  age in months {row['age_months']:>3}  {row['points']:>14,}  {row['breakage_points']:>12,}{worth}"
            )


@report.command()
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@CSV
@json_option
@click.pass_context
def movement(ctx: click.Context, first: date, last: date, file: Path | None) -> None:
    """How outstanding points moved over a period, to the point. Exit code 1 when it doesn't add up."""
    with engine():
        told = service.movement(command_line("report-movement"), first, last)
    if file:
        file.write_bytes(report_sheets.movement_csv(told))
    if is_json():
        say_json(report_sheets.movement_json(told))
    for one in () if is_json() else told.wallets:
        click.echo(f"{one.wallet}, {told.first} to {told.last}")
        lines = {"opening": one.opening.outstanding, **one.lines, "closing": one.closing.outstanding}
        for name, points in (lines | {"check": one.check}).items():
            click.echo(f"  {name.replace('_', ' '):<16}{points:>16,}")
    ctx.exit(1 if any(one.check for one in told.wallets) else 0)


@report.command()
@click.option("--months", type=click.IntRange(1, 1_200), required=True, help="How many months the forecast may know.")
@json_option
def forecast(months: int) -> None:
    """Forecast what lapses from the first months of history alone, and compare it with what did."""
    with engine():
        told = service.compared(command_line("report-forecast"), months)
    if is_json():
        say_json(report_sheets.compared_json(told))
        return
    click.echo(f"History {told.history_from} to {told.cut}, forecast through {told.through} ({told.months} months)")
    for one in told.wallets:
        percent = "" if one.error_percent is None else f" ({one.error_percent}%)"
        click.echo(
            f"{one.wallet}: of {one.outstanding:,} points outstanding then, {one.forecast:,} were forecast to lapse and"
            f" {one.lapsed:,} did; error {one.error:+,} points{percent}"
        )
