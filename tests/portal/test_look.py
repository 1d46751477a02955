"""Every page as a person meets it on a phone: readable for all (axe), no wider than the screen, in two languages, by night."""

from collections.abc import Callable

import pytest

from tests.portal.cafe import PURCHASE, STORE, Cafe
from tests.portal.phone import Phone

NewPhone = Callable[..., Phone]
OUTSIDE = ("/join", f"/join?store={STORE}", "/my/offline")
INSIDE = (
    "/my",
    "/my/card",
    "/my/vouchers",
    "/my/history",
    "/my/claims",
    "/my/consents",
    "/my/dates",
    "/my/profile",
    "/my/phone",
    "/my/sessions",
    "/my/export",
    "/my/erase",
    "/my/more",
)
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}


def pages(language: str) -> tuple[str, ...]:
    return (*INSIDE, f"/my/why/{STORE}/{PURCHASE.format(language)}")


def opened(phone: Phone, path: str) -> None:
    """Open a page, and all that is folded up on it."""
    phone.go(path)
    phone.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_a_member_has_no_fault(cafe: Cafe, new_phone: NewPhone, language: str) -> None:
    phone, faults = new_phone(cafe.tokens[language]), {}
    for path in pages(language):
        opened(phone, path)
        faults[path] = phone.faults()
    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_at_the_door_has_no_fault(new_phone: NewPhone, language: str) -> None:
    phone = new_phone(locale=LANGUAGES[language])
    for path in OUTSIDE:
        phone.go(path)
        assert phone.faults() == []
        assert phone.page.get_attribute("html", "lang") == {"en": "en", "zh": "zh-Hans"}[language]


def test_every_page_can_be_read_by_night(cafe: Cafe, new_phone: NewPhone) -> None:
    phone, faults = new_phone(cafe.tokens["en"], color_scheme="dark"), {}
    for path in pages("en"):
        opened(phone, path)
        faults[path] = phone.faults(only="color-contrast")
    phone.context.clear_cookies()
    phone.go("/join")
    faults["/join"] = phone.faults(only="color-contrast")
    assert {path: found for path, found in faults.items() if found} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_without_anything_to_show_say_what_would_be_there(cafe: Cafe, new_phone: NewPhone, language: str) -> None:
    _, token = cafe.newcomer("Bo", language)
    phone = new_phone(token)
    for path in ("/my", "/my/vouchers", "/my/history", "/my/dates"):
        phone.go(path)
        assert phone.faults() == []
        assert any(words in phone.text() for words in ("yet", "还没有", "No", "暂无")), path


def test_a_page_that_is_not_there_says_so_in_the_language_of_the_reader(cafe: Cafe, new_phone: NewPhone) -> None:
    for language, words in (("en", "There is nothing here"), ("zh", "这里没有内容")):
        phone = new_phone(cafe.tokens[language])
        phone.go("/my/treasure", status=404)
        assert words in phone.text()
        assert phone.faults() == []
