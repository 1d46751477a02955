"""`loyalty db`: the database's tables."""

import click

from loyalty_engine.cli.output import answer, engine, json_option
from loyalty_engine.services import database, tidying


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@json_option
def upgrade() -> None:
    """Bring the database to the tables that this version needs; on an empty one, make them."""
    with engine():
        before, after = database.upgrade()
    words = f"The database was at revision {before.present or 'none'} and is at {after.present} now."
    if before == after:
        words = f"The database is at revision {after.present} already."
    answer({"before": before.present, "after": after.present}, words)


@db.command()
@click.argument("role")
@json_option
def grant(role: str) -> None:
    """Let a PostgreSQL role do what the service needs, which is to append to the ledger and never to change it.

    Run it as the owner of the tables, and again after each upgrade; the service then connects as ROLE.
    """
    with engine():
        database.grant(role)
    answer({"granted_to": role}, f"{role} can serve now; ledger entries and lot changes it can only add.")


@db.command()
@json_option
def tidy() -> None:
    """Forget what has had its time, as the worker does every night. Receipts stay for ever."""
    with engine():
        done = tidying.tidy()
    words = f"Idempotency keys forgotten: {done['keys']:,}. Purchases that no longer say by which card or phone: {done['names']:,}."
    rest = {what: count for what, count in done.items() if what not in ("keys", "names")}
    words += "".join(f" {what.replace('_', ' ').capitalize()}: {count:,}." for what, count in rest.items() if count)
    answer({"forgotten": done["keys"], "names_forgotten": done["names"], **rest}, words)
