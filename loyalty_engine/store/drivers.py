"""The two databases' drivers: which they are, how SQLite's connections are set up, and what their errors mean."""

from typing import Any, Final

import psycopg
import sqlalchemy as sa

from rules.errors import Busy, Conflict

try:  # Debian 12's own SQLite has a WAL bug (RELIABILITY.md, Pitfalls); the wheel is not built for every machine.
    from pysqlite3 import dbapi2 as sqlite_driver
except ImportError:
    from sqlite3 import dbapi2 as sqlite_driver

sqlite: Final = sqlite_driver

DRIVER_ERRORS: Final = (psycopg.Error, sqlite.Error, sa.exc.DBAPIError)

_RETRYABLE: Final = {"40001", "40P01"}
"""Serialization failure, deadlock: the whole transaction is tried again."""
_LOCK_TIMEOUT: Final = "55P03"
_UNIQUE: Final = "23505"
_NO_TABLE: Final = "42P01"
_NO_ROOM: Final = "53"
"""The disk is full, there is no memory, or there are too many connections."""
_ONLY_READS: Final = "25006"
_LOST: Final = ("08", "57P", "25P03")
"""Connection exceptions; the server was shut down, crashed, or is starting; or it took a hung transaction's locks away."""
_SQLITE_BUSY: Final = {5, 6}
_SQLITE_UNIQUE: Final = {1555, 2067}
_SQLITE_UNAVAILABLE: Final = {
    8: "The database may only be read: its file or folder is not this user's to write.",
    10: "The database file can't be read or written: look at its disk.",
    11: "The database file is damaged: restore it from a backup.",
    13: "The disk of the database is full: make room, then try again.",
    14: "The database file can't be opened: its folder has to exist, and be this user's to write.",
    26: "The file is no SQLite database: look at LOYALTY_DATABASE_URL.",
}
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-65536")


class Duplicate(Exception):
    """A key that had to be new is there already; whoever inserts it decides what that means."""


class Unavailable(Busy):
    """The database can't be reached, or is locked by somebody else."""


class Lost(Unavailable):
    """The connection is gone."""


class Again(Unavailable):
    """The transaction was undone through no fault of its own, and may run again."""


class StillInWork(Conflict):
    """Another request is at work on the same thing."""


def meaning(error: Exception) -> Exception | None:
    """Return what a driver's error means, by SQLSTATE or by SQLite's extended code; None for a programming error."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return _sqlite_meaning(code, str(cause)) if code is not None else _postgresql_meaning(cause)


def _sqlite_meaning(code: int, message: str) -> Exception | None:
    # The wheel says only that it is a constraint (19); which one stands in the message.
    if code in _SQLITE_UNIQUE or message.startswith("UNIQUE constraint failed"):
        return Duplicate()
    if code & 0xFF in _SQLITE_BUSY:
        return Unavailable("database_busy", "The database is locked by another process; try again in a moment.")
    if code & 0xFF in _SQLITE_UNAVAILABLE:
        return Unavailable("database_unavailable", _SQLITE_UNAVAILABLE[code & 0xFF])
    return _not_set_up() if "no such table" in message else None


def _postgresql_meaning(cause: object) -> Exception | None:
    state: str | None = getattr(cause, "sqlstate", None)
    if state == _UNIQUE:
        return Duplicate()
    if state == _LOCK_TIMEOUT:
        return StillInWork("still_in_work", "The same thing is being worked on; ask again in a moment.")
    if state in _RETRYABLE:
        return Again("database_busy", "The database could not order this work beside other work; try again.")
    if state == _NO_TABLE:
        return _not_set_up()
    if state == _ONLY_READS:
        return Unavailable("database_unavailable", "The database may only be read: it is a standby, or was set so.")
    if (state or "").startswith(_NO_ROOM):
        return Unavailable("database_unavailable", "The database has no room left (disk, memory or connections).")
    if (state is None and isinstance(cause, psycopg.OperationalError)) or (state or "").startswith(_LOST):
        return Lost("database_unavailable", "The database can't be reached; try again in a moment.")
    return None


def _not_set_up() -> Unavailable:
    return Unavailable("database_not_set_up", "The database has no tables yet: run `loyalty db upgrade`.")


def prepare_sqlite(connection: Any, _record: object) -> None:
    """Set up a new SQLite connection: transactions are begun by us, kept on disk at commit, keys enforced."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def begin_immediate(connection: sa.Connection) -> None:
    """Take the write lock at once: a transaction that reads and then writes can't be made to wait (RELIABILITY.md)."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
