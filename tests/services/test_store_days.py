"""The till's count of a day beside ours: what is posted, what waits, what moved, each once; the day before and after not."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import merging, store_days
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.store_days import Counted
from rules.errors import Refusal
from tests.builders import ADMIN, STAFF, TILL, open_store
from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean, dump, line, move, open_shop, post, rows, said, sold, take_return

DAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def _noon(app: Flask, frozen_clock: FrozenClock) -> None:
    """All of this happens at noon, unless a test moves on."""


def put(purchases: int, total: str, store: str = "s-1", day: date = DAY, actor: Actor = TILL) -> dict[str, Any]:
    return said(store_days.put(actor, store, day, Counted(purchases, total)))


def find(store: str = "s-1", day: date = DAY, actor: Actor = ADMIN) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store_days.find(actor, store, day))
    return found


def ours(store: str = "s-1", day: date = DAY) -> tuple[int, str]:
    counted = find(store, day)["ours"]
    return counted["purchases"], counted["total"]


def test_a_receipt_that_never_came_is_seen() -> None:
    ann, *_ = open_shop()
    post(sold("p1", ann))
    post(sold("p2", None))
    post(sold("p3", ann, paid=3))
    answer = put(4, "410.00")
    assert answer["ours"] == {"purchases": 3, "total": "300.00"}
    assert answer["difference"] == {"purchases": 1, "total": "110.00"}
    assert answer["by_status"] == {
        "posted": {"purchases": 1, "total": "100.00"},
        "unclaimed": {"purchases": 1, "total": "100.00"},
        "unresolved": {"purchases": 1, "total": "100.00"},
    }
    assert answer["unresolved"] == [{"purchase_id": "p3", "reason": "sums_disagree"}]
    assert find() == answer
    post(sold("p4", ann, line(amount=11_000)))
    assert find()["difference"] == {"purchases": 0, "total": "0.00"}


def test_saying_it_again_replaces_it() -> None:
    open_shop()
    assert find()["till"] is None
    assert find()["difference"] is None
    put(9, "1.00")
    answer = put(0, "0")
    assert (answer["till"], answer["difference"]) == ({"purchases": 0, "total": "0.00"},) * 2
    assert rows("SELECT COUNT(*) AS count FROM store_days") == [{"count": 1}]
    put(1, "5.00", actor=STAFF)
    assert rows("SELECT target FROM audit_log WHERE action = 'store_day.put'") == [{"target": "s-1/2026-11-22"}]


def test_each_purchase_counts_once_at_its_store_on_the_tills_day() -> None:
    ann, ben, _ = open_shop()
    open_store("S-1", "t-1")
    open_store("s-10", "t-1")
    before_midnight = NOON + timedelta(hours=11, minutes=59, seconds=59)
    with clock.frozen(NOON + timedelta(days=2)):
        post(sold("late", ann, at=before_midnight))
        post(sold("next", ann, at=before_midnight + timedelta(seconds=1)))
        post(sold("slip", ann, at=before_midnight + timedelta(hours=3), receipt="r1"))
        post(sold("nobody-slip", None, at=before_midnight + timedelta(hours=3), receipt="r2"))
        post(sold("nobody-next", None, at=before_midnight + timedelta(hours=3)))
        for store in ("s-10", "S-1", "s-2"):
            post(sold("late", ann, store=store, at=NOON))
        post_many(ADMIN, [sold("imported", ben, at=NOON - timedelta(hours=12))])
        post_many(ADMIN, [sold("imported-before", ben, at=NOON - timedelta(hours=12, seconds=1))])
        assert ours() == (4, "400.00"), "late, slip, nobody-slip and imported"
        assert (ours("s-2"), ours("S-1"), ours("s-10")) == ((1, "100.00"),) * 3
        move("late", ben)
        take_return("slip", "x1")
        merging.merge(STAFF, ann, ben, "one person")
        assert ours() == (4, "400.00"), "moved, returned and merged: still sold once"
        assert ours(day=DAY + timedelta(days=1)) == (2, "200.00")
        assert ours(day=DAY - timedelta(days=1)) == (1, "100.00")
        assert_clean()


@pytest.mark.parametrize(("days", "accepted"), [(0, True), (1, True), (2, False)])
def test_a_day_to_come_is_refused(days: int, accepted: bool) -> None:
    """Save tomorrow, which it may be already where the store is."""
    open_shop()
    if accepted:
        put(0, "0", day=DAY + timedelta(days=days))
    else:
        with pytest.raises(Refusal, match="day"):
            put(0, "0", day=DAY + timedelta(days=days))


@pytest.mark.parametrize(
    ("day", "accepted"),
    [(date(1, 1, 1), False), (date(1899, 12, 31), False), (date(1900, 1, 1), True), (date(9999, 12, 31), False)],
)
def test_a_day_out_of_range_is_refused_with_the_range(day: date, accepted: bool) -> None:
    open_shop()
    if accepted:
        put(0, "0", day=day)
        return
    for work in (lambda: put(0, "0", day=day), lambda: find(day=day)):
        with pytest.raises(Refusal) as caught:
            work()
        assert (caught.value.code, caught.value.errors) == (
            "store_day_invalid",
            {"day": ["write a day from 1900-01-01 to 2199-12-31"]},
        )


@pytest.mark.parametrize("total", ["-1.00", "1.005", "1e3", "", "NaN", "1,00", "１"])
def test_a_total_that_is_no_amount_is_refused(total: str) -> None:
    open_shop()
    before = dump()
    with pytest.raises(Refusal) as caught:
        put(1, total)
    assert (caught.value.code, list(caught.value.errors)) == ("store_day_invalid", ["total"])
    assert dump() == before


def test_another_tills_or_merchants_store_is_not_there() -> None:
    open_shop()
    open_store("x-1", "t-1", "coffee-house")
    service = Actor("shop", "service", "tea-house")
    for actor, store in ((TILL, "s-2"), (TILL, "x-1"), (service, "x-1"), (STAFF, "nowhere")):
        for work in (lambda a, s: put(1, "1.00", s, actor=a), lambda a, s: find(s, actor=a)):
            with pytest.raises(Refusal) as caught:
                work(actor, store)
            assert caught.value.code == "store_not_found"
    assert put(1, "1.00", "s-2", actor=service)["store"] == "s-2"
