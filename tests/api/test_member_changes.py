"""What shops and staff change of a member over HTTP: details, the birthday, consents."""

import json
from typing import Any

import pytest

from loyalty_engine.services import audit_log
from tests.api.conftest import Shop

pytestmark = pytest.mark.usefixtures("frozen_clock")

NOBODY = "01a2b3c4-0000-7000-8000-000000000000"
BORN = {"month": 5, "day": 17, "year": 1990}


def path_of(shop: Shop) -> str:
    return f"/v1/members/{shop.member_id}"


def log(shop: Shop) -> list[tuple[str, str, Any]]:
    with shop.app.app_context():
        entries, _ = audit_log.entries()
    return [(entry.action, entry.actor.partition(":")[0], json.loads(entry.detail)) for entry in entries]


def test_only_what_is_sent_changes_and_null_empties(shop: Shop) -> None:
    body = {"email": "lin@example.com", "phone": "138 0013 8000", "language": "zh", "time_zone": "Asia/Tokyo",
            "segments": ["vip"], "attributes": {"shoe-size": "38"}}  # fmt: skip
    changed = shop.service("PATCH", path_of(shop), json=body)
    assert changed.status_code == 200
    assert changed.json["name"] == "Lin Wei"
    assert changed.json | body | {"phone": "+8613800138000"} == changed.json
    assert log(shop)[0] == ("member.change", "service", {"fields": sorted(body)})
    emptied = {"email": None, "phone": None, "name": None, "time_zone": None, "segments": [], "attributes": {}}
    shop.staff("PATCH", path_of(shop), json=emptied)
    shown = shop.staff("GET", path_of(shop)).json
    assert shown | emptied == shown
    assert shown["language"] == "zh"


def test_nothing_to_change_changes_nothing(shop: Shop) -> None:
    before, told = shop.staff("GET", path_of(shop)).json, log(shop)
    assert shop.staff("PATCH", path_of(shop), json={}).json == before
    assert log(shop) == told


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"nam": "x"}, "nam", "invalid_fields"),
        ({"name": ""}, "name", "invalid_fields"),
        ({"name": "a\nb"}, "name", "invalid_fields"),
        ({"email": "nobody"}, "email", "invalid_fields"),
        ({"phone": "1"}, "phone", "member_invalid"),
        ({"language": None}, "language", "invalid_fields"),
        ({"language": "english please"}, "language", "invalid_fields"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "member_invalid"),
        ({"segments": None}, "segments", "invalid_fields"),
        ({"segments": ["a b"]}, "segments[0]", "invalid_fields"),
        ({"attributes": {"a b": "x"}}, "attributes", "invalid_fields"),
        ({"birthday": None}, "birthday", "invalid_fields"),
        ({"birthday": {"month": 2, "day": 30}}, "birthday", "member_invalid"),
        ({"birthday": {"month": 5, "day": 17, "year": 2027}}, "birthday", "member_invalid"),
        ({"status": "active"}, "status", "invalid_fields"),
    ],
)
def test_what_is_wrong_is_said_by_field_and_nothing_is_changed(
    shop: Shop, body: dict[str, Any], field: str, code: str
) -> None:
    before = shop.staff("GET", path_of(shop)).json
    refused = shop.staff("PATCH", path_of(shop), json={"name": "Anna"} | body)
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert any(name.startswith(field) for name in refused.json["errors"]), refused.json
    assert shop.staff("GET", path_of(shop)).json == before


def test_another_members_phone_is_not_taken(shop: Shop) -> None:
    shop.staff("POST", "/v1/members", json={"phone": "+8613800138000"})
    refused = shop.staff("PATCH", path_of(shop), json={"phone": "+8613800138000"})
    assert (refused.status_code, refused.json["code"]) == (409, "phone_taken")


def test_a_birthday_is_set_once_by_a_shop_and_changed_by_staff_with_a_reason(shop: Shop) -> None:
    first = shop.service("PATCH", path_of(shop), json={"birthday": BORN})
    assert (first.json["birthday"]["day"], first.json["birthday_locked_until"]) == (17, None)
    assert shop.service("PATCH", path_of(shop), json={"birthday": BORN}).status_code == 200
    other = {"birthday": BORN | {"day": 18}, "name": "Anna"}
    refused = shop.service("PATCH", path_of(shop), json=other | {"reason": "she said so"})
    assert (refused.status_code, refused.json["code"]) == (403, "birthday_set")
    silent = shop.staff("PATCH", path_of(shop), json=other)
    assert (silent.status_code, silent.json["code"]) == (422, "reason_missing")
    assert shop.staff("GET", path_of(shop)).json["name"] == "Lin Wei"
    changed = shop.staff("PATCH", path_of(shop), json=other | {"reason": "read from the passport"})
    assert (changed.json["birthday"]["day"], changed.json["birthday_locked_until"]) == (18, "2027-10-22")
    assert log(shop)[:3] == [
        ("member.change", "staff", {"fields": ["name"], "reason": "read from the passport"}),
        ("member.set_birthday", "staff", {"reason": "read from the passport"}),
        ("member.set_birthday", "service", {}),
    ]


def test_consents_are_kept_by_channel_and_purpose(shop: Shop) -> None:
    path = f"{path_of(shop)}/consents/sms/marketing"
    given = shop.service("PUT", path, json={"given": True, "proof": "the form of 22 November"})
    assert [one["proof"] for one in given.json["consents"]] == ["the form of 22 November"]
    late = shop.staff("PUT", path, json={"given": False, "at": "2026-11-21T12:00:00+08:00"})
    assert late.json["consents"] == given.json["consents"], "what was said later stays"
    stopped = shop.staff("PUT", path, json={"given": False})
    assert stopped.json["consents"][0]["given"] is False
    assert stopped.json["consents"][0]["proof"].startswith("said to staff:")
    assert [entry for entry in log(shop) if entry[0] == "member.consent"] == [
        ("member.consent", "staff", {"sms marketing": False}),
        ("member.consent", "service", {"sms marketing": True}),
    ]


@pytest.mark.parametrize(
    ("place", "body", "field"),
    [
        ("pigeon/marketing", {"given": True}, "channel"),
        ("sms/spam", {"given": True}, "purpose"),
        ("sms/marketing", {}, "given"),
        ("sms/marketing", {"given": "yes"}, "given"),
        ("sms/marketing", {"given": True, "at": "2026-11-22"}, "at"),
        ("sms/marketing", {"given": True, "at": "2026-11-23T12:00:00+08:00"}, "at"),
        ("sms/marketing", {"given": True, "channel": "sms"}, "channel"),
    ],
)
def test_a_consent_that_cant_be_right_is_refused(shop: Shop, place: str, body: dict[str, Any], field: str) -> None:
    refused = shop.staff("PUT", f"{path_of(shop)}/consents/{place}", json=body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])


def test_nobody_is_not_found(shop: Shop) -> None:
    assert shop.staff("PATCH", f"/v1/members/{NOBODY}", json={"name": "Anna"}).status_code == 404
    body = {"given": True}
    assert shop.staff("PUT", f"/v1/members/{NOBODY}/consents/sms/marketing", json=body).status_code == 404
