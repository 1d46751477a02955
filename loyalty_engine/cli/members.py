"""`loyalty members`: what members have or had on any past day, who is about to lose a level, and who leaves."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click

from loyalty_engine.cli.days import DAY
from loyalty_engine.cli.output import answer, engine, is_json, json_option, say_json
from loyalty_engine.services import as_of as past
from loyalty_engine.services import at_risk as risk
from loyalty_engine.services import balances as present
from loyalty_engine.services import erasure as erasing
from loyalty_engine.services import exporting, statement_sheets, statements
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.members import checked_id

AS_OF = click.option("--as-of", type=DAY, help="At the end of which past day, in the programme's time zone.")
FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group()
def members() -> None:
    """Look at what members have, and let them go."""


@members.command()
@click.argument("member")
@AS_OF
@json_option
def balances(member: str, as_of: date | None) -> None:
    """Show the points of MEMBER (an id) in every wallet, now or as of a day."""
    with engine():
        member_id = checked_id(member)
        told = past.balances(member_id, as_of) if as_of else json.loads(present.balances(member_id))
    if is_json():
        say_json(told)
        return
    for one in told["balances"]:
        figures = ", ".join(f"{name} {one[name]:,}" for name in ("available", "pending", "held", "debt"))
        ends = one["next_expiry"]
        click.echo(f"{one['wallet']}: {figures}" + (f"; {ends['points']:,} lapse on {ends['on']}" if ends else ""))


@members.command()
@click.argument("member")
@AS_OF
@json_option
def lots(member: str, as_of: date | None) -> None:
    """List the open lots of MEMBER (an id), soonest expiry first, now or as of a day."""
    with engine():
        told = past.lots(checked_id(member), as_of)
    if is_json():
        say_json(told)
        return
    for one in told["lots"]:
        end = f"good through {one['expires_on']}" if one["expires_on"] else "without an end of its own"
        click.echo(
            f"{one['wallet']}: {one['remaining']:,} of {one['granted']:,}, {one['state']}, held {one['held']:,}, "
            f"opened {one['opened_on']}, {end}"
        )


@members.command()
@click.argument("member")
@AS_OF
@json_option
def tier(member: str, as_of: date | None) -> None:
    """Show the level of MEMBER (an id), now or as of a day."""
    with engine():
        member_id = checked_id(member)
        told = past.tier(member_id, as_of) if as_of else present.tier(member_id)
    since = f" since {told['since']}" if told.get("since") else ""
    review = f", reviewed on {told['review_on']}" if told.get("review_on") else ""
    answer(told, f"{told['level'] or 'no level'}{since}{review}")


@members.command()
@click.argument("member")
@click.option("--from", "first", type=DAY, required=True, help="The first day.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
@click.option("--csv", "file", type=FILE, help="Write it into this file.")
@click.option("--language", default="en", show_default=True, help="en or zh.")
@json_option
def statement(member: str, first: date, last: date, file: Path | None, language: str) -> None:
    """Show the points of MEMBER (an id) over a period: opening, every entry, closing."""
    with engine():
        told = statements.statement(command_line("members-statement"), checked_id(member), first, last, language)
    if file:
        file.write_bytes(statement_sheets.as_csv(told))
    if is_json():
        say_json(statements.as_json(told))
        return
    for one in () if file else told.wallets:
        _tell(one)


def _tell(one: Any) -> None:
    click.echo(f"{one.name}: {one.opening.outstanding:,}")
    for line in one.lines:
        about = f" ({line.about})" if line.about else ""
        click.echo(f"  {line.on}  {line.points:>+10,}  {line.balance:>10,}  {line.said}{about}")
    click.echo(f"  {one.closing.outstanding:,} at the end")


@members.command()
@click.argument("member")
@click.option("--out", "file", type=FILE, help="Write it into this file.")
def export(member: str, file: Path | None) -> None:
    """Write everything that is kept of MEMBER (an id) as one JSON object. It is logged."""
    with engine():
        told = exporting.export(command_line("members-export"), checked_id(member))
    text = json.dumps(told, ensure_ascii=False, default=str, indent=1)
    click.echo(text) if file is None else file.write_text(text + "\n", encoding="utf-8")


@members.command()
@click.argument("member")
@click.option("--reason", required=True, help="Why: it is kept for ever, so leave personal data out.")
@json_option
def erase(member: str, reason: str) -> None:
    """Erase MEMBER (an id) for good: nothing personal stays, points and vouchers are forfeited."""
    with engine():
        told = json.loads(erasing.erase(command_line("members-erase"), checked_id(member), reason).body)
    gone = ", ".join(f"{one['wallet']} {one['points']:,}" for one in told["points"]) or "none"
    answer(told, f"Erased. Points forfeited: {gone}. Vouchers cancelled: {told['vouchers']:,}.")


@members.command("at-risk")
@click.option("--days", type=click.IntRange(1, risk.MAX_DAYS), default=30, show_default=True, help="How soon.")
@json_option
def at_risk(days: int) -> None:
    """List the members who miss something to keep their level at a review within so many days.

    One line each: the member, the level, what is missing of what, and the day by which it has to be there.
    """
    with engine():
        found = risk.everybody(command_line("members-at-risk"), days)
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
