"""Points as a tender: bound to their redemption, captured with the purchase, and given back with the goods."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_engine.services import claims, purchases
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.store.ids import new_id
from rules.errors import Refusal
from tests.builders import ADMIN, STAFF, TILL, done, open_store
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    MONEY,
    TEA_CLUB,
    assert_clean,
    capture,
    dump,
    figures,
    hold,
    line,
    move,
    open_shop,
    paid_with,
    post,
    redeem,
    release,
    rows,
    said,
    sold,
    spend,
    take_return,
)

CAKE = line(amount=20_000, category="cake")


@pytest.fixture
def members(app: Flask, frozen_clock: FrozenClock) -> list[str]:
    """Three members, each with 240 leaves."""
    found = open_shop(MONEY)
    for number, member in enumerate(found):
        post(sold(f"first-{number}", member, CAKE))
    return found


def leaves(member: str) -> tuple[int, ...]:
    return figures(member)["leaves"]


def status(redemption: str) -> dict[str, Any]:
    return rows(
        "SELECT status, captured, restored, posting_id FROM redemptions WHERE redemption_id = :id", id=redemption
    )[0]


def redeemed(member: str, points: int) -> str:
    redemption_id: str = said(redeem(member, points))["redemption_id"]
    return redemption_id


def unmatched(answer: Answer) -> bool:
    told = said(answer)
    return (answer.status, told["status"], told.get("reason")) == (202, "unresolved", "points_tender_unmatched")


def test_what_was_spent_is_bound_to_the_purchase_it_paid(members: list[str]) -> None:
    ann = members[0]
    redemption = redeemed(ann, 100)
    assert post(paid_with(sold("p1", ann, CAKE), (100, redemption))).status == 201
    posting = rows("SELECT posting_id FROM purchases WHERE purchase_key = 's-1/p1'")[0]["posting_id"]
    assert status(redemption) == {"status": "captured", "captured": 100, "restored": 0, "posting_id": posting}
    assert_clean()


@pytest.mark.parametrize(("held", "paid"), [(100, 100), (200, 100), (100, 10)])
def test_what_is_held_is_captured_with_the_purchase_and_no_more_than_that(
    members: list[str], held: int, paid: int
) -> None:
    ann = members[0]
    redemption = hold(ann, held)
    posted = paid_with(sold("p1", ann, CAKE), (paid, redemption))
    first = post(posted)
    assert (status(redemption)["status"], status(redemption)["captured"]) == ("captured", paid)
    assert leaves(ann) == (240 - paid + 100, 0, 0, 0)
    assert said(first)["balances"][0]["available"] == 340 - paid
    before = dump()
    assert post(posted).body == first.body
    assert dump() == before
    assert said(capture(redemption, paid))["purchase_id"] == "p1"
    assert dump() == before
    assert_clean()


def test_a_purchase_may_be_paid_with_two_redemptions(members: list[str]) -> None:
    ann = members[0]
    one, other = redeemed(ann, 100), hold(ann, 50)
    assert post(paid_with(sold("p1", ann, CAKE), (100, one), (50, other))).status == 201
    assert {status(one)["captured"], status(other)["captured"]} == {100, 50}
    assert_clean()


def wrongs(ann: str, ben: str) -> dict[str, list[tuple[int, str | None]]]:
    """Return tenders that don't fit their redemption."""
    spent, held, freed, bound = redeemed(ann, 50), hold(ann, 60), hold(ann, 20), redeemed(ann, 10)
    release(freed)
    post(paid_with(sold("paid", ann, CAKE), (10, bound)))
    return {
        "no reference": [(50, None)],
        "a word": [(50, "T-1")],
        "unknown": [(50, new_id())],
        "another member's": [(50, redeemed(ben, 50))],
        "less than was spent": [(45, spent)],
        "more than was spent": [(55, spent)],
        "more than is held": [(65, held)],
        "no multiple": [(52, held)],
        "below the minimum": [(5, held)],
        "released": [(20, freed)],
        "of another purchase": [(10, bound)],
        "the same twice": [(50, spent), (50, spent)],
        "one fits and one doesn't": [(60, held), (45, spent)],
    }


