"""`loyalty tokens`: the bearer tokens of tills, staff and services."""

from datetime import timedelta
from typing import cast

import click

from loyalty_engine import clock
from loyalty_engine.cli.output import answer, engine, json_option
from loyalty_engine.services import tokens as service
from loyalty_engine.services.actors import Role, command_line
from loyalty_engine.services.tokens import ROLES, NewToken


@click.group()
def tokens() -> None:
    """Make and revoke tokens."""


@tokens.command()
@click.option("--role", type=click.Choice([role for role in ROLES if role != "member"]), required=True)
@click.option("--name", required=True, help="Whose it is; it is shown in lists.")
@click.option("--merchant", help="The merchant that it is limited to; a service needs one.")
@click.option("--store", help="A terminal's store.")
@click.option("--terminal", help="A terminal's id in its store.")
@click.option("--days", type=click.IntRange(1, 3_650), help="How long it works; for ever where left out.")
@json_option
def create(
    role: str, name: str, merchant: str | None, store: str | None, terminal: str | None, days: int | None
) -> None:
    """Make a token and print it: it is shown this once, and only its hash is kept."""
    if any((named is None) == (role == "terminal") for named in (store, terminal)):
        raise click.UsageError("--role terminal needs --store and --terminal; no other role takes them.")
    expires_at = clock.now() + timedelta(days=days) if days else None
    new = NewToken(cast(Role, role), name, merchant, store, terminal, expires_at)
    with engine():
        issued = service.create(command_line("tokens-create"), new)
    answer({"token_id": issued.token.token_id, "token": issued.text}, issued.text)


@tokens.command()
@click.argument("token_id")
@json_option
def revoke(token_id: str) -> None:
    """End a token by its id; every process refuses it within a minute."""
    with engine():
        service.revoke(command_line("tokens-revoke"), token_id)
    answer({"token_id": token_id, "revoked": True}, f"{token_id} opens no door any more.")
