"""What bad input gets: a problem that names the place and the remedy, a 4xx, and nothing stored."""

import io
import json
import time
from typing import Any

import pytest
from sqlalchemy import func, select

from loyalty_engine.store.session import db
from loyalty_engine.store.tables import ledger_entries, parked_purchases, purchase_keys, purchases
from tests.api.conftest import Shop, line, purchase

pytestmark = [
    pytest.mark.usefixtures("frozen_clock"),
    pytest.mark.parametrize("application", ["sqlite"], indirect=True),
]

DEEP = '{"a":' * 20 + "1" + "}" * 20


def stored(shop: Shop) -> int:
    """Return how many rows a purchase could have left behind."""
    with shop.app.app_context(), db.engine.connect() as connection:
        tables = (purchase_keys, parked_purchases, purchases, ledger_entries)
        return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def assert_refused(shop: Shop, answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == f"urn:loyalty-engine:problem:{code}"
    assert answer.json["status"] == status
    assert answer.json["title"]
    assert answer.json["detail"]
    assert answer.headers["X-Request-Id"]
    assert stored(shop) == 0


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"lines": []}, "lines", "there are too few or too many: send 1 to 500."),
        ({"lines": [line(str(n)) for n in range(501)]}, "lines", "there are too few or too many: send 1 to 500."),
        ({"lines": {}}, "lines", "is no list: write it in [ ]."),
        ({"lines": None}, "lines", "null stands here: write a value."),
        ({"lines": ...}, "lines", "is missing: write it."),
        ({"lines": [1]}, "lines[0]", "write a JSON object: {…}"),
        ({"lines": [line("1", sku=...)]}, "lines[0].sku", "is missing: write it."),
        ({"lines": [line("1", tags=["t"] * 51)]}, "lines[0].tags", "there are too many: send at most 50."),
        ({"lines": [line("1", kind="good")]}, "lines[0].kind", "is none of those there are: write one of goods, shipping."),
        ({"lines": [line("1", kind=1)]}, "lines[0].kind", "is no text: put it in quotes."),
        ({"lines": [line("1", quantity=-1)]}, "lines[0].quantity", "is out of bounds: write a whole number from 0 to 1000000."),
    ],
)  # fmt: skip
def test_what_is_said_of_a_field_says_what_would_be_right(
    shop: Shop, changes: dict[str, Any], path: str, said: str
) -> None:
    answer = shop.terminal("POST", "/v1/purchases", json=purchase(**changes))
    assert_refused(shop, answer, 422, "invalid_fields")
    assert answer.json["errors"] == {path: [said]}
    assert answer.json["detail"] == f"{path}: {said}"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"curency": "CNY"}, "curency"),
        ({"lines": [line("1", quanity=2)]}, "lines[0].quanity"),
        ({"member": {"card": "1", "name": "Lin"}}, "member.name"),
        ({"lines": [line("1", amount="1e999999")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="１２.00")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="-1.00")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="12.345")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="12.30\n")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="9" * 400)]}, "lines[0].amount"),
        ({"lines": [line("1", amount="9999999999999999.00")]}, "lines[0].amount"),
        ({"lines": [line("1", amount="")]}, "lines[0].amount"),
        ({"lines": [line("1", amount=12.3)]}, "lines[0].amount"),
        ({"lines": [line("1", amount=12)]}, "lines[0].amount"),
        ({"lines": [line("1", amount=None)]}, "lines[0].amount"),
        ({"lines": [line("1", amount=...)]}, "lines[0].amount"),
        ({"lines": [line("1", quantity=-1)]}, "lines[0].quantity"),
        ({"lines": [line("1", quantity=1_000_001)]}, "lines[0].quantity"),
        ({"lines": [line("1", quantity=1.5)]}, "lines[0].quantity"),
        ({"lines": [line("1", quantity="2")]}, "lines[0].quantity"),
        ({"lines": [line("1", quantity=True)]}, "lines[0].quantity"),
        ({"lines": [line("1", quantity=10**40)]}, "lines[0].quantity"),
        ({"lines": [line("1", kind="service")]}, "lines[0].kind"),
        ({"lines": [line("1", sku="")]}, "lines[0].sku"),
        ({"lines": [line("1", sku="a\u0000b")]}, "lines[0].sku"),
        ({"lines": [line("1", sku="a\u202eb")]}, "lines[0].sku"),
        ({"lines": [line("1", sku="x" * 65)]}, "lines[0].sku"),
        ({"lines": [line("1", brand="\ud800")]}, "lines[0].brand"),
        ({"lines": [line("1", tags="hot")]}, "lines[0].tags"),
        ({"lines": [line("1", tags=["x"] * 51)]}, "lines[0].tags"),
        ({"lines": [line("1", facts={"distance": 12.5})]}, "lines[0].facts.distance"),
        ({"lines": [line("1", facts={"distance": -1})]}, "lines[0].facts.distance"),
        ({"lines": [line("1", facts={"distance": [1]})]}, "lines[0].facts.distance"),
        ({"lines": [line("1", facts=[])]}, "lines[0].facts"),
        ({"lines": [line("1"), line("1")]}, "lines[1].line_id"),
        ({"lines": []}, "lines"),
        ({"lines": "none"}, "lines"),
        ({"lines": ["none"]}, "lines[0]"),
        ({"lines": [line(str(n)) for n in range(501)]}, "lines"),
        ({"occurred_at": "2026-11-22T09:41:00"}, "occurred_at"),
        ({"occurred_at": "2026-11-22"}, "occurred_at"),
        ({"occurred_at": "2026-02-30T09:41:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
        ({"occurred_at": "２026-11-22T09:41:00Z"}, "occurred_at"),
        ({"occurred_at": 1763800000}, "occurred_at"),
        ({"currency": "cny"}, "currency"),
        ({"currency": "CNYX"}, "currency"),
        ({"purchase_id": ""}, "purchase_id"),
        ({"purchase_id": None}, "purchase_id"),
        ({"purchase_id": ...}, "purchase_id"),
        ({"purchase_id": "x" * 65}, "purchase_id"),
        ({"purchase_id": "a/b"}, "purchase_id"),
        ({"purchase_id": "a\n"}, "purchase_id"),
        ({"purchase_id": "."}, "purchase_id"),
        ({"purchase_id": ".."}, "purchase_id"),
        ({"member": {}}, "member"),
        ({"member": {"card": "1", "phone": "+8613800138000"}}, "member"),
        ({"member": {"phone": "13800138000"}}, "member.phone"),
        ({"member": {"member_id": "me"}}, "member.member_id"),
        ({"member": "6300000000000017"}, "member"),
        ({"receipt": {"number": "1"}}, "receipt.business_day"),
        ({"receipt": {"number": "1", "business_day": "2026-13-01"}}, "receipt.business_day"),
        ({"tenders": [{"kind": "cash", "amount": "1.005"}]}, "tenders[0].amount"),
        ({"order_discount": "-5.00"}, "order_discount"),
        ({"coupon_codes": [""]}, "coupon_codes[0]"),
    ],
)
def test_a_field_that_cant_be_right_is_named(shop: Shop, changes: dict[str, Any], path: str) -> None:
    answer = shop.terminal("POST", "/v1/purchases", json=purchase(**changes))
    assert_refused(shop, answer, 422, "invalid_fields")
    assert path in answer.json["errors"], answer.json["errors"]


