"""Messages over HTTP: seen, previewed, stopped; a code for a till; nothing in them by which anybody could be reached."""

from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest

from loyalty_engine import clock
from loyalty_engine.services import enrolment
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import in_transaction
from tests import builders
from tests.api.conftest import Shop, _member_id
from tests.conftest import FrozenClock

TELLING = builders.PROGRAMME + dedent("""\
    occasions:
      - {id: double-twelve, on: {date: "12-12"}, message: sale}
    messages:
      quiet_hours: {from: "20:00", to: "10:00"}
      at: "10:30"
      cost: {sms: "0.045"}
      templates:
        - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} {wallet} for you.", zh: "{salutation}，生日快乐！送您{points}{wallet}。"}
        - {id: sale, purpose: marketing, en: "A sale, {salutation}!", zh: "{salutation}，大促销！"}
    """)
PHONE = "+8613800138000"


@pytest.fixture
def member(shop: Shop, frozen_clock: FrozenClock) -> str:
    """A member who agrees to greetings and has one planned, and one that is not sent."""
    with shop.app.app_context():
        builders.publish(TELLING)
        said = GivenConsent("sms", "greeting", True, clock.now() - timedelta(days=1), "form")
        new = NewMember(
            phone=PHONE, name="王芳", language="zh", attributes={"gender": "female"}, consents=(said,), cards=()
        )
        member_id = _member_id(builders.done(enrolment.enrol_in, builders.ADMIN, new).body)
        wanted = [
            Wanted(member_id, "birthday", "occasion", "birthday/2026", {"points": 50, "wallet": "leaves"}),
            Wanted(member_id, "sale", "campaign", "1"),
        ]
        in_transaction(lambda to: plan_messages(to, plan_for(to, clock.now()), wanted, clock.now()))
    return member_id


def planned(shop: Shop) -> Any:
    return shop.staff("GET", "/v1/messages?status=planned").json["messages"]


def test_messages_are_listed_by_what_became_of_them_without_anything_personal(shop: Shop, member: str) -> None:
    answer = shop.analyst("GET", "/v1/messages?status=suppressed")
    (found,) = answer.json["messages"]
    assert (found["member_id"], found["template"], found["reason"]) == (member, "sale", "no_consent")
    (found,) = planned(shop)
    assert found["places"] == {"points": 50, "wallet": "leaves"}
    assert (found["segments"], found["cost"]) == (1, "0.045")
    for said in (answer.text, shop.staff("GET", f"/v1/members/{member}/messages").text):
        assert "王" not in said
        assert PHONE not in said


def test_a_members_messages_are_all_that_it_was_told_or_not_page_by_page(shop: Shop, member: str) -> None:
    first = shop.staff("GET", f"/v1/members/{member}/messages?limit=1").json
    second = shop.staff("GET", f"/v1/members/{member}/messages?limit=1&cursor={first['next']}").json
    assert [one["template"] for one in first["messages"] + second["messages"]] == ["sale", "birthday"]
    assert second["next"] is None
    assert shop.staff("GET", f"/v1/members/{shop.member_id}/messages").json == {"messages": [], "next": None}


