"""What a token that belongs to one merchant can't do: what concerns every merchant, and what happened at another's."""

import json
from typing import Any

import pytest

from tests import builders
from tests.api.conftest import CARD, Caller, Shop, purchase

pytestmark = [
    pytest.mark.usefixtures("frozen_clock"),
    pytest.mark.parametrize("application", ["sqlite"], indirect=True),
]

REASON = {"reason": "because"}
ACTS: list[tuple[str, str, str, Any]] = [
    ("marketer", "POST", "/v1/programme/versions", {"programme": builders.PROGRAMME, "reason": "mine"}),
    ("marketer", "PUT", "/v1/products", {"products": [{"sku": "x", "category": "tea"}]}),
    ("marketer", "PUT", "/v1/sku-lists/wine", {"skus": ["x"]}),
    ("marketer", "PUT", "/v1/store-groups/city", {"stores": ["s-1"]}),
    ("admin", "PUT", "/v1/merchants/tea-house", {"name": "Mine"}),
    ("admin", "GET", "/v1/audit-log", None),
    ("staff", "POST", "/v1/members/{member}/suspend", REASON),
    ("staff", "POST", "/v1/members/{member}/resume", REASON),
    ("staff", "POST", "/v1/members/{member}/tokens", {}),
    ("staff", "GET", "/v1/members/{member}/export", None),
    ("staff", "GET", "/v1/members/{member}/messages", None),
    ("staff", "POST", "/v1/messages/previews", {"template": "redeemed", "member_id": "{member}"}),
]


def of_other(shop: Shop, role: str) -> Caller:
    """Return a caller with a token of another merchant."""
    with shop.app.app_context():
        builders.open_store("x-1", "t-1", "other-house")
    body = {"role": role, "name": "theirs", "merchant_id": "other-house"}
    return Caller(shop.nobody.client, shop.admin("POST", "/v1/tokens", json=body).json["token"])


@pytest.mark.parametrize(("role", "method", "path", "body"), ACTS)
def test_what_concerns_every_merchant_takes_a_token_of_none(
    shop: Shop, role: str, method: str, path: str, body: Any
) -> None:
    for caller in (of_other(shop, role), of_other(shop, "admin")):
        sent = body and json.loads(json.dumps(body).replace("{member}", shop.member_id))
        answer = caller(method, path.format(member=shop.member_id), json=sent)
        assert (answer.status_code, answer.json["code"]) == (403, "other_merchant")
        assert "without a merchant" in answer.json["detail"]


def test_tokens_of_others_are_out_of_reach(shop: Shop) -> None:
    other = of_other(shop, "admin")
    made = other("POST", "/v1/tokens", json={"role": "staff", "name": "x", "merchant_id": "tea-house"})
    assert (made.status_code, made.json["code"]) == (403, "merchant_not_allowed")
    members = shop.staff("POST", f"/v1/members/{shop.member_id}/tokens", json={}).json["token_id"]
    assert other("POST", f"/v1/tokens/{members}/rotate", json={}).json["code"] == "other_merchant"
    assert other("DELETE", f"/v1/tokens/{members}").json["code"] == "other_merchant"


def test_a_ledger_does_not_tell_of_purchases_at_another_merchant(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    path = f"/v1/members/{shop.member_id}/ledger"
    (theirs,) = of_other(shop, "staff")("GET", path).json["entries"]
    assert set(theirs["source"]) == {"kind", "id"}
    for entries in (shop.service("GET", path), shop.staff("GET", path), shop.member("GET", "/v1/me/ledger")):
        assert entries.json["entries"][0]["source"]["store"] == "s-1"


@pytest.mark.parametrize(("field", "value"), [("segments", ["vip"]), ("attributes", {"shoe-size": "38"})])
def test_a_till_sets_no_segments_and_no_attributes(shop: Shop, field: str, value: Any) -> None:
    answer = shop.terminal("POST", "/v1/members", json={field: value})
    assert (answer.status_code, answer.json["code"]) == (403, "not_at_till")
    assert field in answer.json["errors"]
    for caller in (shop.service, shop.staff, shop.admin):
        assert caller("POST", "/v1/members", json={field: value}).status_code == 201


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/balances", "/v1/me/tier", "/v1/me/card", "/v1/me/ledger"])
def test_an_unknown_parameter_is_refused(shop: Shop, path: str) -> None:
    answer = shop.member("GET", f"{path}?since=2026-01-01")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert "since" in answer.json["errors"]


def test_parameters_beside_a_programme_in_json_are_refused(shop: Shop) -> None:
    body = {"programme": builders.PROGRAMME, "reason": "later"}
    answer = shop.marketer("POST", "/v1/programme/versions?effective_at=2027-01-01T00:00:00Z", json=body)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["effective_at"])


def test_a_bug_in_one_purchase_of_a_batch_stops_no_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from loyalty_engine.services import purchases

    post = purchases.post

    def breaks(actor: Any, posted: Any) -> Any:
        if posted.purchase_id == "bad":
            raise ValueError(CARD)
        return post(actor, posted)

    monkeypatch.setattr(purchases, "post", breaks)
    sent = [purchase(purchase_id=name, receipt=...) for name in ("a", "bad", "c")]
    answer = shop.terminal("POST", "/v1/purchases/batch", json={"purchases": sent})
    bad = answer.json["results"][1]
    assert [one["status"] for one in answer.json["results"]] == [201, 500, 201]
    assert bad["body"]["code"] == "internal_error"
    assert CARD not in str(bad)
