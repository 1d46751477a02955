"""What the service's own database role may do on PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.store import grants
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata

ROLE = "loyalty_test_role"


@pytest.fixture
def as_role(postgresql_application: Flask) -> Iterator[sa.Connection]:
    """A connection that acts as a role with what `grant` gives, and is undone at the end."""
    with postgresql_application.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)")
        connection.exec_driver_sql(f"CREATE ROLE {ROLE} NOLOGIN")
        grants.grant(connection, ROLE)
        connection.exec_driver_sql(f"SET LOCAL ROLE {ROLE}")
        yield connection
        connection.rollback()


@pytest.mark.postgresql
@pytest.mark.parametrize("table", grants.APPEND_ONLY, ids=lambda table: table.name)
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_what_is_append_only_cannot_be_changed(as_role: sa.Connection, table: sa.Table, change: str) -> None:
    column = next(iter(table.columns)).name
    as_role.exec_driver_sql(f"SELECT count(*) FROM {table.name}")
    with pytest.raises(sa.exc.ProgrammingError) as refused:
        as_role.exec_driver_sql(change.format(table.name, column, column))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


@pytest.mark.postgresql
def test_everything_else_can_be_written(as_role: sa.Connection) -> None:
    rights: Any = sa.text("SELECT has_table_privilege(current_user, :table, 'INSERT, UPDATE')")
    for table in metadata.sorted_tables:
        if table not in grants.APPEND_ONLY:
            assert as_role.scalar(rights, {"table": table.name}), table.name
