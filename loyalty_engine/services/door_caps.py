"""How many codes are sent: caps by phone, address, prefix and day, so that nobody makes money with our text messages.

Each cap counts from the first code of its span. What is counted is what is sent: a code that is refused counts nowhere.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import phonenumbers
import sqlalchemy as sa

from loyalty_engine.config import Settings
from loyalty_engine.services import deployment_secrets
from loyalty_engine.store import door_counts as store
from rules.errors import TooMany

_SECOND = timedelta(seconds=1)
_QUARTER, _HOUR, _DAY = timedelta(minutes=15), timedelta(hours=1), timedelta(days=1)
PER_PHONE: Final = ((3, _QUARTER), (10, _DAY))
_A_TILLS: Final = 10
"""How many times as many codes a till may ask for as an address."""
_PREFIX_DIGITS: Final = 3
_KEPT_UNDER: Final = "doors"
EVERYTHING: Final = "all"


class _Cap(NamedTuple):
    what: str
    which: str
    most: int
    span: timedelta


def prepare() -> None:
    """Have at hand, before a transaction begins, what the counts are kept under."""
    deployment_secrets.prepare(_KEPT_UNDER)


def take(
    connection: sa.Connection, settings: Settings, phone: str, address: str, now: datetime, is_till: bool = False
) -> None:
    """Count a code that is about to be sent, in the caller's transaction. Raises `TooMany`.

    A till's `address` is its token: a queue of members stands before one, so it may ask for more.

    What is shared by the most comes last, so that its row is locked for the shortest time, and in one order.
    """
    most_of_address = settings.codes_per_address * (_A_TILLS if is_till else 1)
    caps = (
        *(_Cap("phone", phone, most, span) for most, span in PER_PHONE),
        _Cap("till" if is_till else "address", address, most_of_address, _HOUR),
        _Cap("prefix", prefix(phone), settings.codes_per_prefix, _HOUR),
        _Cap(EVERYTHING, "", settings.codes_a_day, _DAY),
    )
    for cap in caps:
        key = _key(connection, cap)
        if not store.take(connection, key, cap.most, now, now + cap.span):
            wait = _wait(connection, key, now)
            detail = f"Too many codes were asked for; ask again in {wait} seconds."
            raise TooMany("too_many_codes", detail, wait, cap.most)


def take_try(connection: sa.Connection, settings: Settings, address: str, now: datetime) -> None:
    """Count a try at a code from an address, before the code is looked at. Raises `TooMany`.

    Else an address could go through the tries of any number of phones, and use them up for their owners.
    """
    cap = _Cap("tries", address, settings.codes_per_address * 3 // 2, _HOUR)
    key = _key(connection, cap)
    if not store.take(connection, key, cap.most, now, now + cap.span):
        wait = _wait(connection, key, now)
        detail = f"Too many codes were tried out from your address; go on in {wait} seconds."
        raise TooMany("too_many_tries", detail, wait, cap.most)


def sent_in_all(connection: sa.Connection, now: datetime) -> int:
    """Return how many codes were sent in the day's span that runs at `now`."""
    found = store.find(connection, _key(connection, _Cap(EVERYTHING, "", 0, _DAY)))
    return found[0] if found and found[1] > now else 0


def prefix(phone: str) -> str:
    """Return how a number begins: its country's code and three digits. Those who pump SMS own whole ranges."""
    number = phonenumbers.parse(phone)
    return f"+{number.country_code}{str(number.national_number)[:_PREFIX_DIGITS]}"


def _key(connection: sa.Connection, cap: _Cap) -> str:
    said = f"{cap.what}\0{cap.which}\0{int(cap.span.total_seconds())}"
    return hmac.new(deployment_secrets.secret(connection, _KEPT_UNDER), said.encode(), sha256).hexdigest()


def _wait(connection: sa.Connection, key: str, now: datetime) -> int:
    found = store.find(connection, key)
    return max(1, -((now - found[1]) // _SECOND)) if found else 1
