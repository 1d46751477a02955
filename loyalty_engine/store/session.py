"""The only place that opens and commits transactions, and that knows what a database's errors mean."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from loyalty_engine.config import Settings
from loyalty_engine.store.tables import metadata
from rules.errors import Busy, Conflict

db = SQLAlchemy(metadata=metadata)

T = TypeVar("T")

_ATTEMPTS: Final = 5
_RETRYABLE: Final = {"40001", "40P01"}
"""Serialization failure, deadlock: the whole transaction is tried again."""
_LOCK_TIMEOUT: Final = {"55P03"}
_UNIQUE: Final = {"23505"}
_SQLITE_BUSY: Final = {5, 6}
_SQLITE_UNIQUE: Final = {1555, 2067}
_SQLITE_CANT_OPEN: Final = 14
_SQLITE_TURN_SECONDS: Final = 5

_sqlite_writer = threading.Lock()
"""One writer at a time in this process: waiting here is fair, waiting in SQLite's busy handler is not."""


class Duplicate(Exception):
    """A key that had to be new is there already; whoever inserts it decides what that means."""


class Unavailable(Busy):
    """The database can't be reached, or is locked by somebody else."""


class StillInWork(Conflict):
    """Another request is at work on the same thing."""


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return what Flask-SQLAlchemy hands to `create_engine` for the database of `settings`."""
    if settings.database_url.startswith("sqlite"):
        from pysqlite3 import dbapi2

        arguments = {"timeout": settings.lock_timeout_seconds, "check_same_thread": False}
        return {"module": dbapi2, "paramstyle": "named", "connect_args": arguments, "pool_size": settings.pool_size}
    options = f"-c lock_timeout={settings.lock_timeout_seconds}s -c timezone=UTC"
    return {"pool_size": settings.pool_size, "pool_pre_ping": False, "connect_args": {"options": options}}


def prepare_engine(engine: sa.Engine) -> None:
    """Set up how SQLite connections behave; PostgreSQL needs nothing beyond `engine_options`."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    """Writers take the lock at once: a transaction that reads and then writes can't be made to wait (RELIABILITY.md)."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """Yield a connection on which each statement sees what is committed by then; nothing may be written on it."""
    with _translated(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


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
            except _Again:
                sleep(0.01 * attempt)
        return _committed(work)


class _Again(Unavailable):
    """The transaction did nothing, through no fault of its own."""


def _committed(work: Callable[[sa.Connection], T]) -> T:
    with _translated(), db.engine.connect() as connection:
        transaction = connection.begin()
        result = _undone_on_error(work, connection, transaction)
        with _translated(commit_sent=True):
            transaction.commit()
        return result


def _undone_on_error(work: Callable[[sa.Connection], T], connection: sa.Connection, transaction: sa.Transaction) -> T:
    try:
        return work(connection)
    except BaseException:
        if not connection.invalidated:
            transaction.rollback()
        raise


@contextmanager
def _sqlite_turn() -> Iterator[None]:
    if db.engine.dialect.name != "sqlite":
        yield
        return
    if not _sqlite_writer.acquire(timeout=_SQLITE_TURN_SECONDS):
        raise Unavailable("database_busy", "Many writers are waiting for the database; try again in a moment.")
    try:
        yield
    finally:
        _sqlite_writer.release()


@contextmanager
def _translated(commit_sent: bool = False) -> Iterator[None]:
    """Turn a driver's error into what it means; a programming error stays what it is."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        meaning = _meaning(error, commit_sent)
        if meaning is None:
            raise
        raise meaning from error
    except sa.exc.TimeoutError as error:
        raise Unavailable("database_busy", "All connections to the database are in use; try again.") from error


def _meaning(error: sa.exc.DBAPIError, commit_sent: bool) -> Exception | None:
    """Tell errors apart by SQLSTATE, or by SQLite's extended code: never by a constraint's name."""
    state, code = getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorcode", None)
    if state in _UNIQUE or code in _SQLITE_UNIQUE:
        return Duplicate()
    if state in _LOCK_TIMEOUT:
        return StillInWork("still_in_work", "The same thing is being worked on; ask again in a moment.")
    if state in _RETRYABLE:
        return _Again("database_busy", "The database could not order this work beside other work; try again.")
    if code is not None and code & 0xFF in _SQLITE_BUSY:
        return Unavailable("database_busy", "The database is locked by another process; try again in a moment.")
    if _is_unmigrated(error, state):
        return Unavailable("database_not_set_up", "The database has no tables yet: run `loyalty db upgrade`.")
    if (code is not None and code & 0xFF == _SQLITE_CANT_OPEN) or _is_lost(error, state):
        lost = Unavailable if commit_sent else _Again
        return lost("database_unavailable", "The database can't be reached; try again in a moment.")
    return None


def _is_lost(error: sa.exc.DBAPIError, state: str | None) -> bool:
    if error.connection_invalidated or (state or "").startswith(("08", "57P")):
        return True
    from_sqlite = getattr(error.orig, "sqlite_errorcode", None) is not None
    return state is None and not from_sqlite and isinstance(error, sa.exc.OperationalError)


def _is_unmigrated(error: sa.exc.DBAPIError, state: str | None) -> bool:
    return state == "42P01" or "no such table" in str(error.orig)
