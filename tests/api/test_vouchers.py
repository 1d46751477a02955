"""Vouchers over HTTP: codes as people type them, two tills, staff who cancel, members who look, and whoever guesses."""

from functools import partial
from typing import Any

import pytest

from loyalty_engine.services import reward_redemptions, tokens
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.tokens import NewToken
from loyalty_engine.store.session import in_transaction
from tests.api.conftest import Caller, Shop, line, purchase
from tests.builders import ADMIN, PROGRAMME, STAFF, open_store, publish
from tests.ledger import assert_clean, rows, said

pytestmark = pytest.mark.usefixtures("frozen_clock")
REWARDS = """\
rewards:
  - {id: five-off, name: {en: ¥5 off, zh: 立减5元}, cost: {points: 20, wallet: leaves}, amount_off: "5.00", minimum_purchase: "20.00", valid: 30 days}
  - {id: a-hundred, name: A hundredth purchase, cost: {points: 100, wallet: leaves}, product: LATTE-L, automatic: true}
"""


@pytest.fixture
def code(shop: Shop) -> str:
    """A voucher of the shop's member."""
    with shop.app.app_context():
        publish(PROGRAMME + REWARDS)
    posted = shop.terminal("POST", "/v1/purchases", json=purchase())
    assert posted.status_code == 201
    return _buy(shop)


def _buy(shop: Shop) -> str:
    request = RedemptionRequest(MemberReference(member_id=shop.member_id), reward="five-off", reason="a gift")
    with shop.app.app_context():
        answer = said(in_transaction(partial(reward_redemptions.redeem, actor=STAFF, request=request)))
    found: str = answer["voucher"]["code"]
    return found


def _other_till(shop: Shop) -> Caller:
    with shop.app.app_context():
        open_store("s-2", "t-2")
        place = {"store_id": "s-2", "terminal_id": "t-2"}
        secret = tokens.create(ADMIN, NewToken("terminal", "another", **place)).text  # type: ignore[arg-type]
    return Caller(shop.terminal.client, secret)


def clean(shop: Shop) -> None:
    with shop.app.app_context():
        assert_clean()


def test_a_till_looks_a_code_up_however_it_is_typed(shop: Shop, code: str) -> None:
    found = shop.terminal("GET", f"/v1/vouchers/{code}").json
    assert {name: found[name] for name in ("code", "status", "reward", "minimum_purchase", "valid_through")} == {
        "code": code,
        "status": "issued",
        "reward": "five-off",
        "minimum_purchase": "20.00",
        "valid_through": "2026-12-22",
    }
    assert found["name"] == {"en": "¥5 off", "zh": "立减5元"}
    assert shop.member_id not in str(found)
    typed = code.lower().replace("0", "O").replace("1", "l").replace("-", "%20")
    assert shop.terminal("GET", f"/v1/vouchers/{typed}").json == found
    assert shop.terminal("GET", f"/v1/vouchers/{code.replace('-', '')}").json == found


def test_codes_that_nobody_has_are_told_apart_from_those_that_are_no_codes(shop: Shop, code: str) -> None:
    for till in (shop.terminal, shop.service):
        answer = till("GET", "/v1/vouchers/0000-0000-0000-0")
        assert (answer.status_code, answer.json["code"]) == (404, "voucher_not_found")
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for text in (wrong, "x", "----", "$", code * 3):
        answer = shop.terminal("GET", f"/v1/vouchers/{text}")
        assert (answer.status_code, answer.json["code"]) == (422, "voucher_code_invalid"), text
    for path in ("redeem", "release"):
        answer = shop.terminal("POST", f"/v1/vouchers/0000-0000-0000-0/{path}", json={})
        assert (answer.status_code, answer.json["code"]) == (404, "voucher_not_found")
    answer = shop.staff("POST", "/v1/vouchers/0000-0000-0000-0/cancel", json={"reason": "x"})
    assert (answer.status_code, answer.json["code"]) == (404, "voucher_not_found")


