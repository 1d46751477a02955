"""The settings of one deployment, read from the environment once, at start."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from loyalty_engine.webhook_targets import WebhookTarget, WrongTarget, targets_in

DEFAULT_DATABASE: Final = "sqlite:///loyalty.db"
TWILIO: Final = "https://api.twilio.com"
_MOST_A_MINUTE: Final = 1_000_000
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"\+[1-9][0-9]{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """How texts leave; as it is, they are printed and no phone is reached."""

    gateway: str = "console"
    """`LOYALTY_SMS`: `console` or `twilio`."""
    account: str = ""
    """`LOYALTY_TWILIO_ACCOUNT`"""
    token: str = field(default="", repr=False)
    """`LOYALTY_TWILIO_TOKEN`: signs what Twilio tells us, and what we ask of it."""
    sender: str = ""
    """`LOYALTY_TWILIO_FROM`: a number or a name."""
    service: str = ""
    """`LOYALTY_TWILIO_SERVICE`: a messaging service, which knows its senders, instead."""
    url: str = TWILIO
    """`LOYALTY_TWILIO_URL`"""
    per_second: int = 20
    """`LOYALTY_SMS_PER_SECOND`: how many texts a worker hands over a second."""
    only_to: frozenset[str] = frozenset()
    """`LOYALTY_SMS_ONLY_TO`: nobody else gets a text, where any number is named."""


@dataclass(frozen=True, slots=True)
class EmailSettings:
    """How mail leaves; as it is, it is printed."""

    gateway: str = "console"
    """`LOYALTY_EMAIL`: `console` or `smtp`."""
    host: str = ""
    """`LOYALTY_SMTP_HOST`"""
    port: int = 587
    """`LOYALTY_SMTP_PORT`"""
    security: str = "starttls"
    """`LOYALTY_SMTP_SECURITY`: `starttls`, `tls`, or on this machine `none`."""
    user: str = ""
    """`LOYALTY_SMTP_USER`"""
    password: str = field(default="", repr=False)
    """`LOYALTY_SMTP_PASSWORD`"""
    sender: str = ""
    """`LOYALTY_EMAIL_FROM`"""
    only_to: frozenset[str] = frozenset()
    """`LOYALTY_EMAIL_ONLY_TO`"""


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
    public_url: str = ""
    """`LOYALTY_PUBLIC_URL`: where the engine is reached from outside: gateways call back there, codes at a store's door lead there."""
    sms: SmsSettings = field(default_factory=SmsSettings)
    email: EmailSettings = field(default_factory=EmailSettings)
    colour: str = "#0f6b5c"
    """`LOYALTY_COLOUR`: the shop's colour on the members' pages."""
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
        public_url=_url(environment, "LOYALTY_PUBLIC_URL"),
        sms=_sms(environment),
        email=_email(environment),
        colour=_colour(environment, "LOYALTY_COLOUR", default.colour),
        session_days=_number(environment, "LOYALTY_SESSION_DAYS", default.session_days),
        sms_countries=_countries(environment, "LOYALTY_SMS_COUNTRIES"),
        codes_per_address=_number(environment, "LOYALTY_CODES_PER_ADDRESS", default.codes_per_address),
        codes_per_prefix=_number(environment, "LOYALTY_CODES_PER_PREFIX", default.codes_per_prefix, 1, _MOST_A_MINUTE),
        codes_a_day=_number(environment, "LOYALTY_CODES_A_DAY", default.codes_a_day, 1, _MOST_A_MINUTE),
        trusted_proxies=_networks(environment, "LOYALTY_TRUSTED_PROXIES"),
        late_seconds=_number(environment, "LOYALTY_LATE_SECONDS", default.late_seconds, 60, 604_800),
        webhooks=_webhooks(environment),
    )