def test_everything_that_is_wrong_is_said_at_once(shop: Shop) -> None:
    body = purchase(curency="CNY", lines=[line("1", amount="x", quantity=-1), line("2", tax="y")])
    errors = shop.terminal("POST", "/v1/purchases", json=body).json["errors"]
    assert set(errors) == {"curency", "lines[0].amount", "lines[0].quantity", "lines[1].tax"}


def test_an_unknown_field_is_refused_with_the_one_that_was_meant(shop: Shop) -> None:
    errors = shop.terminal("POST", "/v1/purchases", json=purchase(order_dicount="1.00")).json["errors"]
    assert errors["order_dicount"] == ['Unknown field: did you mean "order_discount"?']


@pytest.mark.parametrize(
    ("raw", "code", "says"),
    [
        (b"", "malformed_json", "empty"),
        (b"{", "malformed_json", "line 1, column 2"),
        (b'{"a": 1,\n "b" 2}', "malformed_json", "line 2, column 6"),
        (b'{"a": NaN}', "malformed_json", "NaN"),
        (b'{"a": Infinity}', "malformed_json", "Infinity"),
        (b'{"a": -Infinity}', "malformed_json", "-Infinity"),
        (b'{"a": "\xff"}', "malformed_json", "byte 8"),
        (b'\xef\xbb\xbf{"a": 1}', "malformed_json", "line 1, column 1"),
        (json.dumps(purchase()).encode("utf-16"), "malformed_json", "UTF-8"),
        (b'{"a": 1, "a": 2}', "duplicate_key", '"a"'),
        (DEEP.encode(), "nested_too_deep", "16"),
        (b"[" * 100_000, "nested_too_deep", "16"),
        (b'{"lines":' + b"[" * 100_000, "nested_too_deep", "16"),
        (b'{"a": 01}', "malformed_json", "column"),
    ],
)
def test_what_is_no_json_is_told_where(shop: Shop, raw: bytes, code: str, says: str) -> None:
    answer = shop.terminal("POST", "/v1/purchases", data=raw, content_type="application/json")
    assert_refused(shop, answer, 400, code)
    assert says in answer.json["detail"]


