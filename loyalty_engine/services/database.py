"""Brings the database to the tables that this version of the code needs."""

from dataclasses import dataclass

import flask_migrate
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from loyalty_engine.store.session import db, reading


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


def disconnect() -> None:
    """Close every connection of this process to the database."""
    db.engine.dispose()
