"""Members, programmes, tokens, stores and products over HTTP."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from tests import builders
from tests.api.conftest import CARD, Shop, line, purchase

pytestmark = pytest.mark.usefixtures("frozen_clock")

NOBODY = "01a2b3c4-0000-7000-8000-000000000000"


def test_a_member_is_enrolled_looked_up_and_shown(shop: Shop) -> None:
    body: dict[str, Any] = {
        "name": "Anna Schmidt",
        "phone": "138 0013 8000",
        "email": "anna@example.com",
        "language": "en",
        "birthday": {"month": 8, "day": 15, "calendar": "lunar"},
        "consents": [{"channel": "sms", "purpose": "marketing"}],
        "attributes": {"shoe-size": "38"},
    }
    enrolled = shop.service("POST", "/v1/members", json=body)
    assert enrolled.status_code == 201
    seen = shop.terminal("POST", "/v1/members/lookups", json={"phone": "+8613800138000"})
    assert seen.json["member_id"] == enrolled.json["member_id"]
    assert seen.json["name"] == "A*** S***"
    assert seen.json["card"].startswith("****")
    shown = shop.staff("GET", f"/v1/members/{enrolled.json['member_id']}").json
    assert shown["birthday"] == {"month": 8, "day": 15, "year": None, "calendar": "lunar", "leap_month": False}
    assert shown["consents"][0]["given"] is True
    assert shown["attributes"] == {"shoe-size": "38"}
    again = shop.staff("POST", "/v1/members", json=body)
    assert (again.status_code, again.json["code"]) == (409, "phone_taken")


def test_a_member_without_anything_gets_a_card(shop: Shop) -> None:
    enrolled = shop.terminal("POST", "/v1/members", json={}, headers={"Idempotency-Key": "k"})
    again = shop.terminal("POST", "/v1/members", json={}, headers={"Idempotency-Key": "k"})
    assert enrolled.status_code == 201
    assert len(enrolled.json["card"]) == 16
    assert again.json == enrolled.json


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"nam": "x"}, "nam"),
        ({"birthday": {"month": 13, "day": 1}}, "birthday.month"),
        ({"birthday": {"month": 2, "day": 30}}, "birthday"),
        ({"phone": "1"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"card": "1"}, "cards[0]"),
        ({"name": "a\nb"}, "name"),
        ({"language": "english please"}, "language"),
        ({"consents": [{"channel": "pigeon", "purpose": "marketing"}]}, "consents[0].channel"),
        ({"attributes": {"a b": "x"}}, "attributes"),
    ],
)
def test_what_is_wrong_with_a_member_is_said_by_field(shop: Shop, body: dict[str, Any], path: str) -> None:
    answer = shop.terminal("POST", "/v1/members", json=body)
    assert answer.status_code == 422
    assert any(name.startswith(path) for name in answer.json["errors"]), answer.json


def test_a_member_sees_its_own_account_and_staff_anybodys(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    mine = shop.member("GET", "/v1/me/balances").json
    assert mine["balances"][0]["available"] == 35
    assert shop.staff("GET", f"/v1/members/{shop.member_id}/balances").json == mine
    entries = shop.member("GET", "/v1/me/ledger?limit=1").json
    assert entries["entries"][0]["source"]["purchase_id"] == "T7-20261122-0042"
    (seen,) = shop.service("GET", f"/v1/members/{shop.member_id}/ledger").json["entries"]
    assert seen == entries["entries"][0] | {"explanation": None}
    tier = shop.member("GET", "/v1/me/tier").json
    assert (tier["level"], tier["next"]) == ("green", {"level": "gold", "missing": 965, "of": "points:leaves"})
    card = shop.member("GET", "/v1/me/card").json
    assert {name: card.pop(name) for name in ("number", "status")} == {"number": CARD, "status": "active"}
    assert set(card) == {"token", "qr", "token_valid_until"}
    assert shop.member("GET", "/v1/me").json["name"] == "Lin Wei"


def test_a_member_reads_why_of_its_own_purchases_and_of_no_others(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    shop.terminal("POST", "/v1/purchases", json=purchase(purchase_id="nobodys", member=..., receipt=...))
    source = shop.member("GET", "/v1/me/ledger?limit=1").json["entries"][0]["source"]
    path = f"/v1/purchases/{source['purchase_id']}/explanation?store={source['store']}"
    assert "35" in shop.member("GET", path).json["headline"]
    assert shop.member("GET", f"/v1/purchases/nobodys?store={source['store']}").status_code == 404


def test_the_ledger_names_the_return_that_took_points_back(shop: Shop) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    number = purchase()["purchase_id"]
    shop.terminal("POST", f"/v1/purchases/{number}/returns", json={"return_reference": "R-1", "all": True})
    source = shop.member("GET", "/v1/me/ledger?limit=1").json["entries"][0]["source"]
    assert (source["purchase_id"], source["return_reference"]) == (number, "R-1")


@pytest.mark.parametrize("what", ["", "/balances", "/ledger", "/tier"])
def test_a_member_that_is_not_there_is_not_found(shop: Shop, what: str) -> None:
    assert shop.staff("GET", f"/v1/members/{NOBODY}{what}").status_code == 404


def test_a_lost_card_is_blocked_and_replaced(shop: Shop) -> None:
    path = f"/v1/members/{shop.member_id}/cards"
    lost = {"card": f"{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}", "reason": "lost"}
    other = shop.staff("POST", f"/v1/members/{NOBODY}/cards/block", json=lost)
    assert (other.status_code, other.json["code"]) == (404, "unknown_card")
    assert shop.member("GET", "/v1/me/card").status_code == 200
    assert set(shop.staff("POST", f"{path}/block", json={}).json["errors"]) == {"card", "reason"}
    assert shop.staff("POST", f"{path}/block", json=lost).json["status"] == "blocked"
    assert shop.member("GET", "/v1/me/card").status_code == 404
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).json["reason"] == "blocked_card"
    wrong = shop.staff("POST", f"{path}/replace", json=lost | {"new_card": "12"})
    assert (wrong.status_code, set(wrong.json["errors"])) == (422, {"new_card"})
    fresh = shop.staff("POST", f"{path}/replace", json=lost)
    assert (fresh.status_code, fresh.json["status"]) == (201, "active")
    assert shop.member("GET", "/v1/me/card").json["number"] == fresh.json["number"]


def test_a_card_is_replaced_by_one_from_the_drawer(shop: Shop) -> None:
    body = {"card": CARD, "new_card": "6300000000000020", "reason": "worn out"}
    replaced = shop.service("POST", f"/v1/members/{shop.member_id}/cards/replace", json=body)
    assert (replaced.status_code, replaced.json["number"]) == (201, "6300000000000020")


def test_no_number_of_a_card_stands_in_an_address(sqlite_application: Flask) -> None:
    told = re.compile(r"(cards|phones|emails|claims)/<|<[a-z]*:?(card|phone|email|claim_code)>")
    assert not [rule.rule for rule in sqlite_application.url_map.iter_rules() if told.search(rule.rule)]


def test_a_suspended_members_purchases_wait(shop: Shop) -> None:
    path = f"/v1/members/{shop.member_id}"
    assert shop.staff("POST", f"{path}/suspend", json={"reason": "fraud?"}).json["status"] == "suspended"
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).json["reason"] == "suspended_member"
    resumed = shop.staff("POST", f"{path}/resume", json={"reason": "no"}, headers={"Idempotency-Key": "k"})
    assert resumed.json == {"member_id": shop.member_id, "status": "active"}


def test_a_members_token_is_shown_once_and_only_good_for_itself(shop: Shop) -> None:
    made = shop.staff("POST", f"/v1/members/{shop.member_id}/tokens", json={})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json['token']}"}
    assert shop.nobody("GET", "/v1/me", headers=headers).json["member_id"] == shop.member_id
    assert shop.nobody("GET", f"/v1/members/{shop.member_id}", headers=headers).status_code == 403
    assert made.json["token"] not in shop.admin("GET", "/v1/tokens").text


def test_a_token_is_rotated_with_an_overlap(shop: Shop) -> None:
    made = shop.admin("POST", "/v1/tokens", json={"role": "analyst", "name": "reports"}).json
    fresh = shop.admin("POST", f"/v1/tokens/{made['token_id']}/rotate", json={"overlap_hours": 1})
    assert fresh.status_code == 201
    for token in (made["token"], fresh.json["token"]):
        answer = shop.nobody("GET", "/v1/stores", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("as_json", [True, False])
def test_a_programme_is_checked_published_and_shown(shop: Shop, as_json: bool) -> None:
    text = builders.PROGRAMME.replace('per: "1.00"', 'per: "0.50"')
    checked = shop.marketer("POST", "/v1/programme/check", data=text, content_type="application/yaml")
    assert checked.json == {"valid": True, "problems": []}
    body = {"programme": text, "reason": "twice as much", "effective_at": "2026-12-01T00:00:00+08:00"}
    published = (
        shop.marketer("POST", "/v1/programme/versions", json=body)
        if as_json
        else shop.marketer(
            "POST",
            "/v1/programme/versions",
            query_string={"reason": body["reason"], "effective_at": body["effective_at"]},
            data=text,
            content_type="text/yaml",
        )
    )
    assert (published.status_code, published.json["version"]) == (201, 2)
    assert [one["version"] for one in shop.analyst("GET", "/v1/programme/versions").json["versions"]] == [1, 2]
    shown = shop.staff("GET", "/v1/programme/versions/2").json
    assert shown["reason"] == "twice as much"
    assert shown["document"]["programme"] == "tea-club"
    assert shop.staff("GET", "/v1/programme/versions/9").status_code == 404


def test_a_programme_may_be_an_object_whose_decimals_stay_exact(shop: Shop) -> None:
    document = shop.staff("GET", "/v1/programme/versions/1").json["document"]
    document["tiers"]["levels"][1] |= {"multiply": "HERE", "wallet": "leaves"}
    body = json.dumps({"programme": document, "reason": "gold earns more"}).replace('"HERE"', "1.25")
    published = shop.marketer("POST", "/v1/programme/versions", data=body, content_type="application/json")
    assert published.status_code == 201, published.text
    level = shop.staff("GET", "/v1/programme/versions/2").json["document"]["tiers"]["levels"][1]
    assert str(level["multiply"]) == "1.25"


def test_a_programme_without_a_reason_is_not_published(shop: Shop) -> None:
    by_yaml = shop.marketer("POST", "/v1/programme/versions", data=builders.PROGRAMME, content_type="application/yaml")
    by_json = shop.marketer("POST", "/v1/programme/versions", json={"programme": builders.PROGRAMME})
    assert by_yaml.status_code == by_json.status_code == 422
    assert "reason" in by_yaml.json["errors"]
    assert "reason" in by_json.json["errors"]


def test_stores_terminals_and_groups_are_put_and_listed(shop: Shop) -> None:
    body = {"merchant_id": "tea-house", "name": "Bund", "time_zone": "Asia/Shanghai"}
    assert shop.admin("PUT", "/v1/stores/s-2", json=body).json["name"] == "Bund"
    assert shop.admin("PUT", "/v1/stores/s-2/terminals/t-9").json["terminals"] == ["t-9"]
    assert shop.marketer("PUT", "/v1/store-groups/city", json={"stores": ["s-1", "s-2"]}).status_code == 200
    assert shop.marketer("PUT", "/v1/store-groups/city", json={"stores": ["s-9"]}).status_code == 422
    listed = shop.service("GET", "/v1/stores?limit=1").json
    assert [store["store_id"] for store in listed["stores"]] == ["s-1"]
    rest = shop.service("GET", f"/v1/stores?limit=1&cursor={listed['next']}").json
    assert ([store["store_id"] for store in rest["stores"]], rest["next"]) == (["s-2"], None)
    assert shop.staff("GET", "/v1/store-groups").json["store_groups"][0]["stores"] == ["s-1", "s-2"]
    assert shop.admin("PUT", "/v1/stores/s-3", json=body | {"time_zone": "Mars"}).status_code == 422
    assert shop.admin("PUT", "/v1/merchants/m-2", json={"name": "Other"}).status_code == 200
    assert {one["merchant_id"] for one in shop.admin("GET", "/v1/merchants").json["merchants"]} == {"m-2", "tea-house"}


def test_products_fill_in_what_tills_leave_out(shop: Shop) -> None:
    entries = [{"sku": "4006381333931", "category": "pens", "tags": ["blue"]}, {"sku": "x", "category": "a//b"}]
    put = shop.marketer("PUT", "/v1/products", json={"products": entries})
    assert [one["status"] for one in put.json["results"]] == ["posted", "refused"]
    body = purchase(lines=[line("1", sku="4006381333931", category=...)])
    assert shop.terminal("POST", "/v1/purchases", json=body).status_code == 201


def test_an_entry_with_a_misspelt_field_is_refused_by_itself_and_says_which(shop: Shop) -> None:
    entries = [{"sku": "a", "categry": "pens"}, {"sku": "b", "category": "pens"}, {"category": "a//b", "sku": "c"}, 7]
    results = shop.marketer("PUT", "/v1/products", json={"products": entries}).json["results"]
    assert [(one["status"], one["code"], one["errors"]) for one in results] == [
        ("refused", "invalid_fields", {"categry": ['Unknown field: did you mean "category"?']}),
        ("posted", None, {}),
        ("refused", "product_invalid", {"category": ["must be a path such as drinks/coffee, without empty parts"]}),
        ("refused", "invalid_fields", {"body": ["write a JSON object: {…}"]}),
    ]


@pytest.mark.parametrize("name", ["from", "from_on"])
def test_the_day_of_an_entry_is_called_as_in_imports_and_may_have_its_old_name(shop: Shop, name: str) -> None:
    entry = {"sku": "a", "category": "pens", name: "2026-11-01"}
    assert shop.marketer("PUT", "/v1/products", json={"products": [entry]}).json["results"][0]["status"] == "posted"
    again = {"sku": "a", "category": "pens", "from": "2026-11-01"}
    assert shop.marketer("PUT", "/v1/products", json={"products": [again]}).json["results"][0]["status"] == "replayed"
    both = {"sku": "a", "from": "2026-11-01", "from_on": "2026-11-02"}
    (refused,) = shop.marketer("PUT", "/v1/products", json={"products": [both]}).json["results"]
    assert list(refused["errors"]) == ["from_on"]


def test_a_sku_list_of_50_000_is_put(shop: Shop) -> None:
    skus = [f"SKU-{number:08}" for number in range(50_000)]
    put = shop.marketer("PUT", "/v1/sku-lists/wine", json={"skus": skus})
    assert (put.status_code, put.json) == (200, {"list_id": "wine", "skus": 50_000})
    assert shop.analyst("GET", "/v1/sku-lists").json == {"sku_lists": [{"list_id": "wine", "skus": 50_000}]}


def test_what_was_managed_is_in_the_audit_log(shop: Shop) -> None:
    shop.admin("PUT", "/v1/merchants/m-2", json={"name": "Other"})
    page = shop.admin("GET", "/v1/audit-log?limit=1").json
    assert (page["entries"][0]["action"], page["entries"][0]["target"]) == ("merchant.put", "m-2")
    older = shop.admin("GET", f"/v1/audit-log?limit=1&cursor={page['next']}").json
    assert older["entries"][0]["entry_id"] < page["entries"][0]["entry_id"]


@pytest.mark.parametrize("role", ["terminal", "service", "staff"])
def test_another_merchants_things_are_not_there(shop: Shop, role: str) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase())
    with shop.app.app_context():
        builders.open_store("x-1", "t-1", "other-house")
    made = shop.admin(
        "POST", "/v1/tokens", json={"role": "terminal", "name": "x", "store_id": "x-1", "terminal_id": "t-1"}
    ).json
    headers = {"Authorization": f"Bearer {made['token']}"}
    path = "/v1/purchases/T7-20261122-0042"
    for method, where, body in (
        ("GET", f"{path}?store=s-1", None),
        ("GET", f"{path}/explanation?store=s-1", None),
        ("POST", f"{path}/returns", {"return_reference": "R", "all": True, "store": "s-1"}),
        ("PUT", f"{path}/member", {"member": {"card": CARD}, "store": "s-1"}),
    ):
        assert shop.nobody(method, where, json=body, headers=headers).status_code in (403, 404), where
