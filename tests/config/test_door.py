"""The settings of the members' door: what is read from the environment, and what is refused there."""

import pytest

from loyalty_engine.config import Settings, WrongSetting, from_environment


def test_without_settings_the_door_is_careful() -> None:
    found = from_environment({})
    assert found == Settings(database_url=found.database_url)
    assert (found.session_days, found.sms_countries, found.trusted_proxies) == (90, (), ())
    assert (found.codes_per_address, found.codes_per_prefix, found.codes_a_day) == (20, 100, 5_000)


def test_the_door_is_set_by_the_environment() -> None:
    found = from_environment(
        {
            "LOYALTY_SESSION_DAYS": "7",
            "LOYALTY_SMS_COUNTRIES": "CN, HK,",
            "LOYALTY_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,::1",
            "LOYALTY_CODES_PER_ADDRESS": "200",
            "LOYALTY_CODES_PER_PREFIX": "1",
            "LOYALTY_CODES_A_DAY": "1000000",
        }
    )
    assert (found.session_days, found.sms_countries) == (7, ("CN", "HK"))
    assert found.trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8", "::1/128")
    assert (found.codes_per_address, found.codes_per_prefix, found.codes_a_day) == (200, 1, 1_000_000)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LOYALTY_SESSION_DAYS", "0"),
        ("LOYALTY_SMS_COUNTRIES", "China"),
        ("LOYALTY_SMS_COUNTRIES", "cn"),
        ("LOYALTY_SMS_COUNTRIES", "CN HK"),
        ("LOYALTY_TRUSTED_PROXIES", "proxy.example.com"),
        ("LOYALTY_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("LOYALTY_CODES_A_DAY", "many"),
    ],
)
def test_a_setting_of_the_door_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=name):
        from_environment({name: text})
