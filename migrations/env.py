"""How Alembic reaches the tables: through the application, on a connection of the application's own engine."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from loyalty_engine.store.types import Instant


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write the project's own column types as the project does."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        autogen.imports.add("from loyalty_engine.store.types import Instant")
        return "Instant()"
    if isinstance(item, sa.Uuid):
        autogen.imports.add("from loyalty_engine.store.types import uuid_text")
        return "uuid_text()"
    return False


def run() -> None:
    """Run the migrations in one transaction: they happen all, or none."""
    db = current_app.extensions["migrate"].db
    with db.engine.connect() as connection:
        embedded = connection.dialect.name == "sqlite"
        if embedded:
            # A table that is made anew is dropped first: what points to it must not mind. The pragma means nothing
            # inside a transaction, hence the driver's own connection.
            _pragma(connection, "foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            # SQLite can't change a constraint: a batch makes the table anew.
            render_as_batch=embedded,
            render_item=render_item,
            transactional_ddl=True,
        )
        with connection.begin():
            context.run_migrations()
        if embedded:
            _pragma(connection, "foreign_keys=ON")


def _pragma(connection: sa.Connection, setting: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None, "the connection is open"
    driver.execute(f"PRAGMA {setting}")


run()
