"""Brings the database to the tables that this version of the code needs."""

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from types import ModuleType

from flask import current_app

from loyalty_engine.store import grants
from loyalty_engine.store import revisions as store
from loyalty_engine.store.session import db, in_transaction, reading
from migrations import HEAD
from rules.errors import Invalid, NotFound


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
    with reading() as connection:
        return Revisions(store.present(connection), HEAD)


def upgrade() -> tuple[Revisions, Revisions]:
    """Run the migrations that are missing; return where the database was, and where it is now."""
    before = revisions()
    if not before.match:
        migrating().upgrade()
    return before, revisions()


def migrating() -> ModuleType:
    """Return Flask-Migrate's commands for this application.

    Alembic takes half a second to load, and nobody who only serves should wait for it.
    """
    import flask_migrate

    flask_migrate.Migrate(current_app, db, directory=str(files("migrations")))
    commands: ModuleType = flask_migrate
    return commands


def grant(role: str) -> None:
    """Give a role of PostgreSQL what the service needs. Raises `Invalid` on SQLite, which has no roles, and `NotFound`."""
    if db.engine.dialect.name != "postgresql":
        raise Invalid("no_roles", "Only PostgreSQL has roles; an SQLite file belongs to whoever can read it.")
    with reading() as connection:
        if not grants.has_role(connection, role):
            raise NotFound("role_not_found", f"The server has no role {role}: CREATE ROLE it first.")
    in_transaction(partial(grants.grant, role=role))


def disconnect() -> None:
    """Close every connection of this process to the database."""
    db.engine.dispose()
