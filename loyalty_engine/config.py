"""The settings of one deployment, read from the environment once, at start."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

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
    colour: str = "#0f6b5c"
    """`LOYALTY_COLOUR`: the shop's colour on the members' pages."""
    public_address: str = ""
    """`LOYALTY_PUBLIC_ADDRESS`: what people type to reach the members' pages; codes at a store's door lead there."""
    session_days: int = 90
    """`LOYALTY_SESSION_DAYS`: how long a member stays signed in on a device."""
    sms_countries: tuple[str, ...] = ()
    """`LOYALTY_SMS_COUNTRIES`: the countries whose phones are sent codes (`CN,HK`); none named: the programme's own."""
    codes_per_address: int = 20
    """`LOYALTY_CODES_PER_ADDRESS`: how many codes are sent an hour that one address asked for."""
    codes_per_prefix: int = 100
    """`LOYALTY_CODES_PER_PREFIX`: how many codes are sent an hour to numbers that begin alike."""
    codes_a_day: int = 5_000
    """`LOYALTY_CODES_A_DAY`: how many codes are sent a day in all."""
    trusted_proxies: tuple[str, ...] = ()
    """`LOYALTY_TRUSTED_PROXIES`: addresses or networks of proxies that are believed whom they speak for."""


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
        colour=_colour(environment, "LOYALTY_COLOUR", default.colour),
        public_address=environment.get("LOYALTY_PUBLIC_ADDRESS") or default.public_address,
        session_days=_number(environment, "LOYALTY_SESSION_DAYS", default.session_days),
        sms_countries=_countries(environment, "LOYALTY_SMS_COUNTRIES"),
        codes_per_address=_number(environment, "LOYALTY_CODES_PER_ADDRESS", default.codes_per_address),
        codes_per_prefix=_number(environment, "LOYALTY_CODES_PER_PREFIX", default.codes_per_prefix, 1, _MOST_A_MINUTE),
        codes_a_day=_number(environment, "LOYALTY_CODES_A_DAY", default.codes_a_day, 1, _MOST_A_MINUTE),
        trusted_proxies=_networks(environment, "LOYALTY_TRUSTED_PROXIES"),
    )


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


def _colour(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if not re.fullmatch("#[0-9A-Fa-f]{6}", text):
        raise WrongSetting(f"{name} is {text!r}; it takes red, green and blue in six digits, such as {default}")
    return text.lower()


def _countries(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _listed(environment, name)
    if not all(re.fullmatch("[A-Z]{2}", one) for one in found):
        raise WrongSetting(f"{name} is {environment[name]!r}; it takes countries by two letters, such as CN,HK")
    return found


def _networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(one)) for one in _listed(environment, name))
    except ValueError:
        said = environment[name]
        raise WrongSetting(
            f"{name} is {said!r}; it takes addresses or networks, such as 127.0.0.1,10.0.0.0/8"
        ) from None


def _listed(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in environment.get(name, "").split(",") if one.strip())