def test_a_tender_that_does_not_fit_keeps_the_sale_and_changes_no_points(members: list[str]) -> None:
    ann, ben, _ = members
    for number, (what, tenders) in enumerate(wrongs(ann, ben).items()):
        ledger = rows("SELECT COUNT(*) AS entries FROM ledger_entries")
        redemptions = rows("SELECT * FROM redemptions ORDER BY redemption_id")
        posted = paid_with(sold(f"p{number}", ann, CAKE), *tenders)
        first = post(posted)
        assert unmatched(first), what
        assert (post(posted).status, post(posted).body) == (202, first.body)
        assert rows("SELECT COUNT(*) AS entries FROM ledger_entries") == ledger, what
        assert rows("SELECT * FROM redemptions ORDER BY redemption_id") == redemptions, what
    assert_clean()


def test_points_of_more_than_their_part_of_the_purchase_do_not_fit(members: list[str]) -> None:
    ann = members[0]
    assert unmatched(post(paid_with(sold("p1", ann, line(amount=399)), (200, redeemed(ann, 200)))))
    assert post(paid_with(sold("p2", ann, line(amount=80)), (40, redeemed(ann, 40)))).status == 201
    assert_clean()


@pytest.mark.parametrize(("seconds", "fits"), [(-1, True), (0, False), (1, False)])
def test_an_expired_hold_does_not_fit(members: list[str], frozen_clock: FrozenClock, seconds: int, fits: bool) -> None:
    redemption = hold(members[0], 100)
    frozen_clock.move(timedelta(minutes=15, seconds=seconds))
    answer = post(paid_with(sold("p1", members[0], CAKE), (100, redemption)))
    assert (answer.status == 201) is fits
    assert unmatched(answer) is not fits
    assert_clean()


def test_a_redemption_at_another_merchant_does_not_fit(members: list[str]) -> None:
    open_store("s-9", "t-9", "cake-house")
    there = Actor("till-9", "terminal", "cake-house", "s-9", "t-9")
    redemption = said(redeem(members[0], 100, actor=there))["redemption_id"]
    assert unmatched(post(paid_with(sold("p1", members[0], CAKE), (100, redemption))))
    other_store = said(redeem(members[0], 100, actor=Actor("till-2", "terminal", "tea-house", "s-2", "t-1")))
    assert post(paid_with(sold("p2", members[0], CAKE), (100, other_store["redemption_id"]))).status == 201


def test_nothing_paid_in_points_needs_no_redemption(members: list[str]) -> None:
    assert post(paid_with(sold("p1", members[0], CAKE), (0, None))).status == 201


