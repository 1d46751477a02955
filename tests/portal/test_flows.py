"""What members do on the pages, done with a browser against the served engine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_engine.services import members, tokens
from rules.errors import NotFound
from tests.builders import STAFF
from tests.portal.cafe import MEMBERS, PURCHASE, STORE, Cafe
from tests.portal.phone import Phone

NewPhone = Callable[..., Phone]


def sent_to(cafe: Cafe, phone: Phone, number: str) -> None:
    """Ask for a code, and type the one that came."""
    phone.fill("Phone number", number)
    phone.press("Send me a code")
    phone.page.wait_for_url("**/join/code")
    phone.fill("Code", cafe.code(number))
    phone.press("Go on")


def member_with(cafe: Cafe, number: str) -> members.Member:
    """Return the member whom a phone leads to."""
    with cafe.app.app_context():
        seen = members.look_up(members.MemberReference(phone=number))
        return members.find(seen.member_id)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_whoever_scans_the_code_at_the_door_joins_and_has_a_card(
    cafe: Cafe, new_phone: NewPhone, scripts: bool
) -> None:
    number = cafe.new_phone()
    phone = new_phone(java_script_enabled=scripts)
    phone.go(f"/join?store={STORE}")
    assert "Welcome to Nanjing Road" in phone.text()
    sent_to(cafe, phone, number)
    phone.page.wait_for_url("**/join/new")
    boxes = phone.page.get_by_role("checkbox")
    assert [boxes.nth(place).is_checked() for place in range(boxes.count())] == [False] * 2
    phone.fill("Name", "Lin Mei")
    phone.page.get_by_label("Lunar", exact=True).check()
    for label, value in (("Year", "1990"), ("Month", "5"), ("Day", "8")):
        phone.fill(label, value)
    phone.page.get_by_label("Good wishes").check()
    phone.press("Join")
    phone.page.wait_for_url("**/my")
    assert "Welcome! This is your card." in phone.text()
    assert phone.page.get_by_role("img", name="Code of your card, for the till").is_visible()
    found = member_with(cafe, number)
    assert (found.name, found.language, found.attributes) == ("Lin Mei", "en", {"joined_at": STORE})
    assert found.birthday is not None
    assert (found.birthday.calendar, found.birthday.year, found.birthday.month) == ("lunar", 1990, 5)
    assert [(one.channel, one.purpose, one.given) for one in found.consents] == [("sms", "greeting", True)]
    assert "On your birthday, your own dates and holidays" in found.consents[0].proof


def test_a_member_signs_in_by_the_same_door_and_out_again(cafe: Cafe, new_phone: NewPhone) -> None:
    number, _ = cafe.newcomer("Ada", "en")
    phone = new_phone()
    phone.go("/my/vouchers")
    assert phone.path == "/join"
    sent_to(cafe, phone, number)
    phone.page.wait_for_url("**/my")
    assert "Hello, Ada" in phone.text()
    phone.go("/my/more")
    phone.press("Sign out")
    phone.page.wait_for_url("**/join")
    assert "You are signed out on this device." in phone.text()
    phone.go("/my")
    assert phone.path == "/join"


def test_a_wrong_code_is_refused_with_the_remedy_in_the_language_of_the_browser(
    cafe: Cafe, new_phone: NewPhone
) -> None:
    number = cafe.new_phone()
    phone = new_phone(locale="zh-CN")
    phone.go("/join")
    phone.fill("手机号", "12")
    phone.press("发送验证码")
    assert "请输入能接收短信的手机号" in phone.text()
    assert phone.faults() == []
    phone.fill("手机号", number)
    phone.press("发送验证码")
    phone.page.wait_for_url("**/join/code")
    phone.fill("验证码", f"{(int(cafe.code(number)) + 1) % 10**6:06d}")
    phone.press("继续")
    assert "验证码不正确" in phone.text()
    assert phone.faults() == []
    phone.fill("验证码", cafe.code(number))
    phone.press("继续")
    phone.page.wait_for_url("**/join/new")
    for label, value in (("年", "2026"), ("月", "13"), ("日", "1")):
        phone.fill(label, value)
    phone.press("加入")
    assert "日期不存在或尚未到来" in phone.text()
    assert phone.page.get_by_label("月", exact=True).input_value() == "13"
    assert phone.faults() == []


def test_the_language_that_is_chosen_at_the_door_is_remembered(new_phone: NewPhone) -> None:
    phone = new_phone(locale="en-GB")
    phone.go("/join")
    phone.page.get_by_role("link", name="中文").click()
    phone.go("/join")
    assert "发送验证码" in phone.text()


def test_home_tells_points_level_and_what_is_missing(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"])
    phone.go("/my")
    told = phone.text()
    assert "6300 0000 0000 0020" in told
    assert "Gold" in told
    assert "more Beans until Black" in told
    assert "To keep Gold:" in told or "Gold is safe" in told
    assert "good through 31 Oct 2027" in told
    assert 0 < int(phone.page.locator("progress").get_attribute("value") or 0) < 100


def test_the_code_of_the_card_is_renewed_before_it_ends(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"])
    phone.page.clock.install()
    phone.go("/my/card")
    first = phone.page.locator("#card-letters").text_content()
    phone.page.evaluate("document.getElementById('card-letters').textContent = ''")
    with phone.page.expect_response("**/my/card/code"):
        phone.page.clock.run_for(50_000)
    phone.page.wait_for_function("document.getElementById('card-letters').textContent")
    assert phone.page.locator("#card-letters").text_content() == first
    assert not phone.page.locator("#card-old").is_visible()


def test_a_code_that_could_not_be_renewed_is_shown_as_old(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"])
    phone.page.clock.install()
    phone.go("/my/card")
    phone.context.set_offline(True)
    phone.page.clock.run_for(70_000)
    assert phone.page.locator("#card-old").is_visible()
    phone.context.set_offline(False)


def test_a_purchase_is_explained_in_words(cafe: Cafe, new_phone: NewPhone) -> None:
    for language, words in (("en", "more from Double beans on coffee before ten"), ("zh", "“十点前咖啡双倍豆”另送")):
        phone = new_phone(cafe.tokens[language])
        phone.go("/my/history")
        phone.page.locator(f"a[href$='{PURCHASE.format(language)}']").first.click()
        assert words in phone.text()


def test_the_history_has_pages(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"])
    phone.go("/my/history")
    assert phone.page.locator(".changes li").count() == 20
    phone.page.get_by_role("link", name="Older").click()
    assert 0 < phone.page.locator(".changes li").count() < 20
    phone.page.get_by_role("link", name="Back to the newest").click()
    assert phone.path == "/my/history"


def test_a_voucher_shows_its_code_to_read_and_to_scan(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"])
    phone.go("/my/vouchers")
    voucher = phone.page.locator(".voucher", has_text="¥5 off")
    assert "On 20.00 CNY or more" in voucher.inner_text()
    voucher.get_by_text("Show for scanning").click()
    assert voucher.get_by_role("img", name="Code of the voucher ¥5 off").is_visible()


def test_a_receipt_is_claimed_with_its_code_once(cafe: Cafe, new_phone: NewPhone) -> None:
    _, token = cafe.newcomer("Kim", "en")
    phone, code = new_phone(token), cafe.claim_code()
    phone.go("/my/claims")
    phone.fill("Code on the receipt", "Z5XB-H91R-NNF1")
    phone.press("Put it on my account")
    assert "There is no purchase with this code" in phone.text()
    phone.fill("Code on the receipt", code.lower().replace("-", " "))
    phone.press("Put it on my account")
    phone.page.wait_for_url("**/my/history")
    assert "The purchase is on your account now." in phone.text()
    assert "+48" in phone.text()
    phone.go("/my/claims")
    phone.fill("Code on the receipt", code)
    phone.press("Put it on my account")
    assert "on your account already" in phone.text()


def test_a_consent_is_given_and_taken_back_with_its_day(cafe: Cafe, new_phone: NewPhone) -> None:
    number, token = cafe.newcomer("Ola", "en")
    phone = new_phone(token)
    phone.go("/my/consents")
    switch = phone.page.get_by_role("switch", name="By text message Offers")
    assert switch.get_attribute("aria-checked") == "false"
    switch.click()
    assert phone.page.get_by_role("switch", name="By text message Offers").get_attribute("aria-checked") == "true"
    assert "Agreed on 22 Nov 2026" in phone.text()
    phone.page.get_by_role("switch", name="By text message About my points").click()
    assert "Turned off on 22 Nov 2026" in phone.text()
    said = {(one.channel, one.purpose): one.given for one in member_with(cafe, number).consents}
    assert said == {("sms", "marketing"): True, ("sms", "service"): False}


def test_own_dates_come_and_go(cafe: Cafe, new_phone: NewPhone) -> None:
    _, token = cafe.newcomer("Per", "en")
    phone = new_phone(token)
    phone.go("/my/dates")
    assert phone.page.locator("#name option").all_inner_texts() == ["Wedding", "Shop opening"]
    phone.fill("Day", "30")
    phone.fill("Month", "2")
    phone.press("Save")
    assert "This is no day of that calendar" in phone.text()
    phone.fill("Month", "6")
    phone.press("Save")
    assert "30 Jun" in phone.text()
    phone.press("Remove")
    assert "No dates yet" in phone.text()


def test_the_profile_is_changed_and_the_birthday_set_once(cafe: Cafe, new_phone: NewPhone) -> None:
    number, token = cafe.newcomer("Sam", "en")
    phone = new_phone(token)
    phone.go("/my/profile")
    phone.fill("E-mail", "sam@example.com")
    for label, value in (("Day", "29"), ("Month", "2")):
        phone.fill(label, value)
    phone.page.get_by_label("Language").select_option("zh")
    phone.press("Save")
    assert "已保存。" in phone.text()
    assert "2月29日。如需修改，请联系工作人员。" in phone.text()
    found = member_with(cafe, number)
    assert (found.email, found.language) == ("sam@example.com", "zh")


def test_a_new_phone_number_is_proved_by_a_code(cafe: Cafe, new_phone: NewPhone) -> None:
    _, token = cafe.newcomer("Eva", "en")
    phone, number = new_phone(token), cafe.new_phone()
    phone.go("/my/phone")
    phone.fill("New phone number", number)
    phone.press("Send me a code")
    phone.page.wait_for_url("**/my/phone/code")
    assert phone.faults() == []
    phone.fill("Code", cafe.code(number))
    phone.press("Save")
    phone.page.wait_for_url("**/my/profile")
    assert "Your phone number is changed." in phone.text()
    assert member_with(cafe, number).name == "Eva"


def test_another_device_is_signed_out(cafe: Cafe, new_phone: NewPhone) -> None:
    number, token = cafe.newcomer("Uli", "en")
    other = cafe.sign_in(number)
    phone, lost = new_phone(token), new_phone(other)
    phone.go("/my/sessions")
    assert phone.page.locator(".rows li").count() == 2
    phone.press("Sign it out")
    assert "That device is signed out." in phone.text()
    assert phone.page.locator(".rows li").count() == 1
    lost.go("/my")
    assert lost.path == "/join"


def test_a_member_takes_its_data_along_and_leaves(cafe: Cafe, new_phone: NewPhone, tmp_path: Path) -> None:
    number, token = cafe.newcomer("Zoe", "en")
    phone = new_phone(token)
    phone.go("/my/export")
    with phone.page.expect_download() as taken:
        phone.page.get_by_role("link", name="Download").click()
    taken.value.save_as(tmp_path / "mine.json")
    assert "Zoe" in json.dumps(json.loads((tmp_path / "mine.json").read_text()))
    phone.go("/my/erase")
    phone.page.get_by_label("Yes, erase everything about me").check()
    phone.press("Erase for good")
    phone.page.wait_for_url("**/join")
    assert "Your personal data is erased." in phone.text()
    with cafe.app.app_context(), pytest.raises(NotFound):
        members.look_up(members.MemberReference(phone=number))


def test_leaving_long_after_signing_in_takes_a_code(cafe: Cafe, new_phone: NewPhone) -> None:
    number, _ = cafe.newcomer("Ivo", "en")
    with cafe.app.app_context():
        token = tokens.for_member(STAFF, member_with(cafe, number).member_id).text
    phone = new_phone(token)
    phone.go("/my/erase")
    phone.page.get_by_label("Yes, erase everything about me").check()
    phone.press("Erase for good")
    phone.page.wait_for_url("**/my/erase/code")
    assert phone.faults() == []
    phone.fill("Code", cafe.code(number))
    phone.page.get_by_label("Yes, erase everything about me").check()
    phone.press("Erase for good")
    phone.page.wait_for_url("**/join")


def test_a_phone_can_install_it_and_shows_the_shell_without_a_connection(cafe: Cafe, new_phone: NewPhone) -> None:
    phone = new_phone(cafe.tokens["en"], service_workers="allow")
    phone.go("/my")
    phone.page.evaluate("navigator.serviceWorker.ready")
    phone.page.wait_for_function("caches.match('/my/offline').then(Boolean)")
    kept = phone.page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name).then(one => one.keys()))))"
        ".then(all => all.flat().map(one => new URL(one.url).pathname))"
    )
    assert sorted(kept) == [
        "/my/offline",
        *(f"/my/static/{name}" for name in ("colours.css", "mark.svg", "page.css", "page.js")),
    ]
    phone.page.reload()
    phone.context.set_offline(True)
    phone.page.goto(cafe.address + "/my/vouchers")
    assert "No connection" in phone.text()
    assert MEMBERS["en"][0] not in phone.page.content()
    phone.context.set_offline(False)
