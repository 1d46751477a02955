"""The settings of one deployment, each with a default that works on one machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loyalty_engine.config.webhooks import WebhookTarget

DEFAULT_DATABASE: Final = "sqlite:///loyalty.db"
TWILIO: Final = "https://api.twilio.com"


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


def sqlite_path(database_url: str) -> Path | None:
    """Return the file of an SQLite URL; None for any other database and for one in memory."""
    prefix, _, path = database_url.partition(":///")
    return Path(path) if prefix.startswith("sqlite") and path and path != ":memory:" else None
