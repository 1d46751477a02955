"""Events, adjustments, merges and the day's count over HTTP: answers, replays, conflicts, bad input."""

from typing import Any

import pytest

from tests import builders
from tests.api.conftest import CARD, Shop, purchase
from tests.ledger import enrol

EVENTS = builders.PROGRAMME + (
    "events:\n  - {id: review, event: review, wallet: leaves, points: 30, once_per: [sku], pending: {until: checked}}\n"
)
NOBODY = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.fixture
def club(shop: Shop) -> Shop:
    with shop.app.app_context():
        builders.publish(EVENTS)
    return shop


@pytest.fixture
def other(shop: Shop) -> str:
    with shop.app.app_context():
        return enrol(name="Lin W")


def event(**changes: Any) -> dict[str, Any]:
    from loyalty_engine import clock

    body = {"event_id": "r-1", "event": "review", "occurred_at": clock.now().isoformat(), "facts": {"sku": "TEA"}}
    return {name: value for name, value in (body | changes).items() if value is not ...}


def test_an_event_is_answered_once_and_again(club: Shop) -> None:
    path = f"/v1/members/{club.member_id}/events"
    body = event()
    first = club.service("POST", path, json=body)
    assert first.status_code == 201
    assert first.json["points"] == [{"rule": "review", "wallet": "leaves", "points": 30, "pending": 30}]
    again = club.staff("POST", path, json=body)
    assert (again.status_code, again.data, again.headers["Idempotent-Replayed"]) == (200, first.data, "true")
    differs = club.service("POST", path, json=event(facts={"sku": "CUP"}))
    assert (differs.status_code, differs.json["code"]) == (422, "event_differs")
    after = club.service("POST", path, json=event(event_id="c-1", event="checked", of="r-1"))
    assert after.json["matured"] == [{"rule": "review", "wallet": "leaves", "points": 30}]
    assert after.json["balances"][0]["available"] == 30
    missing = club.service("POST", f"/v1/members/{NOBODY}/events", json=event())
    assert (missing.status_code, missing.json["code"]) == (404, "member_not_found")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_id": ...}, "event_id"),
        ({"event_id": "a/b"}, "event_id"),
        ({"event_id": "x" * 65}, "event_id"),
        ({"event": 3}, "event"),
        ({"occurred_at": "2026-11-22"}, "occurred_at"),
        ({"occurred_at": "2126-11-22T00:00:00Z"}, "occurred_at"),
        ({"facts": {"sku": 1.5}}, "facts.sku"),
        ({"facts": []}, "facts"),
        ({"points": 500}, "points"),
        ({"of": "no/such"}, "of"),
    ],
)
def test_an_event_that_cannot_be_right_is_refused_at_its_field(club: Shop, changes: Any, field: str) -> None:
    answer = club.service("POST", f"/v1/members/{club.member_id}/events", json=event(**changes))
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_an_adjustment_happens_once_for_a_key(club: Shop) -> None:
    path, key = f"/v1/members/{club.member_id}/adjustments", {"Idempotency-Key": "k-1"}
    body = {"wallet": "leaves", "points": 40, "reason": "ticket 4711"}
    first = club.staff("POST", path, json=body, headers=key)
    assert (first.status_code, first.json["balances"][0]["available"]) == (201, 40)
    assert club.staff("POST", path, json=body, headers=key).data == first.data
    assert club.staff("POST", path, json=body | {"points": 41}, headers=key).status_code == 422
    too_much = club.staff("POST", path, json=body | {"points": -41})
    assert (too_much.status_code, too_much.json["code"]) == (409, "insufficient_points")
    assert "40" in too_much.json["detail"]
    assert club.staff("POST", path, json=body | {"points": -40}).json["balances"][0]["available"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"points": 0}, "adjustment_invalid"),
        ({"points": "5"}, "invalid_fields"),
        ({"points": 1.5}, "invalid_fields"),
        ({"points": 10**9 + 1}, "invalid_fields"),
        ({"reason": ...}, "invalid_fields"),
        ({"reason": "  "}, "invalid_fields"),
        ({"reason": "for li@example.com"}, "reason_personal"),
        ({"expires_on": "2020-01-01"}, "adjustment_invalid"),
        ({"expires_on": "2026-02-30"}, "invalid_fields"),
        ({"wallet": "pips"}, "wallet_not_found"),
        ({"note": "x"}, "invalid_fields"),
    ],
)
def test_an_adjustment_that_cannot_be_right_is_refused(club: Shop, changes: Any, code: str) -> None:
    body = {"wallet": "leaves", "points": 5, "reason": "ticket 4711"} | changes
    body = {name: value for name, value in body.items() if value is not ...}
    answer = club.staff("POST", f"/v1/members/{club.member_id}/adjustments", json=body)
    assert answer.json["code"] == code
    assert club.staff("GET", f"/v1/members/{club.member_id}/ledger").json["entries"] == []


