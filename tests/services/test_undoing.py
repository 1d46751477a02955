"""Points that were captured for a sale that never came are released: by the till on the day, by staff later."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from loyalty_engine.services import adjustments, claims
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.adjustments import Adjustment
from rules.errors import Refusal
from tests.builders import STAFF, TILL, done
from tests.conftest import FrozenClock
from tests.ledger import (
    CAKE,
    REWARDED,
    assert_clean,
    capture,
    dump,
    first_buyer,
    hold,
    leaves,
    paid_with,
    post,
    redeem,
    redeem_reward,
    release,
    rows,
    said,
    sold,
    spend,
    take_return,
)

OTHER_TILL = Actor("till-2", "terminal", "tea-house", "s-1", "t-2")
WHY = "the basket was left"


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    return first_buyer(REWARDED)


def captured(member: str, points: int = 100) -> str:
    redemption_id: str = said(redeem(member, points))["redemption_id"]
    return redemption_id


def refused(redemption: str, actor: Actor = TILL, reason: str | None = WHY) -> Refusal:
    """Return the refusal of a release, which must change nothing."""
    before = dump()
    with pytest.raises(Refusal) as caught:
        release(redemption, actor, reason)
    assert dump() == before
    return caught.value


def test_a_till_releases_what_it_captured_itself_with_a_reason(ann: str) -> None:
    before = leaves(ann)
    redemption = captured(ann)
    told = said(release(redemption, TILL, WHY))
    assert (told["status"], told["captured"], told["restored"], told["worth"]) == ("released", 100, 100, "0.00")
    assert leaves(ann) == before
    entry = rows("SELECT kind, points, reason FROM ledger_entries WHERE source_kind = 'undoing'")
    assert entry == [{"kind": "restoration", "points": 100, "reason": WHY}]
    ends = rows("SELECT DISTINCT expires_on FROM lots WHERE wallet = 'leaves'")
    assert [str(row["expires_on"]) for row in ends] == ["2027-11-30"]
    after = dump()
    assert said(release(redemption, TILL, WHY)) == told
    assert dump() == after
    assert said(post(paid_with(sold("p1", ann, CAKE), (100, redemption))))["reason"] == "points_tender_unmatched"
    assert_clean()


@pytest.mark.parametrize("points", [40, 100])
def test_what_was_held_first_is_released_too(ann: str, points: int) -> None:
    redemption = hold(ann, 100)
    capture(redemption, points)
    release(redemption, TILL, WHY)
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize(("hours", "works"), [(11.9, True), (12, False), (13, False)])
def test_a_till_does_so_on_the_same_business_day_only_and_staff_any_day(
    ann: str, frozen_clock: FrozenClock, hours: float, works: bool
) -> None:
    """It is noon."""
    redemption = captured(ann)
    frozen_clock.move(timedelta(hours=hours))
    if works:
        release(redemption, TILL, WHY)
    else:
        refusal = refused(redemption)
        assert (refusal.code, list(refusal.errors)) == ("redemption_captured", ["redemption_id"])
        release(redemption, STAFF, WHY)
        (logged,) = rows("SELECT detail FROM audit_log WHERE action = 'redemption.release'")
        assert WHY in logged["detail"]
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


def test_what_can_not_be_released_says_what_would_work(ann: str) -> None:
    plain, paid = captured(ann, 20), captured(ann, 20)
    post(paid_with(sold("p1", ann, CAKE), (20, paid)))
    reward = redeem_reward(ann, "five-off")["redemption_id"]
    for redemption, actor, reason, path, words in (
        (plain, TILL, None, "reason", "say why"),
        (plain, OTHER_TILL, WHY, "redemption_id", "staff release it"),
        (paid, TILL, WHY, "redemption_id", "take a return"),
        (paid, STAFF, WHY, "redemption_id", "take a return"),
        (reward, STAFF, WHY, "redemption_id", "cancel the voucher"),
    ):
        refusal = refused(redemption, actor, reason)
        assert refusal.code == "redemption_captured"
        assert words in refusal.errors[path][0]
    assert refused(plain, STAFF, None).code == "reason_missing"
    assert refused(plain, STAFF, "call +8613800138000").code == "reason_personal"
    assert_clean()


def test_staff_release_a_hold_and_say_why(ann: str) -> None:
    held = hold(ann, 100)
    assert refused(held, STAFF, None).code == "reason_missing"
    assert said(release(held, STAFF, WHY))["status"] == "released"
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


def test_what_comes_back_pays_a_debt_first_and_is_good_for_thirty_days(ann: str, frozen_clock: FrozenClock) -> None:
    redemption = captured(ann)
    spend(ann, "leaves", 140)
    take_return("first", "r1")
    assert leaves(ann) == (0, 0, 0, 240)
    release(redemption, TILL, WHY)
    assert leaves(ann) == (0, 0, 0, 140)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 240, "a prize"))
    later = captured(ann)
    frozen_clock.move(timedelta(days=400))
    release(later, STAFF, WHY)
    (lot,) = rows("SELECT expires_on FROM lots WHERE source_id = :id", id=later)
    assert str(lot["expires_on"]) == "2028-01-26"
    assert_clean()


def test_points_captured_for_a_purchase_that_nobody_accepts_are_released(ann: str) -> None:
    redemption = hold(ann, 100)
    posted = paid_with(sold("p1", ann, CAKE), (100, redemption))
    card = posted.purchase.tenders[-1]
    tenders = (*posted.purchase.tenders[:-1], replace(card, amount_minor=1))
    post(replace(posted, purchase=replace(posted.purchase, tenders=tenders)))
    release(redemption, STAFF, "never accepted")
    assert leaves(ann) == (240, 0, 0, 0)
    told = said(done(claims.accept_in, STAFF, "p1", "s-1", "accepted after all"))
    assert told["points_not_taken"] == [{"reference": redemption, "amount": "1.00", "points": None}]
    assert_clean()
