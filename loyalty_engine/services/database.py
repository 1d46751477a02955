"""Brings the database to the tables that this version of the code needs."""

from dataclasses import dataclass
from functools import partial

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from loyalty_engine.store import grants
from loyalty_engine.store.session import db, in_transaction, reading
from rules.errors import Invalid


@dataclass(frozen=True, slots=True)
class Revisions:
    """Where the database's history is (None: it has no tables yet), and where the code needs it to be."""

    present: str | None
    needed: str

    @property
    def match(self) -> bool:
        return self.present == self.needed


def revisions() -> Revisions:
    """Return where the database is, and where it should be."""
    config = current_app.extensions["migrate"].migrate.get_config()
    needed = ScriptDirectory.from_config(config).get_current_head()
    assert needed is not None, "there are migrations"
    with reading() as connection:
        return Revisions(MigrationContext.configure(connection).get_current_revision(), needed)


def upgrade() -> tuple[Revisions, Revisions]:
    """Run the migrations that are missing; return where the database was, and where it is now."""
    before = revisions()
    if not before.match:
        flask_migrate.upgrade()
    return before, revisions()


def grant(role: str) -> None:
    """Give a role of PostgreSQL what the service needs. Raises `Invalid` on SQLite, which has no roles."""
    if db.engine.dialect.name != "postgresql":
        raise Invalid("no_roles", "Only PostgreSQL has roles; an SQLite file belongs to whoever can read it.")
    in_transaction(partial(grants.grant, role=role))


def disconnect() -> None:
    """Close every connection of this process to the database."""
    db.engine.dispose()