def test_a_merge_is_answered_once_and_the_old_id_points_on(club: Shop, other: str) -> None:
    club.terminal("POST", "/v1/purchases", json=purchase())
    path, key = f"/v1/members/{club.member_id}/merge", {"Idempotency-Key": "k-1"}
    body = {"into": other, "reason": "two cards, one person"}
    first = club.staff("POST", path, json=body, headers=key)
    assert (first.status_code, first.json["member_id"], first.json["merged"]) == (201, other, club.member_id)
    assert first.json["points"] == [{"wallet": "leaves", "points": 35}]
    assert club.staff("POST", path, json=body, headers=key).data == first.data
    again = club.staff("POST", path, json=body)
    assert (again.status_code, again.json["code"]) == (409, "already_merged")
    assert club.staff("GET", f"/v1/members/{club.member_id}").json["member_id"] == other
    entries = club.staff("GET", f"/v1/members/{club.member_id}/ledger").json["entries"]
    assert [one["kind"] for one in entries] == ["transfer_in"]
    assert entries[0]["source"] == {"kind": "merge", "id": club.member_id}
    assert club.member("GET", "/v1/me").status_code == 401, "its tokens have ended"
    assert club.terminal("POST", "/v1/members/lookups", json={"card": CARD}).json["member_id"] == other
    found = club.terminal("GET", "/v1/purchases/T7-20261122-0042")
    assert found.json["member_id"] == other
    back = {"return_reference": "x", "all": True}
    assert club.terminal("POST", "/v1/purchases/T7-20261122-0042/returns", json=back).status_code == 201
    entries = club.staff("GET", f"/v1/members/{other}/ledger").json["entries"]
    assert entries[0]["source"]["purchase_id"] == "T7-20261122-0042"
    blocked = club.staff("POST", f"/v1/members/{club.member_id}/cards/block", json={"card": CARD, "reason": "lost"})
    assert blocked.status_code == 200


@pytest.mark.parametrize(
    ("into", "status", "code"),
    [
        ("self", 422, "merge_into_itself"),
        (NOBODY, 404, "member_not_found"),
        ("me", 422, "invalid_fields"),
        (None, 422, "invalid_fields"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(club: Shop, into: str | None, status: int, code: str) -> None:
    body = {"into": club.member_id if into == "self" else into, "reason": "why"}
    answer = club.staff("POST", f"/v1/members/{club.member_id}/merge", json=body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_till_counts_its_day(club: Shop) -> None:
    club.terminal("POST", "/v1/purchases", json=purchase())
    path = "/v1/stores/s-1/days/2026-11-22"
    answer = club.terminal("PUT", path, json={"purchases": 2, "total": "50.00"})
    assert answer.status_code == 200
    assert answer.json["difference"] == {"purchases": 1, "total": "15.00"}
    assert club.service("GET", path).json == answer.json
    other = club.terminal("GET", "/v1/stores/s-2/days/2026-11-22")
    assert (other.status_code, other.json["code"]) == (404, "store_not_found")


@pytest.mark.parametrize("day", ["2026-02-30", "2026-1-1", "22-11-2026", "today"])
def test_a_day_that_is_none_is_no_path(club: Shop, day: str) -> None:
    assert club.terminal("GET", f"/v1/stores/s-1/days/{day}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"purchases": -1, "total": "1.00"},
        {"purchases": 1},
        {"purchases": 1, "total": 3},
        {"purchases": "1", "total": "1"},
    ],
)
def test_a_count_that_is_none_is_refused(club: Shop, body: dict[str, Any]) -> None:
    answer = club.terminal("PUT", "/v1/stores/s-1/days/2026-11-22", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
