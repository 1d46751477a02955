"""What a message says: places filled once and for all, in the member's language, signed, and with the way to refuse."""

from dataclasses import replace
from typing import Any

import pytest

from rules.document import read
from rules.errors import Problem
from rules.message_texts import PlaceMissing, Spoken, fits, longest_segments, said, sms, spoken
from rules.messages import BUILT_IN, channel_for, is_allowed, template_of
from rules.programme import Programme, Template
from tests.rules.documents import document

HELLO = Template(
    "hello",
    "greeting",
    {
        "en": "Hi {salutation}: {points} {wallet} until {valid_until}.",
        "zh": "{salutation},{points}{wallet}至{valid_until}。",
    },
)


def programme(**messages: Any) -> Programme:
    written = document()
    written["messages"] |= messages
    found = read(written)
    assert isinstance(found, Programme), found
    return found


def problems(**messages: Any) -> list[str]:
    written = document()
    written["messages"] |= messages
    found = read(written)
    assert isinstance(found, tuple)
    assert all(isinstance(one, Problem) for one in found)
    return [str(one) for one in found]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Hi Anna: 1,250 Beans until 31 January 2027."),
        ("zh", "Anna,1,250咖啡豆至2027年1月31日。"),
        ("zh-Hant", "Anna,1,250咖啡豆至2027年1月31日。"),
        ("fr", "Hi Anna: 1,250 Beans until 31 January 2027."),
    ],
)
def test_numbers_days_and_names_are_said_in_the_language_of_the_text(language: str, text: str) -> None:
    places = {"points": 1250, "wallet": "beans", "valid_until": "2027-01-31"}
    assert said(programme(), HELLO, language, places, "Anna").text == text


def test_what_is_filled_in_is_never_read_as_a_template() -> None:
    template = Template("t", "greeting", {"en": "{reward} {points}"})
    found = said(programme(), template, "en", {"reward": "{points}{salutation}", "points": 3}, "Anna")
    assert found.text == "{points}{salutation} 3"


def test_a_place_without_a_value_is_an_error_and_no_hole() -> None:
    with pytest.raises(PlaceMissing, match="valid_until"):
        said(programme(), HELLO, "en", {"points": 1, "wallet": "beans"}, "Anna")


@pytest.mark.parametrize(
    ("texts", "language", "found"),
    [
        ({"en": "a", "zh": "b"}, "zh", "b"),
        ({"en": "a", "zh": "b"}, "zh-Hant", "b"),
        ({"en": "a", "zh-Hant": "c", "zh-Hans": "b"}, "zh-Hant", "c"),
        ({"en": "a", "zh-Hant": "c"}, "zh", "c"),
        ({"zh": "b", "en": "a"}, "fr", "a"),
        ({"zh": "b"}, "fr", "b"),
        ({"": "x"}, "fr", "x"),
        ({}, "fr", ""),
    ],
)
def test_the_nearest_language_is_taken(texts: dict[str, str], language: str, found: str) -> None:
    assert spoken(texts, language).text == found


@pytest.mark.parametrize(
    ("purpose", "language", "signature", "text"),
    [
        ("greeting", "zh", {"zh": "【茶】"}, "【茶】好。"),
        ("marketing", "zh", {"zh": "【茶】"}, "【茶】好。拒收请回复R"),
        ("service", "zh", {"zh": "茶"}, "【茶】好。"),
        ("marketing", "zh", {"en": "Tea"}, "【{name}】好。拒收请回复R"),
        ("greeting", "en", {"zh": "【茶】"}, "好。"),
        ("greeting", "en", {"en": "Tea"}, "Tea: 好。"),
        ("marketing", "en", {"en": "[Tea]"}, "[Tea] 好。 Reply STOP to opt out"),
    ],
)
def test_chinese_texts_are_signed_and_marketing_says_how_to_refuse(
    purpose: str, language: str, signature: dict[str, str], text: str
) -> None:
    shop = programme(signature=signature)
    name = spoken(shop.name, "zh").text
    assert sms(shop, purpose, [Spoken(language, "好。")]) == text.replace("{name}", name)


def test_several_go_out_as_one_text_with_one_signature_and_one_way_to_refuse() -> None:
    shop = programme(signature={"zh": "【茶】"})
    assert sms(shop, "marketing", [Spoken("zh", "一。"), Spoken("zh", "二。")]) == "【茶】一。二。拒收请回复R"
    assert sms(shop, "marketing", [Spoken("en", "One."), Spoken("en", "Two.")]) == "One. Two. Reply STOP to opt out"


@pytest.mark.parametrize(("length", "good"), [(201 - 3, True), (202 - 3, False)])
def test_three_segments_are_the_most(length: int, good: bool) -> None:
    assert fits(sms(programme(signature={"zh": "【茶】"}), "greeting", [Spoken("zh", "好" * length)])) == good


@pytest.mark.parametrize(
    ("purpose", "said", "answer"),
    [
        ("service", None, True), ("service", True, True), ("service", False, False),
        ("greeting", None, False), ("greeting", True, True), ("greeting", False, False),
        ("marketing", None, False), ("marketing", True, True), ("marketing", False, False),
        ("code", None, True), ("code", False, True),
    ],
)  # fmt: skip
def test_service_goes_unless_refused_the_rest_only_where_agreed_and_codes_always(
    purpose: str, said: bool | None, answer: bool
) -> None:
    assert is_allowed(purpose, said) == answer


