"""Points that pay a purchase which has to wait: spent with it all the same, and anew where their hold is over by then."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, claims, member_changes, member_tokens, redemptions
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.purchase_batches import post_many
from rules.facts import Tender
from tests.builders import ADMIN, STAFF, done
from tests.conftest import FrozenClock
from tests.ledger import (
    CAKE,
    MONEY,
    assert_clean,
    dump,
    first_buyer,
    hold,
    leaves,
    line,
    paid_with,
    post,
    redeem,
    release,
    rows,
    said,
    sold,
    take_return,
)


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    return first_buyer(MONEY)


def status(redemption: str) -> str:
    found = rows("SELECT status FROM redemptions WHERE redemption_id = :id", id=redemption)
    return str(found[0]["status"])


def disagreeing(member: str, *points: tuple[int, str | None]) -> PostedPurchase:
    """Return a purchase of 200.00 that was paid in points, and by card with ten yuan too little."""
    posted = paid_with(sold("p1", member, CAKE), *points)
    *tenders, card = posted.purchase.tenders
    less = Tender("card", card.amount_minor - 1_000)
    return replace(posted, purchase=replace(posted.purchase, tenders=(*tenders, less)))


def accept() -> dict[str, Any]:
    answer: Answer = done(claims.accept_in, STAFF, "p1", "s-1", "seen on the tape")
    assert answer.status == 201
    return said(answer)


@pytest.mark.parametrize("first", [0, 10, 15])
def test_a_hold_is_captured_with_a_purchase_that_waits(ann: str, frozen_clock: FrozenClock, first: int) -> None:
    redemption = hold(ann, 100)
    assert said(post(disagreeing(ann, (100, redemption))))["reason"] == "sums_disagree"
    assert (status(redemption), leaves(ann)) == ("captured", (140, 0, 0, 0))
    before = dump()
    post(disagreeing(ann, (100, redemption)))
    assert dump() == before
    assert_clean()
    frozen_clock.move(timedelta(minutes=first))
    redemptions.time_out_holds(clock.now(), 10)
    assert "points_not_taken" not in accept()
    assert leaves(ann) == (240, 0, 0, 0)
    assert said(take_return("p1", "r1"))["restored"] == [{"wallet": "leaves", "points": 100}]
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


def test_no_point_moves_where_the_tenders_are_why_it_waits_nor_for_a_suspended_member(ann: str) -> None:
    held = hold(ann, 100)
    post(paid_with(sold("p0", ann, CAKE), (100, held), (50, None)))
    assert status(held) == "held"
    done(member_changes.suspend_in, ADMIN, ann, "lost card")
    assert said(post(paid_with(sold("p1", ann, CAKE), (100, held))))["reason"] == "suspended_member"
    assert status(held) == "held"
    assert_clean()


@pytest.mark.parametrize(("minutes", "freed"), [(14, False), (15, False), (15, True), (40, True)])
def test_what_was_held_is_spent_anew_when_staff_accept(
    ann: str, frozen_clock: FrozenClock, minutes: int, freed: bool
) -> None:
    redemption = hold(ann, 100)
    post(paid_with(sold("p1", ann, CAKE), (100, redemption), (50, None)))
    frozen_clock.move(timedelta(minutes=minutes))
    if freed:
        assert redemptions.time_out_holds(clock.now(), 10) == 1
    assert accept()["points_not_taken"] == [{"reference": None, "amount": "0.50", "points": None}]
    assert (status(redemption), leaves(ann)) == ("captured", (240, 0, 0, 0))
    assert_clean()
    assert said(take_return("p1", "r1"))["restored"] == [{"wallet": "leaves", "points": 100}]
    assert redemptions.time_out_holds(clock.now() + timedelta(days=1), 10) == 0
    assert_clean()


def test_a_repetition_after_the_holds_end_keeps_its_points(ann: str, frozen_clock: FrozenClock) -> None:
    redemption = hold(ann, 100)
    frozen_clock.move(timedelta(minutes=20))
    assert said(post(paid_with(sold("p1", ann, CAKE), (60, redemption))))["reason"] == "points_tender_unmatched"
    accept()
    assert (status(redemption), leaves(ann)) == ("captured", (280, 0, 0, 0))
    assert_clean()


@pytest.mark.parametrize(("used", "taken"), [(135, True), (140, True), (145, False)])
def test_too_few_points_leave_the_tender_a_word_and_the_answer_says_so(
    ann: str, frozen_clock: FrozenClock, used: int, taken: bool
) -> None:
    redemption = hold(ann, 100)
    frozen_clock.move(timedelta(minutes=20))
    post(paid_with(sold("p1", ann, CAKE), (100, redemption)))
    redeem(ann, used)
    told = accept()
    missing = [{"reference": redemption, "amount": "1.00", "points": 100}]
    assert told.get("points_not_taken") == (None if taken else missing)
    assert status(redemption) == ("captured" if taken else "timed_out")
    assert leaves(ann)[0] == 340 - used - (100 if taken else 0)
    assert_clean()


def test_other_forgotten_holds_give_way(ann: str, frozen_clock: FrozenClock) -> None:
    redemption, forgotten = hold(ann, 100), hold(ann, 100)
    frozen_clock.move(timedelta(minutes=20))
    post(paid_with(sold("p1", ann, CAKE), (100, redemption)))
    redeem(ann, 100)
    accept()
    assert (status(redemption), status(forgotten)) == ("captured", "timed_out")
    assert_clean()


def test_a_hold_that_was_released_is_not_spent_anew(ann: str) -> None:
    redemption = hold(ann, 100)
    release(redemption)
    post(paid_with(sold("p1", ann, CAKE), (100, redemption)))
    assert accept()["points_not_taken"] == [{"reference": redemption, "amount": "1.00", "points": None}]
    assert status(redemption) == "released"
    assert_clean()


def test_an_import_spends_nothing_of_today(ann: str, frozen_clock: FrozenClock) -> None:
    redemption = hold(ann, 100)
    frozen_clock.move(timedelta(minutes=20))
    assert [one.status for one in post_many(ADMIN, [paid_with(sold("i1", ann, CAKE), (100, redemption))])] == ["posted"]
    assert status(redemption) == "held"
    assert_clean()


@pytest.mark.parametrize(("second", "reason"), [(39, None), (40, None), (45, "points_tender_unmatched")])
def test_tenders_together_pay_no_more_than_points_may(ann: str, second: int, reason: str | None) -> None:
    """Half of 1.60 is 80 points; every one of them alone is less."""
    second -= second % 5
    one, other = hold(ann, 40), said(redeem(ann, second))["redemption_id"]
    answer = said(post(paid_with(sold("p1", ann, line(amount=160)), (40, one), (second, other))))
    assert answer.get("reason") == reason
    assert_clean()


@pytest.mark.parametrize(
    ("second", "by_token", "status"), [(95, False, 201), (100, False, 201), (105, False, 202), (105, True, 201)]
)
def test_tenders_together_need_the_proof_that_one_redemption_would(
    ann: str, second: int, by_token: bool, status: int
) -> None:
    """More than 1,000 points need one."""
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 2_000, "a prize"))
    shown = {"member": MemberReference(token=member_tokens.show(ann).token)} if by_token else {}
    found = [said(redeem(ann, points))["redemption_id"] for points in (450, 450)]
    found.append(said(redeem(ann, second, **shown))["redemption_id"])
    amounts = zip((450, 450, second), found, strict=True)
    assert post(paid_with(sold("p1", ann, line(amount=1_000_000, category="cake")), *amounts)).status == status
    assert_clean()