@pytest.mark.parametrize("path", ["/v1/purchases", "/v1/quotes"])
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"true", b"1.5", b"1e999999"])
def test_a_body_that_is_no_object_is_refused(shop: Shop, path: str, body: bytes) -> None:
    answer = shop.terminal("POST", path, data=body, content_type="application/json")
    assert_refused(shop, answer, 422, "invalid_fields")


def test_a_key_that_is_there_twice_is_refused_wherever_it_stands(shop: Shop) -> None:
    body = json.dumps(purchase())
    for once, twice in (
        ('"channel": "store"', '"channel": "store", "channel": "web"'),
        ('"sku": "LATTE-L"', '"sku": "LATTE-L", "sku": "TEA"'),
        ('"facts": {}', '"facts": {"a": 1, "a": 1}'),
        ('"facts": {}', '"facts": {"a": 1, "\\u0061": 2}'),
    ):
        assert once in body
        raw = body.replace(once, twice)
        answer = shop.terminal("POST", "/v1/purchases", data=raw, content_type="application/json")
        assert_refused(shop, answer, 400, "duplicate_key")


@pytest.mark.parametrize("digits", ["1e999999", "1" * 5000, "-1e-999999", "1E+400", "0.1", "12.0", "9" * 19])
@pytest.mark.parametrize("place", ["quantity", "amount", "facts"])
def test_a_huge_number_costs_nothing(shop: Shop, digits: str, place: str) -> None:
    value = f'{{"distance": {digits}}}' if place == "facts" else digits
    raw = json.dumps(purchase(lines=[line("1", **{place: "HERE"})])).replace('"HERE"', value)
    began = time.perf_counter()
    answer = shop.terminal("POST", "/v1/purchases", data=raw, content_type="application/json")
    assert time.perf_counter() - began < 0.5
    assert_refused(shop, answer, 422, "invalid_fields")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
)
def test_what_does_not_say_that_it_is_json_is_not_read(shop: Shop, content_type: str | None) -> None:
    answer = shop.terminal("POST", "/v1/purchases", data=json.dumps(purchase()), content_type=content_type)
    assert_refused(shop, answer, 415, "media_type_not_read")
    assert "application/json" in answer.json["detail"]


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "application/vnd.till+json"])
def test_json_by_its_other_names_is_read(shop: Shop, content_type: str) -> None:
    answer = shop.terminal("POST", "/v1/purchases", data=json.dumps(purchase()), content_type=content_type)
    assert answer.status_code == 201