def test_where_no_points_are_money_the_tender_is_a_word(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, *_ = open_shop(TEA_CLUB)
    assert post(paid_with(sold("p1", ann, CAKE), (100, None))).status == 201
    assert said(post(paid_with(sold("p2", None, CAKE), (100, None))))["status"] == "unclaimed"


def test_without_its_member_a_purchase_paid_in_points_waits_and_the_right_one_claims_it(members: list[str]) -> None:
    ann, ben, _ = members
    redemption = redeemed(ann, 100)
    answer = post(paid_with(sold("p1", None, CAKE), (100, redemption)))
    assert unmatched(answer)
    code = said(answer)["claim_code"]
    before = dump()
    with pytest.raises(Refusal) as refused:
        done(claims.claim_in, Actor("app", "member", member_id=ben), code)
    assert refused.value.code == "points_tender_unmatched"
    assert dump() == before
    assert done(claims.claim_in, Actor("app", "member", member_id=ann), code).status == 201
    assert status(redemption)["posting_id"] is not None
    assert_clean()


def test_the_till_names_the_member_whose_points_they_are(members: list[str]) -> None:
    ann, ben, _ = members
    redemption = hold(ann, 100)
    assert unmatched(post(paid_with(sold("p1", ben, CAKE), (100, redemption))))
    done(claims.name_member_in, TILL, "p1", "s-1", MemberReference(member_id=ann), None)
    assert status(redemption)["captured"] == 100
    assert_clean()


def test_staff_accept_a_purchase_whose_tender_fits_nothing(members: list[str]) -> None:
    ann, ben, _ = members
    lost, found = redeemed(ben, 100), redeemed(ann, 50)
    post(paid_with(sold("p1", ann, CAKE), (100, lost), (50, found)))
    assert done(claims.accept_in, STAFF, "p1", "s-1", "the wrong card").status == 201
    assert (status(lost)["posting_id"] is None, status(found)["posting_id"] is None) == (True, False)
    post(paid_with(sold("p2", None, CAKE), (100, None)))
    assert (
        done(claims.name_member_in, STAFF, "p2", "s-1", MemberReference(member_id=ann), "seen on the tape").status
        == 201
    )
    assert_clean()


def test_an_import_binds_what_fits_and_takes_the_rest_as_words(members: list[str]) -> None:
    ann, ben, _ = members
    spent, held, theirs = redeemed(ann, 100), hold(ann, 50), redeemed(ben, 50)
    posted = [
        paid_with(sold("i1", ann, CAKE), (100, spent)),
        paid_with(sold("i2", ann, CAKE), (50, held)),
        paid_with(sold("i3", ann, CAKE), (50, theirs)),
        paid_with(sold("i4", ann, CAKE), (50, None)),
        paid_with(sold("i5", None, CAKE), (50, None)),
    ]
    assert [one.status for one in post_many(ADMIN, posted)] == ["posted"] * 4 + ["unclaimed"]
    assert [one.status for one in post_many(ADMIN, posted)] == ["replayed"] * 5
    assert [status(one)["posting_id"] is None for one in (spent, held, theirs)] == [False, False, True]
    assert_clean()


def test_what_was_spent_comes_back_in_the_returned_share(members: list[str]) -> None:
    ann = members[0]
    redemption = redeemed(ann, 100)
    lines = (line("1", 3, 20_000, "cake"), line("2", 1, 10_000, "cake"))
    post(paid_with(sold("p1", ann, *lines), (100, redemption)))
    assert leaves(ann)[0] == 140 + 100
    told = said(take_return("p1", "x1", {"1": 1}))
    assert told["restored"] == [{"wallet": "leaves", "points": 22}]
    assert status(redemption)["restored"] == 22
    assert said(take_return("p1", "x2", {"2": 1}))["restored"] == [{"wallet": "leaves", "points": 33}]
    assert said(take_return("p1", "x3"))["restored"] == [{"wallet": "leaves", "points": 45}]
    assert leaves(ann) == (240, 0, 0, 0)
    again = said(take_return("p1", "x1", {"1": 1}))
    assert again == told
    restored = rows("SELECT kind, source_kind, points FROM ledger_entries WHERE kind = 'restoration' ORDER BY seq")
    assert restored == [{"kind": "restoration", "source_kind": "restoration", "points": n} for n in (22, 33, 45)]
    assert_clean()


def test_points_come_back_in_new_lots_that_are_good_for_thirty_days_at_least(
    members: list[str], frozen_clock: FrozenClock
) -> None:
    ann = members[0]
    frozen_clock.set(NOON.replace(year=2027, day=20))
    redemption = redeemed(ann, 200)
    post(paid_with(sold("p1", ann, line(amount=400, category="cake")), (200, redemption)))
    take_return("p1", "x1")
    lots = rows("SELECT remaining, expires_on FROM lots WHERE source_kind = 'restoration'")
    assert [(row["remaining"], str(row["expires_on"])) for row in lots] == [(200, "2027-12-20")]
    assert_clean()


def test_what_comes_back_pays_a_debt_first(members: list[str]) -> None:
    ann = members[0]
    post(paid_with(sold("p1", ann, CAKE), (100, redeemed(ann, 100))))
    spend(ann, "leaves", 240)
    take_return("first-0", "x1")
    assert leaves(ann) == (0, 0, 0, 240)
    take_return("p1", "x2")
    assert leaves(ann) == (0, 0, 0, 240 + 100 - 100)
    entries = rows("SELECT kind, debt, available FROM ledger_entries WHERE wallet = 'leaves' ORDER BY member_id, seq")
    assert {"kind": "restoration", "debt": -100, "available": 0} in entries
    assert_clean()


def test_a_purchase_that_moved_gives_back_to_whoever_spent(members: list[str]) -> None:
    ann, ben, _ = members
    redemption = redeemed(ann, 100)
    post(paid_with(sold("p1", ann, line(quantity=2, amount=20_000, category="cake")), (100, redemption)))
    take_return("p1", "x1", {"1": 1})
    assert (leaves(ann)[0], status(redemption)["restored"]) == (140 + 50 + 100, 50)
    move("p1", ben)
    assert (leaves(ann)[0], status(redemption)["restored"]) == (140 + 50, 50)
    assert_clean()
    take_return("p1", "x2")
    assert (leaves(ann)[0], leaves(ben)[0]) == (240, 240)
    assert_clean()
    move("p1", ann)
    assert status(redemption)["restored"] == 100
    assert_clean()


def test_a_purchase_that_is_moved_to_whoever_paid_it_is_bound_then(members: list[str]) -> None:
    ann, ben, _ = members
    redemption = redeemed(ann, 100)
    post(paid_with(sold("p1", ben, CAKE), (100, redemption)))
    done(claims.accept_in, STAFF, "p1", "s-1", "the till was in a hurry")
    take_return("p1", "x1", {"1": 1})
    assert status(redemption)["restored"] == 0
    move("p1", ann)
    assert status(redemption)["restored"] == 50
    assert_clean()


def test_a_return_that_came_first_gives_back_with_the_purchase(members: list[str]) -> None:
    ann = members[0]
    redemption = hold(ann, 100)
    take_return("p1", "x1", {"1": 1})
    post(paid_with(sold("p1", ann, CAKE), (100, redemption)))
    assert (status(redemption)["captured"], status(redemption)["restored"]) == (100, 50)
    assert_clean()


def test_a_purchase_that_waits_under_a_token_keeps_whose_it_was(members: list[str]) -> None:
    from dataclasses import replace

    from loyalty_engine.services import member_tokens

    ann = members[0]
    token = MemberReference(token=member_tokens.show(ann).token)
    posted = replace(paid_with(sold("p1", ann, CAKE), (100, None)), member=token)
    assert unmatched(purchases.post(ADMIN, posted))
    assert said(done(claims.accept_in, STAFF, "p1", "s-1", "looked at"))["member_id"] == ann


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9_999)), min_size=1, max_size=3),
    st.integers(2, 48).map(lambda fives: 5 * fives),
    st.data(),
)
def test_what_comes_back_agrees_in_whatever_order_goods_do(
    app: Flask, frozen_clock: FrozenClock, bought: list[tuple[int, int]], points: int, data: st.DataObject
) -> None:
    lines = [line(str(place), units, 500 + amount, "cake") for place, (units, amount) in enumerate(bought)]
    units = [one.line_id for one in lines for _ in range(one.quantity or 1)]
    orders = data.draw(st.lists(st.sampled_from(list(permutations(units))[:50]), min_size=2, max_size=2))
    open_members = open_shop(MONEY.replace("points: 90", "points: 90000"), members=2)
    states = []
    for number, (member, order) in enumerate(zip(open_members, orders, strict=True)):
        post(sold(f"first-{number}", member, line(amount=30_000, category="cake")))
        redemption = redeemed(member, points)
        answer = post(paid_with(sold(f"p{number}", member, *lines), (points, redemption)))
        for place, unit in enumerate(order[: len(order) - 1]):
            take_return(f"p{number}", f"x{place}", {unit: 1})
        states.append((answer.status, figures(member)["leaves"], sorted(order[:-1]) == sorted(orders[0][:-1])))
        assert_clean()
        take_return(f"p{number}", "rest")
        assert status(redemption)["restored"] == (points if answer.status == 201 else 0)
    assert states[0] == states[1] or not states[1][2]
    assert_clean()
