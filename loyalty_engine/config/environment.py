"""Reads the settings from the environment, once, at start."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from loyalty_engine.config.settings import DEFAULT_DATABASE, EmailSettings, Settings, SmsSettings, sqlite_path
from loyalty_engine.config.variables import (
    LOOPBACK,
    WrongSetting,
    choice,
    colour,
    countries,
    listed,
    matching,
    need,
    networks,
    number,
    url,
)
from loyalty_engine.config.webhooks import targets_in

_MOST_A_MINUTE: Final = 1_000_000
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER: Final = re.compile(r"\+[1-9][0-9]{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; what is not set keeps its default. Raises `WrongSetting`."""
    default = Settings()
    return Settings(
        database_url=_database_url(environment.get("LOYALTY_DATABASE_URL") or DEFAULT_DATABASE),
        log_level=environment.get("LOYALTY_LOG_LEVEL") or default.log_level,
        lock_timeout_seconds=number(environment, "LOYALTY_LOCK_TIMEOUT_SECONDS", default.lock_timeout_seconds),
        pool_size=number(environment, "LOYALTY_POOL_SIZE", default.pool_size),
        rate_requests=number(environment, "LOYALTY_RATE_REQUESTS", default.rate_requests, 0, _MOST_A_MINUTE),
        rate_lookups=number(environment, "LOYALTY_RATE_LOOKUPS", default.rate_lookups, 0, _MOST_A_MINUTE),
        hold_minutes=number(environment, "LOYALTY_HOLD_MINUTES", default.hold_minutes),
        voucher_hold_minutes=number(environment, "LOYALTY_VOUCHER_HOLD_MINUTES", default.voucher_hold_minutes),
        public_url=url(environment, "LOYALTY_PUBLIC_URL"),
        sms=_sms(environment),
        email=_email(environment),
        colour=colour(environment, "LOYALTY_COLOUR", default.colour),
        session_days=number(environment, "LOYALTY_SESSION_DAYS", default.session_days),
        sms_countries=countries(environment, "LOYALTY_SMS_COUNTRIES"),
        codes_per_address=number(environment, "LOYALTY_CODES_PER_ADDRESS", default.codes_per_address),
        codes_per_prefix=number(environment, "LOYALTY_CODES_PER_PREFIX", default.codes_per_prefix, 1, _MOST_A_MINUTE),
        codes_a_day=number(environment, "LOYALTY_CODES_A_DAY", default.codes_a_day, 1, _MOST_A_MINUTE),
        trusted_proxies=networks(environment, "LOYALTY_TRUSTED_PROXIES"),
        late_seconds=number(environment, "LOYALTY_LATE_SECONDS", default.late_seconds, 60, 604_800),
        webhooks=targets_in(environment),
    )


def _sms(environment: Mapping[str, str]) -> SmsSettings:
    gateway = choice(environment, "LOYALTY_SMS", ("console", "twilio"))
    default = SmsSettings()
    if gateway == "twilio":
        need(environment, "LOYALTY_SMS=twilio", "LOYALTY_TWILIO_ACCOUNT", "LOYALTY_TWILIO_TOKEN", "LOYALTY_PUBLIC_URL")
        if not (environment.get("LOYALTY_TWILIO_FROM") or environment.get("LOYALTY_TWILIO_SERVICE")):
            raise WrongSetting("LOYALTY_SMS=twilio needs LOYALTY_TWILIO_FROM or LOYALTY_TWILIO_SERVICE as well")
    return SmsSettings(
        gateway,
        matching(environment, "LOYALTY_TWILIO_ACCOUNT", r"AC[0-9a-f]{32}", "AC and 32 hexadecimal digits"),
        environment.get("LOYALTY_TWILIO_TOKEN", ""),
        matching(environment, "LOYALTY_TWILIO_FROM", _SENDER, "a number such as +15005550006, or a name of 11 letters"),
        matching(environment, "LOYALTY_TWILIO_SERVICE", r"MG[0-9a-f]{32}", "MG and 32 hexadecimal digits"),
        url(environment, "LOYALTY_TWILIO_URL") or default.url,
        number(environment, "LOYALTY_SMS_PER_SECOND", default.per_second, 1, 1_000),
        listed(environment, "LOYALTY_SMS_ONLY_TO", _PHONE, "numbers such as +8613800138000 with commas between"),
    )


def _email(environment: Mapping[str, str]) -> EmailSettings:
    gateway = choice(environment, "LOYALTY_EMAIL", ("console", "smtp"))
    if gateway == "smtp":
        need(environment, "LOYALTY_EMAIL=smtp", "LOYALTY_SMTP_HOST", "LOYALTY_EMAIL_FROM")
    host = environment.get("LOYALTY_SMTP_HOST", "")
    security = choice(environment, "LOYALTY_SMTP_SECURITY", ("starttls", "tls", "none"))
    if security == "none" and host not in LOOPBACK:
        raise WrongSetting("LOYALTY_SMTP_SECURITY=none would send mail in the clear: it takes a server on this machine")
    return EmailSettings(
        gateway,
        host,
        number(environment, "LOYALTY_SMTP_PORT", EmailSettings().port, 1, 65_535),
        security,
        environment.get("LOYALTY_SMTP_USER", ""),
        environment.get("LOYALTY_SMTP_PASSWORD", ""),
        matching(environment, "LOYALTY_EMAIL_FROM", _ADDRESS, "an address such as club@example.com"),
        listed(environment, "LOYALTY_EMAIL_ONLY_TO", _ADDRESS, "addresses with commas between"),
    )


def _database_url(url: str) -> str:
    """An SQLite file is found from the working directory, whichever way the engine is started."""
    path = sqlite_path(url)
    if path is None and not url.startswith(("postgresql://", "postgresql+psycopg://")):
        raise WrongSetting(
            "LOYALTY_DATABASE_URL must be sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        )
    return f"sqlite:///{Path.cwd() / path}" if path else url
