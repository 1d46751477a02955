"""The settings of one deployment, read from the environment once, at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loyalty_engine.webhook_targets import WebhookTarget, WrongTarget, targets_in

DEFAULT_DATABASE: Final = "sqlite:///loyalty.db"
_MOST_A_MINUTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set; each has a default that works on one machine."""

    database_url: str = DEFAULT_DATABASE
    """`LOYALTY_DATABASE_URL`: `sqlite:///FILE` or `postgresql+psycopg://…`."""
    log_level: str = "INFO"
    """`LOYALTY_LOG_LEVEL`"""
    lock_timeout_seconds: int = 5
    """`LOYALTY_LOCK_TIMEOUT_SECONDS`: how long a request waits for another that works on the same thing."""
    pool_size: int = 8
    """`LOYALTY_POOL_SIZE`: how many connections to the database a process keeps open."""
    rate_requests: int = 30_000
    """`LOYALTY_RATE_REQUESTS`: how many requests a token may make a minute, of each process; 0 for any number."""
    rate_lookups: int = 600
    """`LOYALTY_RATE_LOOKUPS`: how often a token may look up a phone, a card or a code a minute; 0 for any number."""
    hold_minutes: int = 15
    """`LOYALTY_HOLD_MINUTES`: how long points are held that a till neither captures nor releases."""
    voucher_hold_minutes: int = 15
    """`LOYALTY_VOUCHER_HOLD_MINUTES`: how long a till may set a voucher aside."""
    late_seconds: int = 3_600
    """`LOYALTY_LATE_SECONDS`: how late a job of the worker may be before `status` and `/readyz` say so."""
    webhooks: tuple[WebhookTarget, ...] = ()
    """`LOYALTY_WEBHOOKS`, `LOYALTY_WEBHOOK_SECRET_…`: who is told of what happens to members."""


class WrongSetting(ValueError):
    """A setting of the environment can't be used; the message names it and says what would be right."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; what is not set keeps its default. Raises `WrongSetting`."""
    default = Settings()
    return Settings(
        database_url=_database_url(environment.get("LOYALTY_DATABASE_URL") or DEFAULT_DATABASE),
        log_level=environment.get("LOYALTY_LOG_LEVEL") or default.log_level,
        lock_timeout_seconds=_number(environment, "LOYALTY_LOCK_TIMEOUT_SECONDS", default.lock_timeout_seconds),
        pool_size=_number(environment, "LOYALTY_POOL_SIZE", default.pool_size),
        rate_requests=_number(environment, "LOYALTY_RATE_REQUESTS", default.rate_requests, 0, _MOST_A_MINUTE),
        rate_lookups=_number(environment, "LOYALTY_RATE_LOOKUPS", default.rate_lookups, 0, _MOST_A_MINUTE),
        hold_minutes=_number(environment, "LOYALTY_HOLD_MINUTES", default.hold_minutes),
        voucher_hold_minutes=_number(environment, "LOYALTY_VOUCHER_HOLD_MINUTES", default.voucher_hold_minutes),
        late_seconds=_number(environment, "LOYALTY_LATE_SECONDS", default.late_seconds, 60, 604_800),
        webhooks=_webhooks(environment),
    )


def _webhooks(environment: Mapping[str, str]) -> tuple[WebhookTarget, ...]:
    try:
        return targets_in(environment)
    except WrongTarget as wrong:
        raise WrongSetting(str(wrong)) from None


def sqlite_path(database_url: str) -> Path | None:
    """Return the file of an SQLite URL; None for any other database and for one in memory."""
    prefix, _, path = database_url.partition(":///")
    return Path(path) if prefix.startswith("sqlite") and path and path != ":memory:" else None


def _database_url(url: str) -> str:
    """An SQLite file is found from the working directory, whichever way the engine is started."""
    path = sqlite_path(url)
    return f"sqlite:///{Path.cwd() / path}" if path else url


def _number(environment: Mapping[str, str], name: str, default: int, least: int = 1, most: int = 9_999) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise WrongSetting(f"{name} is {text!r}; it takes a whole number from {least} to {most}")
    return int(text)
