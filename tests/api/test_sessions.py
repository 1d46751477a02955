"""The members' own door over HTTP: the same for every phone, private answers, and a member from its first code to its end."""

import re
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from loyalty_engine.services import enrolment, sessions
from loyalty_engine.services.enrolment import NewMember
from tests import builders
from tests.api.conftest import Caller, Shop, purchase
from tests.doors import KNOWN, UNKNOWN, sent

sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = [pytest.mark.usefixtures("frozen_clock"), sqlite]


def ask(shop: Shop, phone: str = KNOWN, **more: Any) -> TestResponse:
    return shop.nobody("POST", "/v1/sessions/codes", json={"phone": phone, **more})


def code_of(shop: Shop, phone: str = KNOWN) -> str:
    """Have a code sent and return it."""
    assert ask(shop, phone).status_code == 202
    with shop.app.app_context():
        return sent(phone)


def open_session(shop: Shop, phone: str, code: str, **more: Any) -> TestResponse:
    return shop.nobody("POST", "/v1/sessions", json={"phone": phone, "code": code, **more})


@pytest.fixture
def ann(shop: Shop) -> Caller:
    """A member with a phone who signed in with a code."""
    with shop.app.app_context():
        builders.done(enrolment.enrol_in, builders.ADMIN, NewMember(phone=KNOWN, name="Ann", language="zh"))
    made = open_session(shop, KNOWN, code_of(shop), device="Ann's phone").json
    return Caller(shop.member.client, made["token"], made["member_id"])


def test_asking_for_a_code_answers_the_same_for_every_phone(shop: Shop, ann: Caller) -> None:
    answers = [ask(shop, phone) for phone in (KNOWN, UNKNOWN)]
    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].data == answers[1].data
    assert answers[0].json == {"good_for_seconds": 300}
    assert b"loyalty_codes_sent 3.0" in shop.nobody("GET", "/metrics").data


def test_a_wrong_code_answers_the_same_for_every_phone(shop: Shop, ann: Caller) -> None:
    told = []
    for phone in (KNOWN, UNKNOWN):
        code_of(shop, phone)
        told.append([open_session(shop, phone, "nonsense").data for _ in range(6)])
    assert told[0] == told[1]


def test_a_newcomer_enrols_with_the_code_and_is_signed_in(shop: Shop) -> None:
    code = code_of(shop, UNKNOWN)
    first = open_session(shop, UNKNOWN, code)
    assert (first.status_code, first.json["code"]) == (409, "not_a_member")
    wrong = {"name": "Bo\x00", "birthday": {"month": 2, "day": 30}, "rank": "king"}
    refused = open_session(shop, UNKNOWN, code, enrol=wrong)
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"enrol.name", "enrol.rank"}
    refused = open_session(shop, UNKNOWN, code, enrol={"birthday": {"month": 2, "day": 30}})
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"birthday"})
    person = {"name": "Bo", "language": "zh", "birthday": {"month": 8, "day": 15, "calendar": "lunar"}}
    said = {"consents": [{"channel": "sms", "purpose": "greeting"}]}
    made = open_session(shop, UNKNOWN, code, enrol=person | said, device="a tablet")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    me = Caller(shop.member.client, made.json["token"])("GET", "/v1/me").json
    assert (me["name"], me["phone"], me["language"]) == ("Bo", UNKNOWN, "zh")
    (consent,) = me["consents"]
    assert (consent["channel"], consent["given"]) == ("sms", True)
    assert consent["proof"] == "said by the member, at enrolment"


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("/v1/sessions/codes", {}, {"phone"}),
        ("/v1/sessions/codes", {"phone": KNOWN, "purpose": "x"}, {"purpose"}),
        ("/v1/sessions/codes", {"phone": KNOWN, "language": "!"}, {"language"}),
        ("/v1/sessions/codes", {"phone": 13800138000}, {"phone"}),
        ("/v1/sessions/codes", {"phone": KNOWN + "\n"}, {"phone"}),
        ("/v1/sessions/codes", {"phone": "1"}, {"phone"}),
        ("/v1/sessions", {"phone": KNOWN}, {"code"}),
        ("/v1/sessions", {"phone": KNOWN, "code": 123456}, {"code"}),
        ("/v1/sessions", {"phone": KNOWN, "code": "1" * 65}, {"code"}),
        ("/v1/sessions", {"phone": KNOWN, "code": "123456", "device": "a\x1bb"}, {"device"}),
        ("/v1/sessions", {"phone": KNOWN, "code": "123456", "enrol": {"segments": []}}, {"enrol.segments"}),
        ("/v1/sessions", {"phone": KNOWN, "code": "123456", "enrol": {"attributes": {}}}, {"enrol.attributes"}),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_field(
    shop: Shop, path: str, body: dict[str, Any], errors: set[str]
) -> None:
    answer = shop.nobody("POST", path, json=body)
    assert (answer.status_code, set(answer.json["errors"])) == (422, errors)


