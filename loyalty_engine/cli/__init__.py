"""`loyalty …`: what an operator does at a terminal. Exit codes: 0 done, 1 found something wrong, 2 wrong usage."""

import gc

import click

# Loading the engine makes a million objects and no garbage; looking for some among them takes a tenth of the time.
gc.disable()

from loyalty_engine.cli.catching import Catching  # noqa: E402

gc.enable()

COMMANDS = {
    "audit": "auditing:audit",
    "db": "database:db",
    "demo": "importing:demo",
    "import": "importing:import_",
    "members": "members:members",
    "messages": "messages:messages",
    "programme": "programme:programme",
    "qr": "qr:qr",
    "report": "reports:report",
    "run": "nights:run",
    "serve": "serving:serve",
    "status": "nights:status",
    "tokens": "tokens:tokens",
    "up": "up:up",
    "webhooks": "webhooks:webhooks",
    "worker": "nights:worker",
}
"""Command to the module here that holds it, and its name there: only the one that is called is loaded."""


@click.group(cls=Catching, commands_in=COMMANDS)
def main() -> None:
    """Customer loyalty: points, tiers and rewards, each with its reason.

    The database is the one that LOYALTY_DATABASE_URL names; without it, the file loyalty.db in this directory.
    """
