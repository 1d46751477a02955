"""How many codes are sent: each cap at its limit and one beyond, by phone, address, prefix and day; and to whom at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import door_caps, phone_codes, sessions, tidying
from loyalty_engine.services.addresses import address_of
from loyalty_engine.store.session import db, in_transaction
from loyalty_engine.store.tables import door_counts, messages
from loyalty_engine.store.tables import phone_codes as code_rows
from rules.errors import TooMany
from tests.builders import PROGRAMME, publish
from tests.conftest import FrozenClock
from tests.doors import KNOWN, UNKNOWN, ask, refused
from tests.ledger import enrol

sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock", "shop")


@pytest.fixture
def shop() -> None:
    """A programme of Shanghai and a member with a phone."""
    publish()
    enrol(phone=KNOWN)


@pytest.fixture
def setting(application: Flask) -> Iterator[Any]:
    """A function that changes settings for a test."""
    before = application.extensions["loyalty_settings"]

    def change(**values: Any) -> None:
        application.extensions["loyalty_settings"] = replace(before, **values)

    yield change
    application.extensions["loyalty_settings"] = before


def numbers(count: int, prefix: str = "+8613800") -> list[str]:
    return [f"{prefix}{number:06d}" for number in range(138_000, 138_000 + count)]


def wait_of(phone: str, address: str = "203.0.113.7") -> int:
    """Return how long the refusal of a code says to wait."""
    with pytest.raises(TooMany) as error:
        sessions.ask_code(phone, "en", address)
    assert error.value.code == "too_many_codes"
    return error.value.retry_after


@pytest.mark.parametrize("phone", [KNOWN, UNKNOWN])
def test_a_phone_gets_three_codes_in_a_quarter_of_an_hour(frozen_clock: FrozenClock, phone: str) -> None:
    for _ in range(3):
        ask(phone)
        frozen_clock.move(timedelta(minutes=1))
    assert wait_of(phone) == 12 * 60
    frozen_clock.move(timedelta(minutes=12) - timedelta(seconds=1))
    assert wait_of(phone) == 1
    frozen_clock.move(timedelta(seconds=1))
    ask(phone)


@sqlite
def test_a_phone_gets_ten_codes_a_day(frozen_clock: FrozenClock) -> None:
    for _ in range(10):
        ask()
        frozen_clock.move(timedelta(minutes=16))
    assert wait_of(KNOWN) == (24 * 60 - 160) * 60
    frozen_clock.move(timedelta(minutes=24 * 60 - 160))
    ask()


@sqlite
def test_an_address_asks_for_twenty_codes_an_hour(frozen_clock: FrozenClock, setting: Any) -> None:
    for phone in numbers(20):
        ask(phone, "203.0.113.9")
    assert wait_of("+8613900139000", "203.0.113.9") == 3600
    ask("+8613900139000", "203.0.113.10")


@sqlite
def test_numbers_that_begin_alike_are_sent_so_many_codes_an_hour(frozen_clock: FrozenClock, setting: Any) -> None:
    setting(codes_per_prefix=5)
    for place, phone in enumerate(numbers(5)):
        ask(phone, f"203.0.113.{place}")
    assert wait_of("+8613811111111", "198.51.100.1") == 3600
    ask("+8613900139000", "198.51.100.1")
    frozen_clock.move(timedelta(hours=1))
    ask("+8613811111111", "198.51.100.1")


@sqlite
def test_so_many_codes_are_sent_a_day_in_all(frozen_clock: FrozenClock, setting: Any) -> None:
    setting(codes_a_day=4)
    for place, prefix in enumerate(("+8613800", "+8613900", "+8613700", "+8615000")):
        ask(numbers(1, prefix)[0], f"203.0.113.{place}")
    assert wait_of("+8615100138000", "198.51.100.1") == 24 * 3600
    with db.engine.connect() as connection:
        assert door_caps.sent_in_all(connection, clock.now()) == 4


@sqlite
def test_a_refused_code_counts_nowhere_and_leaves_the_earlier_one_good(setting: Any) -> None:
    code = [ask() for _ in range(3)][-1]
    before = counts()
    for _ in range(5):
        wait_of(KNOWN)
    assert counts() == before
    sessions.open_session(KNOWN, code)


def counts() -> list[int]:
    with db.engine.connect() as connection:
        return sorted(connection.scalars(sa.select(door_counts.c.used)))


@sqlite
def test_no_phone_and_no_address_stands_in_the_counts() -> None:
    ask()
    with db.engine.connect() as connection:
        rows = repr(connection.execute(sa.select(door_counts)).all())
    assert KNOWN.removeprefix("+86") not in rows
    assert "203.0.113.7" not in rows


@sqlite
@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("+861062880000", "phone_without_sms"),
        ("+864008001234", "phone_without_sms"),
        ("+85251234567", "phone_not_served"),
        ("+12015550123", "phone_not_served"),
        ("12", "phone_invalid"),
        ("+86138", "phone_invalid"),
        ("１３８００１３８０００", "phone_invalid"),
    ],
)
def test_a_number_that_gets_no_sms_is_refused_and_nothing_is_sent(phone: str, code: str) -> None:
    assert refused(sessions.ask_code, phone, "en", "203.0.113.7") == code
    with db.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(messages)) == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(code_rows)) == 0


@sqlite
def test_other_countries_are_written_to_where_the_setting_says_so(setting: Any) -> None:
    setting(sms_countries=("HK", "CN"))
    ask("+85251234567")
    ask(KNOWN)
    setting(sms_countries=("HK",))
    assert refused(sessions.ask_code, UNKNOWN, "en", "203.0.113.7") == "phone_not_served"


@sqlite
def test_a_programme_without_a_country_writes_to_nobody_until_the_setting_says_whom() -> None:
    publish(PROGRAMME.replace("Asia/Shanghai", "UTC"))
    assert refused(sessions.ask_code, UNKNOWN, "en", "203.0.113.7") == "phone_not_served"


@sqlite
def test_what_is_over_is_forgotten_a_day_later(frozen_clock: FrozenClock) -> None:
    ask()
    frozen_clock.move(timedelta(days=1) + phone_codes.GOOD_FOR)
    assert tidying.tidy()["codes"] == 0
    frozen_clock.move(timedelta(seconds=1))
    assert tidying.tidy()["codes"] == 1
    frozen_clock.move(timedelta(days=1))
    tidying.tidy()
    assert counts() == []


def test_a_count_that_is_over_begins_anew() -> None:
    def take(at: timedelta) -> bool:
        now = clock.now() + at
        return in_transaction(lambda to: door_caps.store.take(to, "key", 2, now, now + timedelta(hours=1)))

    assert [take(timedelta(minutes=one)) for one in (0, 30, 59, 60, 61, 62)] == [True, True, False, True, True, False]


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("203.0.113.7", None, (), "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", (), "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", ("10.0.0.0/8",), "10.0.0.3"),
        ("10.0.0.1", None, ("10.0.0.0/8",), "10.0.0.1"),
        ("10.0.0.1", "nonsense", ("10.0.0.0/8",), "unknown"),
        ("", "198.51.100.1", ("10.0.0.0/8",), "unknown"),
        (None, None, (), "unknown"),
        ("2001:db8::1", None, (), "2001:db8::/64"),
        ("2001:db8::ffff", None, (), "2001:db8::/64"),
        ("::ffff:203.0.113.7", None, (), "203.0.113.7"),
        ("::1", "2001:db8:1::5", ("::1/128",), "2001:db8:1::/64"),
    ],
)
@sqlite
def test_only_a_trusted_proxy_speaks_for_others(
    peer: str | None, forwarded: str | None, trusted: tuple[str, ...], expected: str
) -> None:
    assert address_of(peer, forwarded, trusted) == expected
