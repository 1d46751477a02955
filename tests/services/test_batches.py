"""Many purchases posted in one transaction leave exactly what they leave when they are posted one by one."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_engine.services import booking, purchase_batches, purchases
from loyalty_engine.services.imported_purchases import PostingResult
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.store.session import in_transaction
from rules.errors import Busy, Refusal
from tests.builders import ADMIN
from tests.conftest import NOON, FrozenClock
from tests.ledger import TEA_CLUB, assert_clean, dump, enrol, line, open_shop, post, rows, sold, take_return
from tests.services.test_ledger_properties import CATEGORIES, EXAMPLES, MEMBERS, bounded

UNSTABLE = {
    "lot_id", "posting_id", "source_id", "claim_code", "answer", "received_at", "return_id", "entry_id", "created_at",
}  # fmt: skip
"""Made anew each time, or only for a till; `source_id` is a posting's id."""
TABLES = (
    "members accounts ledger_entries lots lot_changes purchases purchase_keys receipts parked_purchases qualifying_days"
    " cap_uses budgets tier_history"
).split()


@st.composite
def batch(draw: st.DrawFn) -> list[tuple[int, PostedPurchase]]:
    """Purchases of a fortnight in the order of time, each with its buyer; numbers and receipts now and then twice."""
    made: list[tuple[int, PostedPurchase]] = []
    hours = sorted(draw(st.lists(st.integers(1, 400), min_size=1, max_size=8)), reverse=True)
    for hour in hours:
        if made and draw(st.integers(0, 5)) == 0:
            buyer, again = draw(st.sampled_from(made))
            made.append(
                (buyer, again if draw(st.booleans()) else replace(again, purchase_id=f"{again.purchase_id}-again"))
            )
            continue
        number = draw(st.integers(0, 30))
        lines = [
            line(str(place), draw(st.integers(0, 4)), draw(st.integers(0, 30_000)), draw(st.sampled_from(CATEGORIES)))
            for place in range(draw(st.integers(1, 3)))
        ]
        due = sum(one.amount_minor for one in lines)
        posted = sold(
            f"p{number}",
            None,
            *lines,
            store=draw(st.sampled_from(["s-1", "s-2"])),
            at=NOON - timedelta(hours=hour),
            receipt=draw(st.sampled_from([None, "r1", f"r{number}"])),
            paid=draw(st.sampled_from([None, due, due, due + 1])),
        )
        if draw(st.integers(0, 9)) == 0:
            posted = replace(posted, purchase=replace(posted.purchase, currency="EUR"))
        made.append((draw(st.integers(0, MEMBERS + 1)), posted))
    return made


def _for(members: list[str], given: list[tuple[int, PostedPurchase]]) -> list[PostedPurchase]:
    named = [MemberReference(member_id=member) for member in members]
    buyers: list[MemberReference | None] = [*named, None, MemberReference(card="6300000000000000")]
    return [replace(posted, member=buyers[buyer]) for buyer, posted in given]


def _one_by_one(posted: list[PostedPurchase]) -> list[PostingResult]:
    return [post_many(ADMIN, [one])[0] for one in posted]


def _like_a_till(posted: list[PostedPurchase]) -> None:
    for one in posted:
        try:
            in_transaction(partial(purchases.post_in, actor=ADMIN, posted=one, replays_history=True))
        except Busy:
            raise
        except Refusal:
            continue


def _left(members: list[str]) -> dict[str, list[Any]]:
    """Return what is stored, with members by number and without what is made anew each time."""
    found = {}
    for table in TABLES:
        kept = [
            {name: str(value) for name, value in row.items() if name not in UNSTABLE}
            for row in rows(f"SELECT * FROM {table}")
        ]
        found[table] = sorted(_numbered(repr(row), members) for row in kept)
    return found


def _numbered(text: str, members: list[str]) -> str:
    for number, member in enumerate(members):
        text = text.replace(member, f"member {number}")
    return text


