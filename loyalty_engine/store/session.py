"""The only place that opens and commits transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from loyalty_engine.config import Settings
from loyalty_engine.store import drivers, on_postgresql
from loyalty_engine.store.drivers import Again, Duplicate, Lost, StillInWork, Unavailable
from loyalty_engine.store.tables import metadata

__all__ = [
    "Duplicate",
    "StillInWork",
    "Unavailable",
    "db",
    "engine_options",
    "has_one_writer",
    "in_transaction",
    "prepare_engine",
    "reading",
    "snapshot",
]

db = SQLAlchemy(metadata=metadata)

T = TypeVar("T")

_ATTEMPTS: Final = 5
_TURN_SECONDS: Final = 5
_HUNG_SECONDS: Final = 300
"""How long PostgreSQL leaves its locks to a transaction that asks for nothing: its process was stopped, or is away."""

_sqlite_writer = threading.Lock()
"""One writer at a time in this process: waiting here is fair, waiting in SQLite's busy handler is not."""


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return what Flask-SQLAlchemy hands to `create_engine` for the database of `settings`."""
    seconds = settings.lock_timeout_seconds
    if settings.database_url.startswith("sqlite"):
        arguments: dict[str, Any] = {"timeout": seconds, "check_same_thread": False}
        fixed = {"module": drivers.sqlite, "paramstyle": "named"}
        return {**fixed, "connect_args": arguments, "pool_size": settings.pool_size}
    arguments = {
        "options": f"-c lock_timeout={seconds}s -c idle_in_transaction_session_timeout={_HUNG_SECONDS}s -c timezone=UTC",
        "connect_timeout": seconds,
        # psycopg would deallocate, with its own prepared statements, those that `on_postgresql` keeps.
        "prepare_threshold": None,
    }
    return {"connect_args": arguments, "pool_size": settings.pool_size, "pool_timeout": seconds}


def prepare_engine(engine: sa.Engine) -> None:
    """Set up how SQLite's connections behave, and how transactions begin."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", drivers.prepare_sqlite)
        event.listen(engine, "begin", drivers.begin_immediate)
    else:
        event.listen(engine, "begin", on_postgresql.begin)


def has_one_writer() -> bool:
    """Tell whether a transaction that writes keeps all others waiting: it should think before it begins."""
    return db.engine.dialect.name == "sqlite"


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """Yield a connection on which each statement sees what is committed by then; nothing may be written on it."""
    with _connected().execution_options(isolation_level="AUTOCOMMIT") as connection, _translated(connection):
        yield connection


@contextmanager
def snapshot() -> Iterator[sa.Connection]:
    """Yield a connection on which all statements see one state of the database; nothing may be written on it."""
    embedded = db.engine.dialect.name == "sqlite"
    level = "AUTOCOMMIT" if embedded else "REPEATABLE READ"
    with _connected().execution_options(isolation_level=level) as connection, _translated(connection):
        if embedded:
            # Begun by hand: a transaction that only reads must not take the write lock.
            connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK") if embedded else connection.rollback()


def in_transaction(work: Callable[[sa.Connection], T]) -> T:
    """Run `work` in one transaction and commit it; an exception from `work` undoes everything.

    After a deadlock, or a connection lost before the commit was sent, the whole of it runs again. Raises `Duplicate`
    for a unique violation, `StillInWork` when somebody else held a lock for too long, and `Unavailable` when there is
    no database to be had; a connection lost during the commit is `Unavailable` too: what was asked may have happened,
    and asking again is safe because every write knows its own repetition.
    """
    with _sqlite_turn():
        for attempt in range(1, _ATTEMPTS):
            try:
                return _committed(work)
            except Again:
                sleep(0.01 * attempt)
        return _committed(work)


def _committed(work: Callable[[sa.Connection], T]) -> T:
    with _connected() as connection:
        result = _undone_on_error(work, connection)
        with _translated(connection):
            connection.commit()
        return result


def _undone_on_error(work: Callable[[sa.Connection], T], connection: sa.Connection) -> T:
    try:
        with _translated(connection):
            connection.begin()
            return work(connection)
    except Lost as lost:
        raise Again(lost.code, lost.detail) from lost
    except BaseException:
        connection.rollback()
        raise


def _connected() -> sa.Connection:
    with _translated():
        return db.engine.connect()


@contextmanager
def _translated(connection: sa.Connection | None = None) -> Iterator[None]:
    """Turn a driver's error into what it means; a lost connection is thrown away, with its idle fellows in the pool."""
    try:
        yield
    except drivers.DRIVER_ERRORS as error:
        meaning = drivers.meaning(error)
        if isinstance(meaning, Lost) and connection is not None:
            connection.invalidate()
            db.engine.dispose()
        if meaning is None:
            raise
        raise meaning from error
    except sa.exc.TimeoutError as error:
        raise Unavailable("database_busy", "All connections to the database are in use; try again.") from error


@contextmanager
def _sqlite_turn() -> Iterator[None]:
    if db.engine.dialect.name != "sqlite":
        yield
        return
    if not _sqlite_writer.acquire(timeout=_TURN_SECONDS):
        raise Unavailable("database_busy", "Many writers are waiting for the database; try again in a moment.")
    try:
        yield
    finally:
        _sqlite_writer.release()
