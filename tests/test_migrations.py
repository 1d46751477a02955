"""What the migrations make is what the code's tables say, on both databases, from nothing and back to nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import database
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata
from migrations import HEAD


@pytest.fixture
def empty(empty_url: str) -> Iterator[Flask]:
    """An application, in its context, whose database has no tables."""
    app = create_app(Settings(database_url=empty_url))
    with app.app_context():
        yield app
        db.engine.dispose()


def constraints() -> set[Any]:
    """All that a database says of its tables' constraints and indexes, in its own words."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            lines = (line.strip().rstrip(",") for (sql,) in rows for line in sql.splitlines())
            return {line for line in lines if "alembic_version" not in line and "version_num" not in line}
        rows = connection.exec_driver_sql(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        )
        found = {tuple(row) for row in rows}
        indexes = connection.exec_driver_sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
        return {row for row in found | {tuple(row) for row in indexes} if "alembic_version" not in str(row)}


def test_there_is_one_head_which_the_code_knows(empty: Flask) -> None:
    database.migrating()
    config = empty.extensions["migrate"].migrate.get_config()
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_make_what_the_tables_say(empty: Flask) -> None:
    database.migrating().upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_every_check_and_key(empty: Flask) -> None:
    """Alembic doesn't compare checks; the databases' own words do."""
    database.migrating().upgrade()
    migrated = constraints()
    database.migrating().downgrade(revision="base")
    metadata.create_all(db.engine)
    made = constraints()
    assert (migrated - made, made - migrated) == (set(), set())


def test_migrations_go_down_to_nothing_and_up_again(empty: Flask) -> None:
    database.migrating().upgrade()
    database.migrating().downgrade(revision="base")
    assert set(sa.inspect(db.engine).get_table_names()) <= {"alembic_version"}
    database.migrating().upgrade()
    assert set(sa.inspect(db.engine).get_table_names()) == {"alembic_version", *metadata.tables}


def test_an_upgrade_tells_where_the_database_was_and_is(empty: Flask) -> None:
    before, after = database.upgrade()
    assert (before.present, before.match, after.match) == (None, False, True)
    assert database.upgrade() == (after, after)
