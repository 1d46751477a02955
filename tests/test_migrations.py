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
            query = "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
            rows = connection.exec_driver_sql(query)
            # A table that was made anew is named in quotes.
            return {(name, line.strip(" ,\t").replace('"', "")) for name, sql in rows for line in sql.splitlines()}
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


MEMBER = "01900000-0000-7000-8000-000000000001"
STORED_BY_0001 = (
    (
        f"INSERT INTO members (member_id, status, last_seq, joined_on, enrolled_at, language)"
        f" VALUES ('{MEMBER}', 'active', 1, '2026-01-01', '2026-01-01 00:00:00', 'en')"
    ),
    (
        f"INSERT INTO purchases (member_id, posting_id, purchase_key, status, occurred_at, booked_at, business_day, currency,"
        f" total_minor, facts, version, decisions, granted, cap_use) VALUES ('{MEMBER}', '{MEMBER}', 's/1', 'posted',"
        f" '2026-02-03 00:00:00', '2026-02-03 00:00:00', '2026-02-03', 'CNY', 500, '{{}}', 1, '{{}}', '{{}}', '{{}}')"
    ),
    (
        f"INSERT INTO ledger_entries (member_id, seq, kind, wallet, source_kind, source_id, points, available, lifetime, version,"
        f" occurred_at, booked_at, actor) VALUES ('{MEMBER}', 1, 'accrual', 'beans', 'purchase', '{MEMBER}', 5, 5, 5, 1,"
        f" '2026-02-03 00:00:00', '2026-02-03 00:00:00', 'till')"
    ),
    (
        f"INSERT INTO lots (member_id, lot_id, wallet, source_kind, source_id, granted, remaining, state, opened_seq, opened_on,"
        f" available_on) VALUES ('{MEMBER}', '{MEMBER}', 'beans', 'purchase', '{MEMBER}', 5, 3, 'available', 1, '2026-02-03',"
        f" '2026-02-03')"
    ),
    f"INSERT INTO lot_changes (member_id, lot_id, seq, taken) VALUES ('{MEMBER}', '{MEMBER}', 1, 2)",
)
"""A member with a purchase, as the first revision stored them."""


def test_an_upgrade_keeps_what_is_there(empty: Flask) -> None:
    database.migrating().upgrade(revision="0001")
    with db.engine.begin() as connection:
        for statement in STORED_BY_0001:
            connection.exec_driver_sql(statement)
    database.migrating().upgrade()
    with db.engine.begin() as connection:
        days = connection.exec_driver_sql("SELECT till_day, business_day FROM purchases").all()
        changes = connection.exec_driver_sql("SELECT taken, held, state FROM lot_changes").all()
        connection.exec_driver_sql("SELECT level FROM lots")
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert [str(day) for day in days[0]] == ["2026-02-03", "2026-02-03"]
    assert [tuple(change) for change in changes] == [(2, 0, None)]
    database.migrating().downgrade(revision="0001")
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM purchases").scalar() == 1


def test_an_upgrade_tells_where_the_database_was_and_is(empty: Flask) -> None:
    before, after = database.upgrade()
    assert (before.present, before.match, after.match) == (None, False, True)
    assert database.upgrade() == (after, after)