def test_a_compressed_body_is_not_read(shop: Shop) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = shop.terminal("POST", "/v1/purchases", json=purchase(), headers=headers)
    assert_refused(shop, answer, 415, "content_encoding_not_read")


def test_a_body_of_300_kib_is_too_large(shop: Shop) -> None:
    raw = json.dumps(purchase()) + " " * 300 * 1024
    answer = shop.terminal("POST", "/v1/purchases", data=raw, content_type="application/json")
    assert_refused(shop, answer, 413, "body_too_large")
    assert "256 KiB" in answer.json["detail"]


@pytest.mark.parametrize("padding", [" ", "x"])
def test_a_body_that_does_not_say_how_long_it_is_is_measured_too(shop: Shop, padding: str) -> None:
    options: dict[str, Any] = {
        "content_type": "application/json",
        "environ_base": {"wsgi.input_terminated": True},
    }
    raw = json.dumps(purchase()).encode()
    long = io.BytesIO(raw + padding.encode() * 300 * 1024)
    answer = shop.terminal("POST", "/v1/purchases", input_stream=long, **options)
    assert_refused(shop, answer, 413, "body_too_large")
    answer = shop.terminal("POST", "/v1/purchases", input_stream=io.BytesIO(raw), **options)
    assert answer.status_code == 201


def test_a_batch_may_be_larger_but_not_larger_than_8_mib(shop: Shop) -> None:
    good = {"purchases": [purchase(receipt=..., lines=[line(str(n)) for n in range(400)])] * 5}
    raw = json.dumps(good)
    assert len(raw) > 256 * 1024
    answer = shop.terminal("POST", "/v1/purchases/batch", data=raw, content_type="application/json")
    assert [one["status"] for one in answer.json["results"]] == [202] * 5
    answer = shop.terminal(
        "POST", "/v1/purchases/batch", data=raw + " " * 8 * 1024 * 1024, content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
    assert "8192 KiB" in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"purchases": []}, 422, "purchases"),
        ({"purchases": [1] * 501}, 422, "purchases"),
        ({}, 422, "purchases"),
        ({"purchases": "x"}, 422, "purchases"),
        ({"purchase": []}, 422, "purchase"),
        ([], 422, "body"),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(shop: Shop, body: Any, status: int, path: str) -> None:
    answer = shop.terminal("POST", "/v1/purchases/batch", json=body)
    assert_refused(shop, answer, status, "invalid_fields")
    assert path in answer.json["errors"]


def test_a_batch_with_its_key_twice_is_refused(shop: Shop) -> None:
    raw = '{"purchases": [{}], "purchases": [{}]}'
    answer = shop.terminal("POST", "/v1/purchases/batch", data=raw, content_type="application/json")
    assert_refused(shop, answer, 400, "duplicate_key")


def test_five_minutes_ahead_is_a_clock_and_six_are_the_future(shop: Shop) -> None:
    late = shop.terminal("POST", "/v1/purchases", json=purchase(occurred_at="2026-11-22T12:05:01+08:00"))
    assert_refused(shop, late, 422, "occurred_in_future")
    assert "occurred_at" in late.json["errors"]
    fine = shop.terminal("POST", "/v1/purchases", json=purchase(occurred_at="2026-11-22T12:05:00+08:00"))
    assert fine.status_code == 201


@pytest.mark.parametrize(
    ("day", "status"), [("2026-11-21", 201), ("2026-11-22", 201), ("2026-11-23", 201), ("2026-11-24", 422)]
)
def test_a_receipt_is_of_a_day_that_has_begun_somewhere(shop: Shop, day: str, status: int) -> None:
    body = purchase(receipt={"number": "0042", "business_day": day})
    one = shop.terminal("POST", "/v1/purchases/batch", json={"purchases": [body]}).json["results"][0]
    answer = shop.terminal("POST", "/v1/purchases", json=body)
    assert (one["status"], answer.status_code) == (status, 200 if status == 201 else 422)
    assert (status == 422) == ("receipt.business_day" in answer.json.get("errors", {}))