def test_whoever_guesses_has_to_wait(shop: Shop, code: str) -> None:
    for number in range(29):
        # Also a refusal that is repeated under a key is a guess.
        headers = {"Idempotency-Key": "k"} if number % 2 else {}
        path = "/v1/vouchers/0000-0000-0000-0/redeem"
        assert shop.terminal("POST", path, json={}, headers=headers).status_code == 404
    waits = shop.terminal("GET", f"/v1/vouchers/{code}")
    assert (waits.status_code, waits.json["code"]) == (429, "too_many_lookups")
    assert int(waits.headers["Retry-After"]) > 0
    assert shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={}).status_code == 429
    assert shop.service("GET", f"/v1/vouchers/{code}").status_code == 200


def test_one_voucher_at_two_tills_is_used_once(shop: Shop, code: str) -> None:
    other = _other_till(shop)
    held = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={"hold": True, "purchase_id": "p1"})
    assert (held.status_code, held.json["status"], held.json["held_until"]) == (
        200,
        "held",
        "2026-11-22T04:15:00+00:00",
    )
    refused = other("POST", f"/v1/vouchers/{code}/redeem", json={"purchase_id": "p1"})
    assert (refused.status_code, refused.json["code"]) == (409, "voucher_held")
    assert other("POST", f"/v1/vouchers/{code}/release", json={}).json["code"] == "voucher_held"
    body = {"purchase_id": "p1"}
    used = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json=body)
    assert (used.status_code, used.json["status"]) == (200, "redeemed")
    again = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json=body)
    assert (again.data, again.headers["Idempotent-Replayed"]) == (used.data, "true")
    assert other("POST", f"/v1/vouchers/{code}/redeem", json={}).json["code"] == "voucher_redeemed"
    clean(shop)


def test_a_key_repeats_the_redeeming_of_a_voucher(shop: Shop, code: str) -> None:
    answers = [
        shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].data == answers[1].data
    assert shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={}).status_code == 409


def test_a_hold_is_released(shop: Shop, code: str) -> None:
    use = {"purchase_id": "p1"}
    shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json=use | {"hold": True})
    assert shop.terminal("POST", f"/v1/vouchers/{code}/release", json=use).json["status"] == "issued"
    again = shop.terminal("POST", f"/v1/vouchers/{code}/release", json=use)
    assert (again.status_code, again.json["code"]) == (409, "voucher_not_held")
    clean(shop)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"hold": "yes"}, "hold"),
        ({"purchase_id": "no spaces"}, "purchase_id"),
        ({"store": "s-1"}, "store"),
        ({"hold": True}, "purchase_id"),
        ({"lines": []}, "lines"),
        ([], "body"),
    ],
)
def test_a_body_that_cant_be_right_is_refused(shop: Shop, code: str, body: Any, path: str) -> None:
    answer = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json=body)
    assert answer.status_code == 422
    assert path in answer.json["errors"]
    assert shop.terminal("GET", f"/v1/vouchers/{code}").json["status"] == "issued"


def test_a_till_redeems_for_no_store_but_its_own(shop: Shop, code: str) -> None:
    answer = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={"purchase_id": "p1", "store": "s-2"})
    assert (answer.status_code, answer.json["code"]) == (403, "other_store")
    answer = shop.service("POST", f"/v1/vouchers/{code}/redeem", json={"purchase_id": "p1"})
    assert (answer.status_code, answer.json["code"]) == (422, "store_missing")