@pytest.mark.parametrize(
    ("channels", "addresses", "agreed", "found"),
    [
        (("sms", "email"), {"sms", "email"}, {"sms", "email"}, ("sms", None)),
        (("email", "sms"), {"sms", "email"}, {"sms", "email"}, ("email", None)),
        (("sms", "email"), {"sms", "email"}, {"email"}, ("email", None)),
        (("sms", "email"), {"email"}, {"sms", "email"}, ("email", None)),
        (("sms", "email"), {"sms", "email"}, set(), ("sms", "no_consent")),
        (("sms", "email"), {"email"}, {"sms"}, ("email", "no_consent")),
        (("sms",), {"email"}, {"email"}, ("sms", "no_address")),
        (("email", "sms"), set(), {"sms"}, ("email", "no_address")),
    ],
)
def test_the_first_channel_with_an_address_and_consent_is_taken(
    channels: Any, addresses: set[str], agreed: set[str], found: tuple[str, str | None]
) -> None:
    template = replace(HELLO, channels=channels)
    consents = {(channel, "greeting"): True for channel in agreed}
    assert channel_for(template, "greeting", consents, frozenset(addresses)) == found


def test_a_programmes_own_template_stands_for_a_built_in_one_of_its_id() -> None:
    own = {"id": "redeemed", "purpose": "service", "en": "{points} gone"}
    shop = programme(templates=[{"id": "hello", "purpose": "greeting", "en": "Hello"}, own])
    found = template_of(shop, "redeemed")
    assert found is not None
    assert found.texts == {"en": "{points} gone"}
    assert template_of(programme(), "redeemed") is BUILT_IN["redeemed"]
    assert template_of(programme(), "nothing") is None


@pytest.mark.parametrize("template", BUILT_IN.values(), ids=lambda one: one.id)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_every_programme_says_is_there_in_both_languages_and_short(template: Template, language: str) -> None:
    assert set(template.texts) == {"en", "zh"}
    assert longest_segments(programme(), template, language) <= 2


# Told before it is published


@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            {"id": "hello", "purpose": "greeting", "en": "{years} years"},
            (
                'messages.templates[0].en: the occasion "birthday" has no value for {years} (it can fill {level}, {points},'
                " {programme}, {reward}, {salutation}, {valid_until}, {wallet})"
            ),
        ),
        (
            {"id": "hello", "purpose": "greeting", "en": "Hi", "zh": "{expires_on}到期"},
            (
                'messages.templates[0].zh: the occasion "birthday" has no value for {expires_on} (it can fill {level},'
                " {points}, {programme}, {reward}, {salutation}, {valid_until}, {wallet})"
            ),
        ),
        (
            {"id": "hello", "purpose": "greeting", "en": "Hi", "zh": "茶" * 190},
            (
                "messages.templates[0].zh: with its longest values the text takes 4 segments; at most 3 are sent"
                " (shorten it)"
            ),
        ),
        (
            {"id": "hello", "purpose": "greeting", "en": "Hi", "channels": ["sms"], "subject": "Hi"},
            'messages.templates[0].subject: only an e-mail has a subject, and "channels" has none (leave it out)',
        ),
        (
            {"id": "hello", "purpose": "greeting", "en": "Hi", "channels": ["sms", "sms"]},
            'messages.templates[0].channels[1]: "sms" is listed twice (name it once)',
        ),
    ],
)
def test_a_template_that_would_fail_when_it_is_sent_is_told_of_before_it_is_published(
    template: dict[str, Any], told: str
) -> None:
    signature = {"zh": "【" + "茶" * 12 + "】"}
    assert told in problems(
        templates=[template], signature=signature, expiry_notices={"days_before": [7], "template": "hello"}
    )


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            {"id": "redeemed", "purpose": "service", "en": "{reward}"},
            (
                'messages.templates[1].en: the message "redeemed" has no value for {reward} (it can fill {balance}, {level},'
                " {points}, {programme}, {salutation}, {wallet})"
            ),
        ),
        (
            {"id": "everything", "purpose": "service", "en": "Hi"},
            'messages.templates[1].id: "everything" is what is paused when all of them are (give it another id)',
        ),
        (
            {"id": "redeemed", "purpose": "marketing", "en": "{points}"},
            'messages.templates[1].purpose: "redeemed" tells members what happened (write service)',
        ),
        (
            {"id": "code", "purpose": "service", "en": "{code}", "channels": ["email"]},
            "messages.templates[1].channels: a one-time code is sent by SMS, which proves the telephone (write [sms])",
        ),
    ],
)
def test_an_own_text_for_what_every_programme_says_has_its_places_and_purpose(own: dict[str, Any], told: str) -> None:
    assert problems(templates=[{"id": "hello", "purpose": "greeting", "en": "Hi"}, own]) == [told]


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        ({"sms": "-1"}, 'messages.cost.sms: "-1" is not a number (write at most 6 decimals, such as 1.5)'),
        ({"sms": 1001}, "messages.cost.sms: 1001 is out of bounds (write a number from 0 up to 1000)"),
        ({"fax": "1"}, 'messages.cost.fax: unknown key "fax" (known here: "sms")'),
    ],
)
def test_what_a_segment_costs_is_an_exact_number(cost: dict[str, Any], told: str) -> None:
    assert problems(cost=cost) == [told]


def test_channels_subjects_and_costs_are_read_and_written_back() -> None:
    from rules.document import write

    template = {"id": "hello", "purpose": "greeting", "en": "Hi", "channels": ["email", "sms"], "subject": {"en": "Hi"}}
    shop = programme(cost={"sms": "0.045"}, templates=[template])
    assert read(write(shop)) == shop
    written = write(shop)["messages"]
    assert written["cost"] == {"sms": "0.045"}
    assert written["templates"] == [template]