def test_another_currency_is_wrong(shop: Shop) -> None:
    answer = shop.terminal("POST", "/v1/purchases", json=purchase(currency="EUR"))
    assert_refused(shop, answer, 422, "wrong_currency")


def test_another_purchase_under_the_same_number_is_refused(shop: Shop) -> None:
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).status_code == 201
    other = purchase(lines=[line("1", amount="41.00")])
    answer = shop.terminal("POST", "/v1/purchases", json=other)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"return_reference": "R-1"},
        {"return_reference": "R-1", "all": True, "lines": [{"line_id": "1", "quantity": 1}]},
        {"return_reference": "R-1", "all": "yes"},
        {"return_reference": "R/1", "all": True},
        {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": -1}]},
        {"return_reference": "R-1", "lines": [{"line_id": "1"}]},
        {"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}] * 2},
        {"return_reference": "R-1", "al": True},
    ],
)
def test_a_return_that_cant_be_right_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    answer = shop.terminal("POST", "/v1/purchases/T7/returns", json=body)
    assert_refused(shop, answer, 422, "invalid_fields")


@pytest.mark.parametrize("query", ["?limit=0", "?limit=501", "?limit=５", "?limit=1e9", "?limt=5", "?cursor="])
def test_a_page_that_cant_be_asked_for_is_refused(shop: Shop, query: str) -> None:
    answer = shop.member("GET", f"/v1/me/ledger{query}")
    assert_refused(shop, answer, 422, "invalid_fields")


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "1;DROP", "%00"])
@pytest.mark.parametrize("path", ["/v1/me/ledger", "/v1/audit-log", "/v1/purchases", "/v1/stores", "/v1/tokens"])
def test_a_cursor_that_nobody_gave_breaks_nothing(shop: Shop, path: str, cursor: str) -> None:
    caller = shop.member if "/me/" in path else shop.admin
    status = "&status=unclaimed" if path == "/v1/purchases" else ""
    assert caller("GET", f"{path}?cursor={cursor}{status}").status_code in (200, 422)


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/nothing", "/v1/purchases/", "/v1/purchases/a%00b", "/v1/purchases/a%0A", "/v1/members/1"]
)
def test_an_unknown_path_is_a_problem(shop: Shop, path: str) -> None:
    assert_refused(shop, shop.terminal("GET", path), 404, "no_such_path")


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_out_of_range_is_told_the_range(shop: Shop, day: str) -> None:
    assert_refused(shop, shop.terminal("GET", f"/v1/stores/s-1/days/{day}"), 422, "store_day_invalid")
    answer = shop.staff("GET", f"/v1/members/{shop.member_id}/balances?as_of={day}")
    assert "from 1900-01-01 to 2199-12-31" in answer.json["errors"]["as_of"][0]


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(shop: Shop) -> None:
    answer = shop.terminal("DELETE", "/v1/quotes")
    assert_refused(shop, answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_bad_programme_is_told_everything_at_once(shop: Shop) -> None:
    text = "programme: x\nmony: CNY\nwallets:\n  - {id: beans, rounding: flor}\n"
    answer = shop.marketer("POST", "/v1/programme/check", data=text, content_type="application/yaml")
    assert answer.status_code == 200
    assert not answer.json["valid"]
    paths = {problem["path"] for problem in answer.json["problems"]}
    assert {"mony", "wallets[0].rounding"} <= paths
    refused = shop.marketer("POST", "/v1/programme/versions?reason=x", data=text, content_type="application/yaml")
    assert_refused(shop, refused, 422, "programme_invalid")
    assert {"mony", "wallets[0].rounding"} <= set(refused.json["errors"])
