"""The settings of one deployment, read from the environment once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set; each has a default that works on one machine."""

    database_url: str = "sqlite:///loyalty.db"
    """SQLAlchemy URL: `sqlite:///path` or `postgresql+psycopg://…`."""
    log_level: str = "INFO"
    lock_timeout_seconds: int = 5
    """How long a request waits for another that works on the same thing, before it is asked to come back."""
    pool_size: int = 8


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `LOYALTY_DATABASE_URL` and its kin; what is not set keeps its default."""
    given = {
        "database_url": environment.get("LOYALTY_DATABASE_URL"),
        "log_level": environment.get("LOYALTY_LOG_LEVEL"),
    }
    numbers = {
        "lock_timeout_seconds": environment.get("LOYALTY_LOCK_TIMEOUT_SECONDS"),
        "pool_size": environment.get("LOYALTY_POOL_SIZE"),
    }
    words = {name: value for name, value in given.items() if value}
    return Settings(**words, **{name: int(value) for name, value in numbers.items() if value})  # type: ignore[arg-type]


def sqlite_path(database_url: str) -> Path | None:
    """Return the file of an SQLite URL; None for any other database and for one in memory."""
    prefix, _, path = database_url.partition(":///")
    return Path(path) if prefix.startswith("sqlite") and path and path != ":memory:" else None
