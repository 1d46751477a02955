"""`loyalty up`: from nothing to a served API that has something to show; the second time it just serves."""

import json
from collections.abc import Mapping
from typing import Any

import click

from loyalty_engine import clock
from loyalty_engine.cli import serving
from loyalty_engine.cli.output import answer_totals, engine, watching
from loyalty_engine.services import database, showcase
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.showcase import Chosen
from loyalty_engine.services.tokens import Issued

_CARD = "6300000000000012"


@click.command()
@click.option("--host", default=serving.HOST, show_default=True)
@click.option("--port", default=serving.PORT, show_default=True, type=click.IntRange(1, 65_535))
@click.option("--preset", default="retailer", show_default=True, help="The programme of a new installation.")
@click.option("--demo/--no-demo", default=True, help="Bring a year of receipts into an empty engine, or don't.")
@click.option("--households", type=click.IntRange(1), help="Of that year, only so many households.")
@click.option("--weeks", type=click.IntRange(1), help="Of that year, only the last weeks.")
@click.option("--serve/--no-serve", default=True, help="Serve at the end, or only set up.")
def up(host: str, port: int, preset: str, demo: bool, households: int | None, weeks: int | None, serve: bool) -> None:
    """Set everything up that isn't there yet, and serve the API."""
    if serve:
        serving.check_port(host, port)
    with engine():
        tokens = _set_up(preset, Chosen(households, weeks) if demo else None)
    _say_how_to_begin(f"http://{host}:{port}", tokens)
    if serve:
        serving.start_anew(host, port)


def _set_up(preset: str, demo: Chosen | None) -> Mapping[str, Issued]:
    """Do what is missing, each step of which may have been done before; return the tokens that were made now.

    Tokens come last: a first start that is cut off before them makes and shows them the next time.
    """
    actor = command_line("up")
    before, after = database.upgrade()
    if before != after:
        click.echo(f"The database is at revision {after.present}.")
    if showcase.publish_first(actor, preset):
        click.echo(f"The programme {preset} is published.")
        showcase.open_first_store(actor)
    if demo is not None and showcase.is_wanted():
        click.echo("A year of a grocer's receipts is coming in.")
        answer_totals(showcase.bring_in(actor, demo, watching(), engine))
    return showcase.first_tokens(actor)


def _say_how_to_begin(address: str, tokens: Mapping[str, Issued]) -> None:
    if tokens:
        click.echo("\nTokens, shown this once:")
        for role, issued in tokens.items():
            click.echo(f"  {role:<9} {issued.text}")
    click.echo(f"\nThe API and its documentation: {address}/v1/docs")
    click.echo(f"The members' pages: {address}/join\n")
    if not tokens:
        click.echo("The tokens were shown at the first start; `loyalty tokens create` makes more.\n")
        return
    click.echo("Enrol a member, and post a purchase:\n")
    for path, body in (("members", {"name": "Anna Schmidt", "card": _CARD}), ("purchases", _a_purchase())):
        token = tokens["terminal"].text
        head = f"curl -s {address}/v1/{path} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json'"
        click.echo(f"{head} -d '{json.dumps(body)}'; echo\n")


def _a_purchase() -> dict[str, Any]:
    now = clock.now().replace(microsecond=0)
    line = {"line_id": "1", "sku": "APPLES", "category": "produce/apples", "quantity": 2, "amount": "5.00"}
    posted = {"purchase_id": f"first-{now:%H%M%S}", "member": {"card": _CARD}, "occurred_at": now.isoformat()}
    return posted | {"currency": "USD", "lines": [line]}