@settings(bounded, max_examples=max(6, EXAMPLES // 2))
@given(batch())
def test_a_batch_leaves_what_single_purchases_leave(app: Flask, given: list[tuple[int, PostedPurchase]]) -> None:
    with ExitStack() as stack:
        FrozenClock(stack, NOON)
        members = open_shop(TEA_CLUB)
        results = post_many(ADMIN, _for(members, given))
        assert_clean()
        together = _left(members)

        members = open_shop(TEA_CLUB)
        singly = _one_by_one(_for(members, given))
        assert_clean()
        assert _left(members) == together
        assert [(one.status, dict(one.points), one.code) for one in results] == [
            (one.status, dict(one.points), one.code) for one in singly
        ]

        members = open_shop(TEA_CLUB)
        _like_a_till(_for(members, given))
        assert _left(members) == together


def test_a_purchase_is_judged_in_a_batch_by_the_room_that_it_would_see_alone(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    """The second one uses nothing of the cap over everyone, so it doesn't ask what the first has left of it."""
    decided = []
    for bring_in in (partial(post_many, ADMIN), _one_by_one):
        ann, ben, _ = open_shop(TEA_CLUB)
        bring_in([sold("p1", ann), sold("p2", ben, line(amount=0, quantity=1))])
        decided.append(rows("SELECT purchase_key, decisions, cap_use FROM purchases ORDER BY purchase_key"))
    assert "petals-for-all" in decided[0][0]["cap_use"]
    assert decided[0] == decided[1]


def test_a_refused_repetition_leaves_its_receipt_to_the_sale_that_it_belongs_to(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, *_ = open_shop()
    post_many(ADMIN, [sold("p1", ann, receipt="r1")])
    changed, right = sold("p1", ann, receipt="r2"), sold("p2", ann, receipt="r2")
    assert [one.status for one in post_many(ADMIN, [changed, right])] == ["refused", "posted"]
    assert_clean()


def test_a_changed_repetition_comes_after_what_it_repeats(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop()
    changed = sold("p1", None, line(amount=7), receipt="r2")
    many = [sold("p1", None, receipt="r1"), changed, sold("p2", None, receipt="r2")]
    assert [one.status for one in post_many(ADMIN, many)] == ["unclaimed", "refused", "unclaimed"]
    assert_clean()


def test_a_batch_that_comes_again_changes_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, ben, _ = open_shop()
    many = [sold(f"p{number}", (ann, ben)[number % 2], receipt=f"r{number}") for number in range(20)]
    assert {one.status for one in post_many(ADMIN, many)} == {"posted"}
    before = dump()
    assert {one.status for one in post_many(ADMIN, many)} == {"replayed"}
    assert dump() == before


def test_a_return_that_came_before_a_batch_is_booked_with_it(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, *_ = open_shop()
    take_return("p1", "x1")
    post_many(ADMIN, [sold("p0", ann), sold("p1", ann), sold("p2", ann)])
    kept = rows("SELECT kept FROM purchases WHERE purchase_key = 's-1/p1'")[0]["kept"]
    assert json.loads(kept) == {}
    assert_clean()


FIRST_ONLY = """\
programme: first-only
name: First only
money: CNY
time_zone: Asia/Shanghai
wallets:
  - {id: leaves, name: Leaves}
accrual:
  - {id: base, wallet: leaves, earn: {points: 1, per: "1.00"}}
  - {id: welcome, wallet: leaves, bonus: 50, when: {purchases_before: {eq: 0}}}
"""


@pytest.mark.parametrize("waits", ["p0", "p1", "p2"])
def test_a_purchase_whose_return_came_first_is_booked_in_its_place(
    waits: str, app: Flask, frozen_clock: FrozenClock
) -> None:
    def posted(how: Callable[[list[PostedPurchase]], list[PostingResult]]) -> tuple[object, object]:
        members = open_shop(FIRST_ONLY)
        ann, ben, _ = members
        take_return(waits, "x1", {"1": 1})
        results = how([sold(f"p{number}", (ann, ann, ben, ann)[number]) for number in range(4)])
        assert_clean()
        return [(one.status, dict(one.points)) for one in results], _left(members)

    together, ahead = partial(purchase_batches.post_many_in, actor=ADMIN), partial(post_many, ADMIN)
    singly = posted(_one_by_one)
    assert posted(ahead) == singly
    assert posted(lambda many: in_transaction(partial(together, purchases=many))) == singly


def test_what_cannot_be_booked_is_parked_with_the_batch(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, *_ = open_shop(FIRST_ONLY)
    too_much = sold("p1", ann, *(line(str(place), amount=10**13) for place in range(2)), receipt="r1")
    results = post_many(ADMIN, [sold("p0", ann), too_much, sold("p2", ann)])
    assert [(one.status, one.code) for one in results] == [
        ("posted", None),
        ("unresolved", "amount_out_of_range"),
        ("posted", None),
    ]
    assert post(too_much).replayed
    assert_clean()


def test_an_imported_purchase_is_never_late_and_is_booked_at_its_own_time(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    enrolled = open_shop()[0]
    assert enrolled != enrol()
    long_ago = NOON - timedelta(days=300)
    post_many(ADMIN, [sold("p1", enrolled, at=long_ago)])
    assert rows("SELECT 1 FROM ledger_entries WHERE booked_at <> occurred_at") == []
    assert_clean()


OVERTAKING: dict[str, Callable[[str, str], PostedPurchase]] = {
    "the same member": lambda ann, ben: sold("other", ann, line(amount=14_000)),
    "a cap over everyone": lambda ann, ben: sold("other", ben, line(amount=29_000)),
    "the same number": lambda ann, ben: sold("p1", ben),
    "the same receipt": lambda ann, ben: sold("other", ben, receipt="r0"),
}


@pytest.mark.parametrize("changed", OVERTAKING)
def test_a_batch_that_is_overtaken_between_judging_and_writing_is_judged_again(
    changed: str, app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shop() -> tuple[list[str], PostedPurchase, list[PostedPurchase]]:
        ann, ben, carl = open_shop(TEA_CLUB)
        batch = [sold(f"p{number}", ann, line(amount=9_000), receipt=f"r{number}") for number in range(3)]
        return [ann, ben, carl], OVERTAKING[changed](ann, ben), batch

    members, other, batch = shop()
    post(other)
    expected = post_many(ADMIN, batch)
    left = _left(members)

    members, other, batch = shop()
    waiting = [other]

    def overtaken(work: Callable[[sa.Connection], Any]) -> Any:
        while waiting:
            post(waiting.pop())
        return in_transaction(work)

    monkeypatch.setattr(purchase_batches, "in_transaction", overtaken)
    results = post_many(ADMIN, batch)
    assert_clean()
    assert [(one.status, one.points, one.code) for one in results] == [
        (one.status, one.points, one.code) for one in expected
    ]
    assert _left(members) == left


def test_a_batch_is_judged_without_keeping_tills_waiting(
    sqlite_application: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, sold_meanwhile = booking.judge, []

    def slow(*given: Any) -> Any:
        if not sold_meanwhile:
            sold_meanwhile.append(True)
            assert post(sold("till", ben)).status == 201
        return judge(*given)

    with sqlite_application.app_context():
        ann, ben, _ = open_shop()
        monkeypatch.setattr(booking, "judge", slow)
        assert [one.status for one in post_many(ADMIN, [sold("p1", ann)])] == ["posted"]
        assert_clean()
