"""The fast reader and the schema take the same purchases, mean the same by them, and refuse the same."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.api import hot
from loyalty_engine.api.bodies import read_json
from loyalty_engine.api.schemas.purchases import PurchaseSchema, QuoteSchema, load_purchase
from loyalty_engine.services.intake import PostedPurchase
from rules.errors import Refusal
from tests.api.conftest import line, purchase

GOOD: list[dict[str, Any]] = [
    purchase(),
    purchase(member=None, receipt=None, order_discount=None, tenders=None, vouchers=None, coupon_codes=None),
    purchase(member=..., receipt=..., channel=..., order_discount=..., tenders=..., vouchers=..., coupon_codes=...),
    purchase(member={"phone": "+8613800138000"}, store="s-1", terminal="t-1"),
    purchase(member={"member_id": "01A2B3C4-0000-7000-8000-000000000000", "card": None}),
    purchase(member={"token": "tök 1"}, vouchers=["v-1"], coupon_codes=["c-1", "c-1"]),
    purchase(currency="JPY", order_discount="5", tenders=[{"kind": "现金", "amount": "35", "reference": "r"}])
    | {"lines": [line("1", amount="40", discount="6", tax="2")]},
    purchase(lines=[line("1", quantity=0), line("2", quantity=1_000_000), line("3", quantity=...)]),
    purchase(lines=[line("1", tax=..., discount=None, tags=None, facts=None, brand=None, category=None)]),
    purchase(lines=[line("1", sku="Cafe\u0301", kind="shipping", category="饮料/咖啡")]),
    purchase(lines=[line("1", facts={"distance": 0, "class": "Y", "名": "字"})]),
    purchase(lines=[line(str(n)) for n in range(500)]),
    purchase(occurred_at="2026-11-22t09:41z", purchase_id="a~b.c_d-E"),
]
BAD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", " ", "x", "x" * 65, "x" * 201, "１２.00", "-1.00", "1e9", "12.345",
    "a\u0000b", "a\u007fb", "a\u202eb", "\ud800", 'say "hi"', "back\\slash", "é", "e\u0301", "茶", [], {}, [[]], [""],
    ["x"] * 51, {"x": 1}, {"x": 1.5}, {"x": None}, {"x": {"y": 1}}, {"card": "1", "phone": "+8613800138000"},
    {f"f{n}": n for n in range(51)}, "2026-11-22T09:41:00Z", "2026-11-22", "+8613800138000", "CNY", "goods",
]  # fmt: skip


def by_schema(raw: bytes, numbered: bool) -> PostedPurchase | None:
    try:
        return load_purchase(PurchaseSchema() if numbered else QuoteSchema(), read_json(raw))
    except Refusal:
        return None


def assert_same(raw: bytes) -> bool:
    """Assert that both readers agree; return whether they took it."""
    for numbered in (True, False):
        fast, slow = hot.fast_purchase(raw, numbered), by_schema(raw, numbered)
        assert fast == slow, raw[:2000]
    return slow is not None


def written(body: Any) -> list[bytes]:
    """Return the same body as tills write it: with escapes or in UTF-8, tight or loose."""
    return [
        json.dumps(body).encode(),
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"),
        json.dumps(body, indent=1).encode(),
    ]


@pytest.mark.parametrize("body", GOOD)
def test_both_take_what_is_good(body: dict[str, Any]) -> None:
    for raw in written(body):
        assert hot.fast_purchase(raw) is not None
        assert assert_same(raw)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a body with something else at `path`."""
    if not path:
        return value
    copy = body.copy()
    copy[path[0]] = replaced(body[path[0]], path[1:], value)
    return copy


SMALL = purchase(lines=[line("1", facts={"distance": 12, "class": "Y"})], vouchers=["v"], coupon_codes=["c"])


@pytest.mark.parametrize("path", places(SMALL), ids=str)
def test_both_refuse_what_is_bad_wherever_it_stands(path: tuple[Any, ...]) -> None:
    for value in BAD:
        for raw in written(replaced(SMALL, path, value)):
            assert_same(raw)


@pytest.mark.parametrize("path", places(SMALL), ids=str)
def test_both_say_the_same_of_fields_that_are_missing_unknown_or_twice(path: tuple[Any, ...]) -> None:
    found: Any = SMALL
    for key in path:
        found = found[key]
    if not isinstance(found, dict):
        return
    assert_same(json.dumps(replaced(SMALL, path, found | {"unknown": 1})).encode())
    for name in found:
        assert_same(json.dumps(replaced(SMALL, path, {key: found[key] for key in found if key != name})).encode())
        once = json.dumps({name: found[name]})[1:-1]
        text = json.dumps(found)
        twice = json.dumps(replaced(SMALL, path, "HERE")).replace('"HERE"', text[:-1] + ", " + once + "}")
        assert not assert_same(twice.encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(BAD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.text(min_size=0, max_size=70) | st.sampled_from(["1", "40.00", "0", "A-1", "茶"])
LINES = st.fixed_dictionaries(
    {"line_id": WORDS, "sku": WORDS, "amount": st.decimals(0, 10**6, places=2).map(str)},
    optional={
        "quantity": st.integers(-1, 1_000_001) | st.none(),
        "discount": st.decimals(0, 100, places=2).map(str) | WORDS | st.none(),
        "tax": st.decimals(0, 100).map(str) | st.none(),
        "kind": st.sampled_from(["goods", "shipping", "x", None]),
        "category": WORDS | st.none(),
        "brand": WORDS | st.none(),
        "tags": st.lists(WORDS, max_size=3) | st.none(),
        "facts": st.dictionaries(WORDS, WORDS | st.integers(-1, 10**10), max_size=3) | st.none(),
    },
)
BODIES = st.fixed_dictionaries(
    {
        "purchase_id": st.from_regex(r"[A-Za-z0-9._~-]{1,64}", fullmatch=True) | WORDS,
        "occurred_at": st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()),
        "currency": st.sampled_from(["CNY", "JPY", "KWD", "XXX"]),
        "lines": st.lists(LINES, min_size=0, max_size=3),
    },
    optional={
        "member": st.dictionaries(st.sampled_from(["member_id", "card", "phone", "token"]), WORDS, max_size=2),
        "order_discount": st.decimals(0, 100, places=1).map(str),
        "tenders": st.lists(st.fixed_dictionaries({"kind": WORDS, "amount": WORDS}), max_size=2),
        "channel": WORDS,
        "receipt": st.fixed_dictionaries({"number": WORDS, "business_day": st.dates().map(str) | WORDS}),
    },
)


@given(body=BODIES, ascii_only=st.booleans())
@settings(deadline=None, max_examples=300)
def test_both_agree_on_whatever_looks_like_a_purchase(body: dict[str, Any], ascii_only: bool) -> None:
    assert_same(json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@given(data=st.data(), value=JSON)
@settings(deadline=None, max_examples=300)
def test_both_agree_on_whatever_stands_anywhere(data: st.DataObject, value: Any) -> None:
    path = data.draw(st.sampled_from(places(SMALL)))
    assert_same(json.dumps(replaced(SMALL, path, value)).encode())


@given(raw=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None, max_examples=300)
def test_no_bytes_at_all_are_more_than_a_refusal(raw: bytes) -> None:
    assert not assert_same(raw)
    with pytest.raises(Refusal):
        hot.read_purchase(raw)
    with pytest.raises(Refusal):
        hot.split_batch(raw)
