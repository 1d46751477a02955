"""Settings of sending: what is not set reaches nobody, and what can't be right is said before anything starts."""

import pytest

from loyalty_engine.channels.console import Console
from loyalty_engine.config import WrongSetting, from_environment
from loyalty_engine.services.gateways import made

TWILIO = {
    "LOYALTY_SMS": "twilio",
    "LOYALTY_TWILIO_ACCOUNT": "AC" + "a" * 32,
    "LOYALTY_TWILIO_TOKEN": "secret-token",
    "LOYALTY_TWILIO_FROM": "+15005550006",
    "LOYALTY_PUBLIC_URL": "https://club.example/",
}
SMTP = {"LOYALTY_EMAIL": "smtp", "LOYALTY_SMTP_HOST": "mail.example", "LOYALTY_EMAIL_FROM": "club@shop.example"}


def test_without_settings_everything_is_printed_and_nobody_is_reached() -> None:
    gateways = made(from_environment({}))
    assert {name: type(one.channel) for name, one in gateways.items()} == {"sms": Console, "email": Console}


def test_credentials_alone_text_nobody() -> None:
    without = {name: text for name, text in TWILIO.items() if name != "LOYALTY_SMS"}
    assert isinstance(made(from_environment(without))["sms"].channel, Console)


def test_with_all_of_them_texts_and_mail_leave() -> None:
    settings = from_environment(TWILIO | SMTP | {"LOYALTY_SMS_ONLY_TO": "+8613800000001, +8613800000002"})
    gateways = made(settings)
    assert [one.channel.provider for one in gateways.values()] == ["twilio", "smtp"]
    assert settings.public_url == "https://club.example"
    assert (gateways["sms"].may_reach("+8613800000001"), gateways["sms"].may_reach("+8613800000003")) == (True, False)
    assert gateways["email"].may_reach("anybody@example.com")
    assert "secret-token" not in repr(settings)


@pytest.mark.parametrize(
    "missing", ["LOYALTY_TWILIO_ACCOUNT", "LOYALTY_TWILIO_TOKEN", "LOYALTY_TWILIO_FROM", "LOYALTY_PUBLIC_URL"]
)
def test_twilio_needs_all_of_its_settings(missing: str) -> None:
    with pytest.raises(WrongSetting, match=missing):
        from_environment({name: text for name, text in TWILIO.items() if name != missing})


@pytest.mark.parametrize("missing", ["LOYALTY_SMTP_HOST", "LOYALTY_EMAIL_FROM"])
def test_smtp_needs_all_of_its_settings(missing: str) -> None:
    with pytest.raises(WrongSetting, match=missing):
        from_environment({name: text for name, text in SMTP.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LOYALTY_SMS", "Twilio"),
        ("LOYALTY_EMAIL", "sendmail"),
        ("LOYALTY_TWILIO_ACCOUNT", "AC123"),
        ("LOYALTY_TWILIO_FROM", "12345"),
        ("LOYALTY_TWILIO_SERVICE", "MGxyz"),
        ("LOYALTY_TWILIO_URL", "http://api.example"),
        ("LOYALTY_PUBLIC_URL", "http://club.example"),
        ("LOYALTY_PUBLIC_URL", "club.example"),
        ("LOYALTY_PUBLIC_URL", "https://user@club.example"),
        ("LOYALTY_PUBLIC_URL", "https://club.example/?x=1"),
        ("LOYALTY_SMS_PER_SECOND", "0"),
        ("LOYALTY_SMS_PER_SECOND", "1001"),
        ("LOYALTY_SMS_ONLY_TO", "+8613800000001;13800000002"),
        ("LOYALTY_EMAIL_ONLY_TO", "nobody"),
        ("LOYALTY_EMAIL_FROM", "nobody"),
        ("LOYALTY_SMTP_PORT", "65536"),
        ("LOYALTY_SMTP_SECURITY", "none"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(WrongSetting, match=name):
        from_environment(TWILIO | SMTP | {name: text})


@pytest.mark.parametrize("text", ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_this_machine_may_be_reached_in_the_clear(text: str) -> None:
    assert from_environment({"LOYALTY_PUBLIC_URL": text}).public_url == text
