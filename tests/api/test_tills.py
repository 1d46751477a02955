"""A till's day over HTTP: a quote, a purchase, its replay, an explanation, a return; a sale that waits for staff."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import CARD, Shop, line, purchase

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_a_purchase_earns_points_and_a_replay_repeats_the_answer(shop: Shop) -> None:
    first = shop.terminal("POST", "/v1/purchases", json=purchase())
    again = shop.terminal("POST", "/v1/purchases", json=purchase())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.data == again.data
    assert first.json["points"] == [{"wallet": "leaves", "points": 35, "pending": 0}]
    assert first.json["member_id"] == shop.member_id


def test_a_quote_stores_nothing(shop: Shop) -> None:
    quoted = shop.terminal("POST", "/v1/quotes", json=purchase(purchase_id=...))
    assert quoted.status_code == 200
    assert quoted.json["points"] == [{"wallet": "leaves", "points": 35}]
    assert shop.terminal("GET", "/v1/purchases/T7-20261122-0042").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"member": ...},
        {"order_discount": "4.00"},
        {"member": ..., "order_discount": "4.00"},
        {"occurred_at": "2026-10-23T11:59:59+08:00"},
        {"occurred_at": "2026-10-23T12:00:00+08:00"},
        {"vouchers": ["K7QF-2MXW-9RTD"]},
    ],
)
def test_a_quote_says_what_posting_would_be_answered_with(shop: Shop, changes: dict[str, Any]) -> None:
    body = purchase(**changes)
    quoted, posted = (shop.terminal("POST", f"/v1/{what}", json=body).json for what in ("quotes", "purchases"))
    assert (quoted["status"], quoted.get("reason")) == (posted["status"], posted.get("reason"))
    assert quoted.get("detail", "").endswith(posted["detail"] if "reason" in posted else "")


def test_a_quote_for_a_card_that_nobody_has_says_that_the_purchase_would_wait(shop: Shop) -> None:
    refused = shop.terminal("POST", "/v1/quotes", json=purchase(member={"card": "6300000000000095"}))
    assert (refused.status_code, refused.json["code"]) == (404, "unknown_card")
    assert refused.json["detail"].startswith("A purchase posted like this would wait")


def test_a_purchase_is_found_and_explained_in_the_asked_language(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    found = shop.terminal("GET", "/v1/purchases/T7-20261122-0042")
    assert found.json["total"] == "35.00"
    path = "/v1/purchases/T7-20261122-0042/explanation"
    english = shop.terminal("GET", path)
    chinese = shop.service("GET", f"{path}?store=s-1", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert english.json["headline"] == "35 Leaves"
    assert english.json["returned"] == []
    assert chinese.json["wallets"] != english.json["wallets"]
    assert shop.staff("GET", f"{path}?store=s-1&language=zh").json == chinese.json


def test_a_return_takes_points_back_once(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    body = {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}]}
    path = "/v1/purchases/T7-20261122-0042/returns"
    first, again = shop.terminal("POST", path, json=body), shop.terminal("POST", path, json=body)
    assert first.status_code == 201
    assert first.json["points"][0]["points"] == -18
    assert again.data == first.data
    explained = shop.terminal("GET", "/v1/purchases/T7-20261122-0042/explanation").json
    assert explained["headline"] == "35 Leaves"
    assert explained["returned"] == ["17 of 35 Leaves stay after what was returned"]
    rest = shop.terminal("POST", path, json={"return_reference": "R-2", "all": True})
    assert rest.json["balances"][0]["available"] == 0
    explained = shop.staff("GET", "/v1/purchases/T7-20261122-0042/explanation?store=s-1&language=zh").json
    assert explained["returned"] == ["退货后，35Leaves中保留0"]
    too_much = shop.terminal("POST", path, json={"return_reference": "R-3", "lines": [{"line_id": "9", "quantity": 1}]})
    assert (too_much.status_code, too_much.json["code"]) == (422, "return_exceeds_purchase")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"member": {"card": "6300000000000095"}}, "unknown_card"),
        ({"order_discount": "4.00"}, "sums_disagree"),
        ({"occurred_at": "2026-09-01T09:00:00+08:00"}, "late"),
    ],
)
def test_a_sale_that_happened_waits_for_somebody(shop: Shop, changes: dict[str, Any], reason: str) -> None:
    kept = shop.terminal("POST", "/v1/purchases", json=purchase(**changes))
    assert (kept.status_code, kept.json["status"], kept.json["reason"]) == (
        202,
        "unresolved",
        reason,
    )
    for cursor in ("x", "2026-01-01~x", "2026-01-01T00:00:00~x"):
        refused = shop.staff("GET", f"/v1/purchases?status=unresolved&cursor={cursor}")
        assert (refused.status_code, refused.json["code"]) == (422, "cursor_invalid")
    listed = shop.staff("GET", "/v1/purchases?status=unresolved")
    assert [one["purchase_id"] for one in listed.json["purchases"]] == ["T7-20261122-0042"]


def test_staff_accept_a_purchase_whose_sums_disagree(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase(order_discount="4.00"))
    path = "/v1/purchases/T7-20261122-0042/acceptance"
    accepted = shop.staff("POST", path, json={"reason": "looked at the receipt", "store": "s-1"})
    assert (accepted.status_code, accepted.json["status"]) == (201, "posted")


def test_a_purchase_without_a_member_is_claimed_with_its_code(shop: Shop) -> None:
    posted = shop.terminal("POST", "/v1/purchases", json=purchase(member=...))
    assert (posted.status_code, posted.json["status"]) == (201, "unclaimed")
    claimed = shop.member("POST", "/v1/me/claims", json={"claim_code": posted.json["claim_code"]})
    assert claimed.status_code == 201
    assert shop.member("GET", "/v1/me/balances").json["balances"][0]["available"] == 35


def test_heres_my_card_after_paying(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase(member=None))
    named = shop.terminal("PUT", "/v1/purchases/T7-20261122-0042/member", json={"member": {"card": CARD}})
    assert (named.status_code, named.json["member_id"]) == (201, shop.member_id)


def _again_and_kept(shop: Shop, body: dict[str, Any], first: TestResponse, status: int) -> None:
    again = shop.terminal("POST", "/v1/purchases", json=body)
    assert (again.status_code, again.data) == (status, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_replay_after_a_claim_repeats_the_first_bytes(shop: Shop) -> None:
    body = purchase(member=...)
    first = shop.terminal("POST", "/v1/purchases", json=body)
    shop.member("POST", "/v1/me/claims", json={"claim_code": first.json["claim_code"]})
    _again_and_kept(shop, body, first, 200)
    back = {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}]}
    shop.terminal("POST", f"/v1/purchases/{body['purchase_id']}/returns", json=back)
    _again_and_kept(shop, body, first, 200)


def test_a_replay_of_an_unresolved_purchase_says_202_also_after_it_was_accepted(shop: Shop) -> None:
    body = purchase(order_discount="4.00")
    first = shop.terminal("POST", "/v1/purchases", json=body)
    reason = {"reason": "looked at the receipt", "store": "s-1"}
    assert shop.staff("POST", f"/v1/purchases/{body['purchase_id']}/acceptance", json=reason).status_code == 201
    _again_and_kept(shop, body, first, 202)


def test_a_replay_after_a_return_that_waited_and_a_claim_repeats_the_first_bytes(shop: Shop) -> None:
    body = purchase(member=...)
    first = shop.terminal("POST", "/v1/purchases", json=body)
    back = {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}]}
    shop.terminal("POST", f"/v1/purchases/{body['purchase_id']}/returns", json=back)
    claimed = shop.member("POST", "/v1/me/claims", json={"claim_code": first.json["claim_code"]})
    assert claimed.json["balances"][0]["available"] == 17
    _again_and_kept(shop, body, first, 200)


@pytest.mark.parametrize("returned", [False, True])
def test_a_replay_after_a_move_repeats_the_first_bytes(shop: Shop, returned: bool) -> None:
    body = purchase()
    first = shop.terminal("POST", "/v1/purchases", json=body)
    if returned:
        back = {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}]}
        shop.terminal("POST", f"/v1/purchases/{body['purchase_id']}/returns", json=back)
    other = shop.staff("POST", "/v1/members", json={}).json["member_id"]
    for to in (other, shop.member_id, other):
        named = {"member": {"member_id": to}, "store": "s-1", "reason": "the wrong card was read"}
        moved = shop.staff("PUT", f"/v1/purchases/{body['purchase_id']}/member", json=named)
        assert (moved.status_code, moved.json["member_id"]) == (201, to)
    _again_and_kept(shop, body, first, 200)


def test_a_batch_answers_each_purchase_by_itself(shop: Shop) -> None:
    bodies = [
        purchase(purchase_id="a", receipt=...),
        purchase(purchase_id="b", receipt=..., lines=[line("1", amount="-1")]),
        purchase(purchase_id="c", receipt=..., currency="EUR"),
        purchase(purchase_id="a", receipt=...),
    ]
    answer = shop.terminal("POST", "/v1/purchases/batch", json={"purchases": bodies})
    assert answer.status_code == 200
    assert [one["status"] for one in answer.json["results"]] == [201, 422, 422, 200]
    assert "lines[0].amount" in answer.json["results"][1]["body"]["errors"]
    assert answer.json["results"][2]["body"]["code"] == "wrong_currency"
    assert answer.json["results"][0]["body"] == answer.json["results"][3]["body"]


def test_an_idempotency_key_repeats_status_and_body(shop: Shop) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first = shop.terminal("POST", "/v1/purchases", json=purchase(), headers=headers)
    again = shop.terminal("POST", "/v1/purchases", json=purchase(), headers=headers)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    other = shop.terminal("POST", "/v1/purchases", json=purchase(channel="web"), headers=headers)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_is_repeated_as_a_problem(shop: Shop) -> None:
    headers = {"Idempotency-Key": "k-2"}
    first = shop.terminal("POST", "/v1/purchases", json=purchase(currency="EUR"), headers=headers)
    again = shop.terminal("POST", "/v1/purchases", json=purchase(currency="EUR"), headers=headers)
    assert first.status_code == again.status_code == 422
    assert again.content_type == "application/problem+json"
    assert again.json["code"] == "wrong_currency"


def test_a_till_posts_for_its_own_store_only(shop: Shop) -> None:
    other = shop.terminal("POST", "/v1/purchases", json=purchase(store="s-2"))
    assert other.status_code in (403, 404)
    own = shop.terminal("POST", "/v1/purchases", json=purchase(store="s-1"))
    assert own.status_code == 201


def test_a_service_says_where(shop: Shop) -> None:
    nowhere = shop.service("POST", "/v1/purchases", json=purchase())
    assert (nowhere.status_code, list(nowhere.json["errors"])) == (422, ["store"])
    assert shop.service("POST", "/v1/purchases", json=purchase(store="s-1")).status_code == 201


def test_a_retry_under_a_new_number_can_be_found_and_returned_by_that_number(shop: Shop) -> None:
    first = shop.terminal("POST", "/v1/purchases", json=purchase())
    again = shop.terminal("POST", "/v1/purchases", json=purchase(purchase_id="retry-1"))
    assert (again.status_code, again.data) == (200, first.data)
    assert shop.terminal("GET", "/v1/purchases/retry-1").json["purchase_id"] == first.json["purchase_id"]
    back = shop.terminal("POST", "/v1/purchases/retry-1/returns", json={"return_reference": "R-1", "all": True})
    assert (back.status_code, back.json["balances"][0]["available"]) == (201, 0)


SMALL = {
    "purchase_id": "small",
    "receipt": {"number": "0043", "business_day": "2026-11-22"},
    "lines": [line("1", amount="8.00", discount="0.00", tax="0.00")],
    "order_discount": "0.00",
    "tenders": [],
}
"""Another sale, of eight leaves."""


def test_a_repetition_under_the_number_of_another_sale_is_refused_and_takes_nothing_of_it(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    shop.terminal("POST", "/v1/purchases", json=purchase(**SMALL))
    mixed_up = shop.terminal("POST", "/v1/purchases", json=purchase(**SMALL | {"purchase_id": "T7-20261122-0042"}))
    assert (mixed_up.status_code, mixed_up.json["code"]) == (422, "purchase_differs")
    assert shop.terminal("GET", "/v1/purchases/T7-20261122-0042").json["points"][0]["points"] == 35
    _returned(shop, "T7-20261122-0042", -35)
    _returned(shop, "small", -8)


def test_a_sale_that_has_the_number_of_an_earlier_repetition_is_what_the_number_leads_to(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    shop.terminal("POST", "/v1/purchases", json=purchase(purchase_id="small"))
    own = shop.terminal("POST", "/v1/purchases", json=purchase(**SMALL))
    assert (own.status_code, own.json["points"][0]["points"]) == (201, 8)
    assert shop.terminal("GET", "/v1/purchases/small").json["points"][0]["points"] == 8
    _returned(shop, "small", -8)
    _returned(shop, "T7-20261122-0042", -35)


@pytest.mark.parametrize("member", [{"card": CARD}, ...])
def test_a_return_that_came_under_the_number_of_a_repetition_is_booked_with_it(shop: Shop, member: Any) -> None:
    first = shop.terminal("POST", "/v1/purchases", json=purchase(member=member))
    waits = shop.terminal("POST", "/v1/purchases/retry-1/returns", json={"return_reference": "R-1", "all": True})
    assert (waits.status_code, waits.json["status"]) == (202, "waiting")
    again = shop.terminal("POST", "/v1/purchases", json=purchase(member=member, purchase_id="retry-1"))
    assert (again.status_code, again.data) == (200, first.data)
    if member is ...:
        claimed = shop.member("POST", "/v1/me/claims", json={"claim_code": first.json["claim_code"]})
        assert claimed.status_code == 201
    found = shop.terminal("GET", "/v1/purchases/retry-1").json
    assert (found["points"][0]["points"], found["kept"]) == (35, [])
    assert shop.terminal("POST", "/v1/purchases", json=purchase(member=member)).data == first.data


def _returned(shop: Shop, purchase_id: str, points: int) -> None:
    path = f"/v1/purchases/{purchase_id}/returns"
    back = shop.terminal("POST", path, json={"return_reference": "all", "all": True})
    assert (back.status_code, back.json["points"][0]["points"]) == (201, points)


def test_the_receipt_rule_takes_the_terminal_from_the_token(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    ghost = shop.terminal("POST", "/v1/purchases", json=purchase(purchase_id="p2", store="s-1", terminal="ghost"))
    assert (ghost.status_code, ghost.json["code"]) == (403, "other_terminal")
    nowhere = shop.service("POST", "/v1/purchases", json=purchase(purchase_id="p3", store="s-1", terminal="nowhere"))
    assert (nowhere.status_code, nowhere.json["code"]) == (404, "terminal_not_found")
    same = shop.service("POST", "/v1/purchases", json=purchase(purchase_id="p4", store="s-1", terminal="t-1"))
    assert same.status_code == 200


def test_a_till_sees_no_other_stores_purchases_and_no_claim_code(shop: Shop) -> None:
    parked = shop.terminal("POST", "/v1/purchases", json=purchase(member=...))
    path = f"/v1/purchases/{parked.json['purchase_id']}"
    assert "claim_code" not in shop.terminal("GET", path).json
    assert shop.terminal("GET", f"{path}?store=s-2").status_code == 404
    body = {"member": {"card": CARD}, "store": "s-2"}
    assert shop.terminal("PUT", f"{path}/member", json=body).status_code == 404


def test_a_sale_with_a_code_that_nobody_shows_is_kept(shop: Shop) -> None:
    kept = shop.terminal("POST", "/v1/purchases", json=purchase(member={"token": "123456"}))
    assert (kept.status_code, kept.json["reason"]) == (202, "unknown_token")