def test_no_phone_stands_in_an_address(shop: Shop) -> None:
    answer = shop.nobody("POST", f"/v1/sessions/codes?phone={UNKNOWN}", json={"phone": UNKNOWN})
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"phone"})


def test_over_a_cap_is_told_when_to_ask_again(shop: Shop, ann: Caller) -> None:
    for phone, more in ((KNOWN, 2), (UNKNOWN, 3)):
        answers = [ask(shop, phone) for _ in range(more + 1)]
        assert [one.status_code for one in answers] == [202] * more + [429]
        assert answers[-1].json["code"] == "too_many_codes"
        assert answers[-1].headers["Retry-After"] == "900"


def test_a_proxy_that_is_not_trusted_speaks_for_nobody(shop: Shop) -> None:
    answers = [
        shop.nobody(
            "POST",
            "/v1/sessions/codes",
            json={"phone": f"+86138{number:02d}138000"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        ).status_code
        for number in range(21)
    ]
    assert answers == [202] * 20 + [429]


def test_sessions_are_listed_and_ended(shop: Shop, ann: Caller) -> None:
    other = open_session(shop, KNOWN, code_of(shop), device="a tablet").json
    listed = ann("GET", "/v1/me/sessions").json["sessions"]
    assert {one["device"]: one["current"] for one in listed} == {"Ann's phone": True, "a tablet": False}
    assert ann("DELETE", f"/v1/me/sessions/{other['session_id']}").status_code == 204
    assert Caller(shop.member.client, other["token"])("GET", "/v1/me").status_code == 401
    assert ann("DELETE", f"/v1/me/sessions/{other['session_id']}").json["code"] == "session_not_found"
    assert shop.member("DELETE", f"/v1/me/sessions/{listed[0]['session_id']}").status_code == 404
    assert ann("DELETE", "/v1/sessions/current").status_code == 204
    assert ann("GET", "/v1/me").status_code == 401


def test_a_member_changes_its_details(shop: Shop, ann: Caller) -> None:
    changed = ann("PATCH", "/v1/me", json={"name": "Ann Li", "time_zone": "Europe/Berlin", "email": "a@example.com"})
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["time_zone"]) == ("Ann Li", "Europe/Berlin")
    born = {"birthday": {"month": 4, "day": 1, "year": 1990}}
    assert ann("PATCH", "/v1/me", json=born).status_code == 200
    assert ann("PATCH", "/v1/me", json=born).status_code == 200
    again = ann("PATCH", "/v1/me", json={"birthday": {"month": 4, "day": 2, "year": 1990}})
    assert (again.status_code, again.json["code"]) == (403, "birthday_set")
    for wrong in ({"segments": ["vip"]}, {"attributes": {}}, {"reason": "I want"}, {"phone": None}, {"name": "a\x7fb"}):
        assert ann("PATCH", "/v1/me", json=wrong).status_code == 422, wrong


def test_a_member_changes_its_phone_with_the_code_that_it_was_sent(shop: Shop, ann: Caller) -> None:
    needed = ann("PATCH", "/v1/me", json={"phone": UNKNOWN})
    assert (needed.status_code, set(needed.json["errors"])) == (422, {"code"})
    assert ann("POST", "/v1/me/codes", json={"purpose": "phone_change"}).status_code == 422
    assert ann("POST", "/v1/me/codes", json={"purpose": "lunch"}).status_code == 422
    assert ann("POST", "/v1/me/codes", json={"purpose": "phone_change", "phone": UNKNOWN}).status_code == 202
    with shop.app.app_context():
        code = sent(UNKNOWN)
    assert ann("PATCH", "/v1/me", json={"phone": UNKNOWN, "code": code}).json["phone"] == UNKNOWN


def test_consents_are_said_with_their_proof(shop: Shop, ann: Caller) -> None:
    before = ann("GET", "/v1/me/consents").json["consents"]
    assert len(before) == 6
    assert {one["given"] for one in before} == {None}
    after = ann("PUT", "/v1/me/consents/sms/marketing", json={"given": True}).json["consents"]
    (said,) = [one for one in after if one["given"] is not None]
    assert re.fullmatch(r"said by the member, signed in as member:[0-9a-f]{16}", said["proof"])
    assert ann("PUT", "/v1/me/consents/pigeon/marketing", json={"given": True}).status_code == 422
    assert ann("PUT", "/v1/me/consents/sms/marketing", json={"given": None}).status_code == 422


def test_the_card_has_a_code_that_a_camera_reads(ann: Caller) -> None:
    card = ann("GET", "/v1/me/card")
    assert card.headers["Cache-Control"] == "no-store"
    assert card.json["qr"].startswith("data:image/svg+xml")
    assert len(card.json["token"]) == 48
    drawing = ann("GET", "/v1/me/card.svg")
    assert drawing.content_type == "image/svg+xml"
    assert drawing.data.startswith(b"<svg")