def test_a_list_goes_on_where_its_page_ended(shop: Shop, member: str) -> None:
    with shop.app.app_context():
        wanted = [Wanted(member, "birthday", "occasion", f"{n}", {"points": 1, "wallet": "leaves"}) for n in range(4)]
        in_transaction(lambda to: plan_messages(to, plan_for(to, clock.now()), wanted, clock.now()))
    seen, cursor = [], ""
    while cursor is not None:
        page = shop.marketer("GET", "/v1/messages?status=planned&limit=2" + (f"&cursor={cursor}" if cursor else ""))
        seen += [one["message_id"] for one in page.json["messages"]]
        cursor = page.json["next"] and page.json["next"].replace("+", "%2B")
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/messages", None, 422, "invalid_fields"),
        ("GET", "/v1/messages?status=lost", None, 422, "invalid_fields"),
        ("GET", "/v1/messages?status=failed&cursor=x", None, 422, "cursor_invalid"),
        ("GET", "/v1/messages?status=failed&cursor=2026-11-22~x", None, 422, "cursor_invalid"),
        ("GET", "/v1/messages/plan?days=0", None, 422, "invalid_fields"),
        ("GET", "/v1/messages/plan?days=32", None, 422, "invalid_fields"),
        ("GET", "/v1/members/{member}/messages?cursor=x", None, 422, "cursor_invalid"),
        ("GET", "/v1/members/01a2b3c4-0000-7000-8000-000000000000/messages", None, 404, "member_not_found"),
        ("POST", "/v1/messages/previews", {"template": "birthday"}, 422, "invalid_fields"),
        ("POST", "/v1/messages/previews", {"template": "birthday", "member_id": "x"}, 422, "invalid_fields"),
        ("POST", "/v1/messages/previews", {"template": "nothing", "member_id": "{member}"}, 404, "template_not_found"),
        (
            "POST",
            "/v1/messages/previews",
            {"template": "birthday", "member_id": "{member}", "places": {"years": 3}},
            422,
            "places_unknown",
        ),
        ("PUT", "/v1/messages/pauses/birthday", {}, 422, "invalid_fields"),
        ("PUT", "/v1/messages/pauses/birthday", {"reason": "x", "why": "y"}, 422, "invalid_fields"),
        ("PUT", "/v1/messages/pauses/nothing", {"reason": "x"}, 404, "template_not_found"),
        ("DELETE", "/v1/messages/pauses/birthday", None, 404, "pause_not_found"),
        ("POST", "/v1/messages/01a2b3c4-0000-7000-8000-000000000000/cancel", {"reason": "x"}, 404, "message_not_found"),
    ],
)
def test_what_can_not_be_is_refused_with_its_code(
    shop: Shop, member: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    filled = body and {key: member if value == "{member}" else value for key, value in body.items()}
    answer = shop.admin(method, path.replace("{member}", member), json=filled)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_the_coming_days_have_their_messages_and_their_cost(shop: Shop, member: str) -> None:
    """It is 22 November, noon: the greeting goes today, and the 12th of December is in three weeks."""
    told = shop.marketer("GET", "/v1/messages/plan?days=21").json
    assert told["lines"] == [
        {"on": "2026-11-22", "template": "birthday", "channel": "sms", "kind": "planned", "messages": 1, "segments": 1, "cost": "0.045"},
        {"on": "2026-12-12", "template": "sale", "channel": "sms", "kind": "expected", "messages": 2, "segments": 2, "cost": "0.09"},
    ]  # fmt: skip
    assert told["total"] == {"messages": 3, "segments": 3, "cost": "0.135"}
    assert told["currency"] == "CNY"
    assert [line["template"] for line in shop.marketer("GET", "/v1/messages/plan?days=20").json["lines"]] == [
        "birthday"
    ]


def test_a_template_is_previewed_in_each_language_for_a_member(shop: Shop, member: str) -> None:
    asked = {"template": "birthday", "member_id": member, "places": {"points": 50}}
    told = shop.marketer("POST", "/v1/messages/previews", json=asked).json
    assert (told["channel"], told["refused"], told["language"]) == ("sms", None, "zh")
    assert [(one["language"], one["text"], one["encoding"], one["segments"], one["cost"]) for one in told["texts"]] == [
        ("en", "Happy birthday, 王芳! 50 Leaves for you.", "UCS-2", 1, "0.045"),
        ("zh", "【茶会】王女士，生日快乐！送您50Leaves。", "UCS-2", 1, "0.045"),
    ]
    refused = shop.marketer("POST", "/v1/messages/previews", json={"template": "sale", "member_id": member}).json
    assert refused["refused"] == "no_consent"
    assert refused["texts"][1]["text"] == "【茶会】王女士，大促销！拒收请回复R"
    assert len(planned(shop)) == 1


def test_a_pause_holds_shows_and_lets_go_and_is_in_the_log(shop: Shop, member: str) -> None:
    made = shop.marketer("PUT", "/v1/messages/pauses/birthday", json={"reason": "a wrong word"}).json
    assert (made["what"], made["held"], made["reason"]) == ("birthday", 1, "a wrong word")
    assert planned(shop) == []
    assert [one["what"] for one in shop.analyst("GET", "/v1/messages/pauses").json["pauses"]] == ["birthday"]
    assert [one["kind"] for one in shop.staff("GET", "/v1/messages/plan").json["lines"]] == ["held"]
    assert shop.staff("DELETE", "/v1/messages/pauses/birthday").json == {"what": "birthday", "freed": 1}
    assert len(planned(shop)) == 1
    logged = shop.admin("GET", "/v1/audit-log").json["entries"]
    assert [(one["action"], one["target"]) for one in logged[:2]] == [
        ("message.resume", "birthday"),
        ("message.pause", "birthday"),
    ]


def test_one_message_is_cancelled_once(shop: Shop, member: str) -> None:
    (found,) = planned(shop)
    path = f"/v1/messages/{found['message_id']}/cancel"
    gone = shop.staff("POST", path, json={"reason": "the member called"})
    assert (gone.json["status"], gone.json["reason"]) == ("cancelled", "staff")
    again = shop.staff("POST", path, json={"reason": "the member called"})
    assert (again.status_code, again.json["code"]) == (409, "message_not_open")


def test_whoever_belongs_to_one_merchant_sees_and_stops_nothing_of_all(shop: Shop, member: str) -> None:
    with shop.app.app_context():
        from loyalty_engine.services import tokens
        from loyalty_engine.services.tokens import NewToken

        own = tokens.create(builders.ADMIN, NewToken("staff", "one shop's", merchant_id="tea-house")).text
    headers = {"Authorization": f"Bearer {own}"}
    for method, path in (
        ("GET", "/v1/messages?status=failed"),
        ("GET", "/v1/messages/plan"),
        ("PUT", "/v1/messages/pauses/everything"),
    ):
        answer = shop.nobody(method, path, json={"reason": "x"} if method == "PUT" else None, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (403, "other_merchant")


def test_a_till_has_a_code_sent_once_for_a_key_and_sees_none_of_it(shop: Shop, member: str) -> None:
    path, headers = f"/v1/members/{member}/codes", {"Idempotency-Key": "k-1"}
    sent = [shop.terminal("POST", path, json={}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in sent] == [202, 202]
    assert sent[0].json == {"member_id": member, "channel": "sms", "minutes": 5}
    (code,) = [one for one in planned(shop) if one["purpose"] == "code"]
    assert code["places"] == {}
    assert shop.terminal("POST", path, json={"purpose": "sign-in"}).status_code == 422
    nobody = shop.terminal("POST", f"/v1/members/{shop.member_id}/codes", json={})
    assert (nobody.status_code, nobody.json["code"]) == (409, "no_phone")