def test_staff_cancel_with_a_reason(shop: Shop, code: str) -> None:
    assert shop.staff("POST", f"/v1/vouchers/{code}/cancel", json={}).status_code == 422
    answer = shop.staff("POST", f"/v1/vouchers/{code}/cancel", json={"reason": "printed twice"})
    assert (answer.status_code, answer.json["status"], answer.json["points_restored"]) == (200, "cancelled", 0)
    again = shop.staff("POST", f"/v1/vouchers/{code}/cancel", json={"reason": "printed twice"})
    assert (again.status_code, again.json["code"]) == (409, "voucher_ended")
    refused = shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "voucher_cancelled")
    with shop.app.app_context():
        assert rows("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'voucher.cancel'") == [{"n": 1}]
    clean(shop)


def test_a_member_sees_its_own(shop: Shop, code: str) -> None:
    mine = shop.member("GET", "/v1/me/vouchers").json
    assert [one["code"] for one in mine["vouchers"]] == [code]
    assert shop.staff("GET", f"/v1/members/{shop.member_id}/vouchers").json == mine
    second = _buy(shop)
    page = shop.member("GET", "/v1/me/vouchers?limit=1").json
    assert [one["code"] for one in page["vouchers"]] == [second]
    rest = shop.member("GET", f"/v1/me/vouchers?limit=1&cursor={page['next']}").json
    assert ([one["code"] for one in rest["vouchers"]], rest["next"]) == ([code], None)
    assert shop.member("GET", "/v1/me/vouchers?cursor=x").json["code"] == "cursor_invalid"
    nobody = shop.staff("GET", "/v1/members/01a2b3c4-0000-7000-8000-000000000000/vouchers")
    assert nobody.status_code == 404


def test_a_sale_with_a_voucher_from_quote_to_return(shop: Shop, code: str) -> None:
    now = "2026-11-22T12:00:00+08:00"
    body = purchase(purchase_id=..., vouchers=[code], occurred_at=now)
    quoted = shop.terminal("POST", "/v1/quotes", json=body).json["rewards"]
    assert [(one["code"], one["worth"], one["lines"]) for one in quoted["vouchers"]] == [
        (code, "5.00", [{"line_id": "1", "off": "5.00"}])
    ]
    assert [one["reward"] for one in quoted["bought"]] == ["five-off"]
    sale = purchase(
        purchase_id="p1",
        occurred_at=now,
        receipt=...,
        vouchers=[code],
        lines=[line("1", amount="100.00")],
        order_discount="5.00",
        tenders=[{"kind": "card", "amount": "95.00"}],
    )
    posted = shop.terminal("POST", "/v1/purchases", json=sale)
    assert posted.status_code == 201
    assert [one["code"] for one in posted.json["vouchers_redeemed"]] == [code]
    (issued,) = posted.json["vouchers_issued"]
    assert (issued["reward"], issued["valid_through"]) == ("a-hundred", None)
    assert shop.terminal("POST", "/v1/purchases", json=sale).data == posted.data
    back = shop.terminal("POST", "/v1/purchases/p1/returns", json={"return_reference": "r1", "all": True}).json
    assert back["vouchers_returned"] == [{"code": code, "reward": "five-off", "valid_through": "2026-12-22"}]
    clean(shop)


def test_a_sale_with_a_used_voucher_waits_for_staff(shop: Shop, code: str) -> None:
    other = {"purchase_id": "p0"}
    assert shop.terminal("POST", f"/v1/vouchers/{code}/redeem", json=other).status_code == 200
    sale = purchase(purchase_id="p1", receipt=..., vouchers=[code])
    answer = shop.terminal("POST", "/v1/purchases", json=sale)
    assert (answer.status_code, answer.json["status"], answer.json["reason"]) == (202, "unresolved", "voucher_unusable")
    batch = shop.terminal("POST", "/v1/purchases/batch", json={"purchases": [sale]}).json["results"]
    assert (batch[0]["status"], batch[0]["body"]) == (202, answer.json)
    accepted = shop.staff("POST", "/v1/purchases/p1/acceptance", json={"store": "s-1", "reason": "a till too many"})
    assert accepted.status_code == 201
    assert "vouchers_redeemed" not in accepted.json
    clean(shop)