def _sms(environment: Mapping[str, str]) -> SmsSettings:
    gateway = _choice(environment, "LOYALTY_SMS", ("console", "twilio"))
    default = SmsSettings()
    if gateway == "twilio":
        _need(environment, "LOYALTY_SMS=twilio", "LOYALTY_TWILIO_ACCOUNT", "LOYALTY_TWILIO_TOKEN", "LOYALTY_PUBLIC_URL")
        if not (environment.get("LOYALTY_TWILIO_FROM") or environment.get("LOYALTY_TWILIO_SERVICE")):
            raise WrongSetting("LOYALTY_SMS=twilio needs LOYALTY_TWILIO_FROM or LOYALTY_TWILIO_SERVICE as well")
    return SmsSettings(
        gateway,
        _matching(environment, "LOYALTY_TWILIO_ACCOUNT", r"AC[0-9a-f]{32}", "AC and 32 hexadecimal digits"),
        environment.get("LOYALTY_TWILIO_TOKEN", ""),
        _matching(
            environment, "LOYALTY_TWILIO_FROM", _SENDER, "a number such as +15005550006, or a name of 11 letters"
        ),
        _matching(environment, "LOYALTY_TWILIO_SERVICE", r"MG[0-9a-f]{32}", "MG and 32 hexadecimal digits"),
        _url(environment, "LOYALTY_TWILIO_URL") or default.url,
        _number(environment, "LOYALTY_SMS_PER_SECOND", default.per_second, 1, 1_000),
        _listed(environment, "LOYALTY_SMS_ONLY_TO", _PHONE, "numbers such as +8613800138000 with commas between"),
    )


def _email(environment: Mapping[str, str]) -> EmailSettings:
    gateway = _choice(environment, "LOYALTY_EMAIL", ("console", "smtp"))
    if gateway == "smtp":
        _need(environment, "LOYALTY_EMAIL=smtp", "LOYALTY_SMTP_HOST", "LOYALTY_EMAIL_FROM")
    host = environment.get("LOYALTY_SMTP_HOST", "")
    security = _choice(environment, "LOYALTY_SMTP_SECURITY", ("starttls", "tls", "none"))
    if security == "none" and host not in _LOOPBACK:
        raise WrongSetting("LOYALTY_SMTP_SECURITY=none would send mail in the clear: it takes a server on this machine")
    return EmailSettings(
        gateway,
        host,
        _number(environment, "LOYALTY_SMTP_PORT", EmailSettings().port, 1, 65_535),
        security,
        environment.get("LOYALTY_SMTP_USER", ""),
        environment.get("LOYALTY_SMTP_PASSWORD", ""),
        _matching(environment, "LOYALTY_EMAIL_FROM", _ADDRESS, "an address such as club@example.com"),
        _listed(environment, "LOYALTY_EMAIL_ONLY_TO", _ADDRESS, "addresses with commas between"),
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


def _choice(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    text = environment.get(name) or words[0]
    if text not in words:
        raise WrongSetting(f"{name} is {text!r}; it takes one of: {', '.join(words)}")
    return text


def _need(environment: Mapping[str, str], what: str, *names: str) -> None:
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise WrongSetting(f"{what} needs {' and '.join(missing)} as well")


def _matching(environment: Mapping[str, str], name: str, pattern: str | re.Pattern[str], takes: str) -> str:
    text = environment.get(name, "")
    if text and not re.fullmatch(pattern, text):
        raise WrongSetting(f"{name} is {text!r}; it takes {takes}")
    return text


def _listed(environment: Mapping[str, str], name: str, pattern: re.Pattern[str], takes: str) -> frozenset[str]:
    found = frozenset(_words(environment, name))
    for word in found:
        if not pattern.fullmatch(word):
            raise WrongSetting(f"{name} holds {word!r}; it takes {takes}")
    return found


def _url(environment: Mapping[str, str], name: str) -> str:
    """Addresses that others must not read along are https, unless they stay on this machine."""
    text = environment.get(name, "").rstrip("/")
    if not text:
        return ""
    parts = urlsplit(text)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (secure and parts.hostname and not parts.query and not parts.fragment and parts.username is None):
        raise WrongSetting(f"{name} is {text!r}; it takes https://HOST, or http:// on this machine")
    return text


def _colour(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if not re.fullmatch("#[0-9A-Fa-f]{6}", text):
        raise WrongSetting(f"{name} is {text!r}; it takes red, green and blue in six digits, such as {default}")
    return text.lower()


def _countries(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _words(environment, name)
    if not all(re.fullmatch("[A-Z]{2}", one) for one in found):
        raise WrongSetting(f"{name} is {environment[name]!r}; it takes countries by two letters, such as CN,HK")
    return found


def _networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(one)) for one in _words(environment, name))
    except ValueError:
        said = environment[name]
        raise WrongSetting(
            f"{name} is {said!r}; it takes addresses or networks, such as 127.0.0.1,10.0.0.0/8"
        ) from None


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in environment.get(name, "").split(",") if one.strip())
