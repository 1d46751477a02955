"""A database that can't take what it is given says so, and what was begun is undone."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import database
from loyalty_engine.store.drivers import Unavailable
from loyalty_engine.store.session import db, in_transaction, reading


def test_a_file_that_is_no_database_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("This is a letter and no database. " * 10)
    other = create_app(Settings(database_url=f"sqlite:///{tmp_path}/letter.db"))
    with other.app_context():
        with pytest.raises(Unavailable, match="LOYALTY_DATABASE_URL"), reading():
            pass
        database.disconnect()


def test_a_full_disk_undoes_what_was_begun(tmp_path: Path) -> None:
    other = create_app(Settings(database_url=f"sqlite:///{tmp_path}/small.db"))
    with other.app_context():
        in_transaction(lambda connection: connection.exec_driver_sql("CREATE TABLE kept (words TEXT)"))

        def too_much(connection: sa.Connection) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 10")
            connection.exec_driver_sql("INSERT INTO kept VALUES ('first')")
            connection.exec_driver_sql("INSERT INTO kept VALUES (zeroblob(1000000))")

        with pytest.raises(Unavailable, match="full"):
            in_transaction(too_much)
        with reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
        database.disconnect()


@pytest.mark.postgresql
def test_a_standby_says_that_it_only_reads(postgresql_application: Flask) -> None:
    def on_a_standby(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL transaction_read_only = on")
        connection.exec_driver_sql("INSERT INTO merchants VALUES ('m', 'M')")

    with postgresql_application.app_context():
        with pytest.raises(Unavailable, match="only be read"):
            in_transaction(on_a_standby)
        assert db.engine.dialect.name == "postgresql"
