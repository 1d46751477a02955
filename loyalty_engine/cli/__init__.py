"""`loyalty …`: what an operator does at a terminal. Exit codes: 0 done, 1 found something wrong, 2 wrong usage."""

import click

from loyalty_engine.cli.auditing import audit
from loyalty_engine.cli.catching import Catching
from loyalty_engine.cli.database import db
from loyalty_engine.cli.importing import demo, import_
from loyalty_engine.cli.programme import programme
from loyalty_engine.cli.serving import serve
from loyalty_engine.cli.tokens import tokens
from loyalty_engine.cli.up import up


@click.group(cls=Catching)
def main() -> None:
    """Customer loyalty: points, tiers and rewards, each with its reason.

    The database is the one that LOYALTY_DATABASE_URL names; without it, the file loyalty.db in this directory.
    """


for command in (up, serve, db, demo, import_, programme, tokens, audit):
    main.add_command(command)