def test_entries_say_in_the_members_language_what_they_were_and_lead_to_why(shop: Shop) -> None:
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).status_code == 201
    chinese = shop.member("GET", "/v1/me/ledger?language=zh").json["entries"][0]
    assert chinese["said"] == "获得积分"
    english = shop.member("GET", "/v1/me/ledger", headers={"Accept-Language": "en"}).json["entries"][0]
    assert (english["said"], english["about"]) == ("Earned", "purchase T7-20261122-0042 at s-1")
    why = shop.member("GET", english["explanation"]).json
    assert (why["purchase_id"], why["wallets"][0]["wallet"]) == ("T7-20261122-0042", "leaves")
    assert shop.member("GET", english["explanation"] + "?language=zh").json["wallets"] != why["wallets"]
    assert shop.staff("GET", f"/v1/members/{shop.member_id}/ledger").json["entries"][0]["explanation"] is None


def test_another_members_purchase_is_not_explained(shop: Shop, ann: Caller) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    link = shop.member("GET", "/v1/me/ledger").json["entries"][0]["explanation"]
    assert ann("GET", link).json["code"] == "purchase_not_found"


def test_everything_that_is_kept_can_be_seen(shop: Shop, ann: Caller) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    told = shop.member("GET", "/v1/me/export")
    assert told.headers["Cache-Control"] == "no-store"
    assert told.json["tables"]["profiles"][0]["name"] == "Lin Wei"
    assert told.json["tables"]["purchases"][0]["purchase_key"] == "s-1/T7-20261122-0042"
    assert "Ann" not in told.get_data(as_text=True)
    assert shop.staff("GET", f"/v1/members/{ann.actor_id}/export").json["tables"]["profiles"][0]["name"] == "Ann"


def test_a_member_leaves_right_after_signing_in_or_with_a_code(shop: Shop, ann: Caller, frozen_clock: Any) -> None:
    frozen_clock.move(timedelta(minutes=10))
    later = ann("DELETE", "/v1/me")
    assert (later.status_code, later.json["code"]) == (403, "code_needed")
    assert ann("DELETE", "/v1/me", json={"code": "000000"}).json["code"] == "code_wrong"
    assert ann("POST", "/v1/me/codes", json={"purpose": "erasure"}).status_code == 202
    with shop.app.app_context():
        code = sent(KNOWN)
    assert open_session(shop, KNOWN, code).json["code"] == "code_wrong"
    gone = ann("DELETE", "/v1/me", json={"code": code})
    assert (gone.status_code, gone.json["status"]) == (200, "erased")
    assert ann("GET", "/v1/me").status_code == 401


def test_whoever_signed_in_a_moment_ago_leaves_at_once(shop: Shop, ann: Caller, frozen_clock: Any) -> None:
    assert shop.member("DELETE", "/v1/me").json["code"] == "code_needed"
    frozen_clock.move(timedelta(minutes=9, seconds=59))
    assert ann("DELETE", "/v1/me").status_code == 200
    with shop.app.app_context():
        assert sessions.sessions_of(ann.actor_id or "") == ()


def test_staff_erase_with_a_reason_once(shop: Shop) -> None:
    path = f"/v1/members/{shop.member_id}/erase"
    assert shop.staff("POST", path, json={}).status_code == 422
    assert shop.staff("POST", path, json={"reason": "wrote from a@example.com"}).json["code"] == "reason_personal"
    headers = {"Idempotency-Key": "k1"}
    first = shop.staff("POST", path, json={"reason": "asked by letter"}, headers=headers)
    assert first.status_code == 200
    assert shop.staff("POST", path, json={"reason": "asked by letter"}, headers=headers).data == first.data
    assert shop.staff("POST", path, json={"reason": "asked by letter"}).status_code == 404
    assert shop.staff("GET", f"/v1/members/{shop.member_id}").status_code == 404


def test_codes_are_tried_thirty_times_an_hour_from_an_address(shop: Shop) -> None:
    found = [open_session(shop, f"+86139001{number:05}", "000000") for number in range(31)]
    assert [one.status_code for one in found] == [403] * 30 + [429]
    assert (found[-1].json["code"], found[-1].headers["Retry-After"]) == ("too_many_tries", "3600")


def test_no_cache_keeps_what_a_member_is_told_of_itself(shop: Shop, ann: Caller) -> None:
    rules = [one for one in shop.app.url_map.iter_rules() if f"{one.rule}/".startswith("/v1/me/") and not one.arguments]
    own = {one.rule for one in rules if "GET" in (one.methods or ())}
    assert {"/v1/me", "/v1/me/ledger", "/v1/me/vouchers"} <= own
    for path in sorted(own):
        for caller in (ann, shop.nobody):
            assert caller("GET", path).headers["Cache-Control"] == "no-store", path
