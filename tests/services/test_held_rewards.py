"""A reward may be held while its sale is made: its points are out of reach, and capturing them issues the voucher."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import redemptions
from loyalty_engine.services.voucher_cancelling import cancel_in
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
    hold_reward,
    leaves,
    paid_with,
    post,
    redeem_reward,
    release,
    rows,
    said,
    sold,
    voucher_codes,
)


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    return first_buyer(REWARDED)


def refused(work: Any, *arguments: Any) -> str:
    """Return the code with which something is refused; nothing may change."""
    before = dump()
    with pytest.raises(Refusal) as caught:
        work(*arguments)
    assert dump() == before
    return caught.value.code


def test_a_reward_is_held_and_its_voucher_issued_at_the_capture(ann: str) -> None:
    held = hold_reward(ann)
    assert (held["status"], held["points"], held["reward"], held["voucher"]) == ("held", 100, "five-off", None)
    assert held["expires_at"] is not None
    assert (leaves(ann), voucher_codes(ann)) == ((140, 0, 100, 0), [])
    assert_clean()
    told = said(capture(held["redemption_id"]))
    assert (told["status"], told["voucher"]["status"], told["voucher"]["worth"]["en"][:8]) == (
        "captured",
        "issued",
        "5.00 CNY",
    )
    assert (leaves(ann), voucher_codes(ann)) == ((140, 0, 0, 0), [told["voucher"]["code"]])
    assert rows("SELECT used FROM limit_uses WHERE limit_id LIKE 'reward/%'") == [{"used": 1}]
    after = dump()
    assert said(capture(held["redemption_id"])) == said(capture(held["redemption_id"], 100)) == told
    assert dump() == after
    assert_clean()


def test_what_a_captured_reward_cost_comes_back_when_its_voucher_is_cancelled(ann: str) -> None:
    told = said(capture(hold_reward(ann)["redemption_id"]))
    back = said(done(cancel_in, STAFF, told["voucher"]["code"], "printed twice"))
    assert back["points_restored"] == 100
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize(("minutes", "good"), [(14, True), (15, False), (16, False)])
def test_a_held_reward_ends_as_every_hold_does(ann: str, frozen_clock: FrozenClock, minutes: int, good: bool) -> None:
    one, other = hold_reward(ann)["redemption_id"], hold_reward(ann)["redemption_id"]
    assert said(release(one))["status"] == "released"
    frozen_clock.move(timedelta(minutes=minutes))
    if good:
        assert capture(other).status == 200
    else:
        assert refused(capture, other) == "hold_expired"
        assert redemptions.time_out_holds(clock.now(), 10) == 1
        assert (leaves(ann), voucher_codes(ann)) == ((240, 0, 0, 0), [])
    assert_clean()


def test_a_held_reward_is_neither_divided_nor_money(ann: str) -> None:
    held = hold_reward(ann)["redemption_id"]
    assert refused(capture, held, 50) == refused(capture, held, 150) == "reward_not_divided"
    assert said(post(paid_with(sold("p1", ann, CAKE), (100, held))))["reason"] == "points_tender_unmatched"
    assert refused(hold_reward, ann, "cake") == "reward_not_held"
    assert_clean()


def test_stock_and_limit_are_asked_for_when_it_is_held_and_when_it_is_captured(ann: str) -> None:
    held = hold_reward(ann)["redemption_id"]
    redeem_reward(ann, "five-off", actor=TILL)
    release(held)
    held = hold_reward(ann, "tenth-off")["redemption_id"]
    capture(held)
    for member in rows("SELECT member_id FROM members ORDER BY member_id"):
        redeem_reward(str(member["member_id"]), "five-off", "a gift", STAFF)
    assert refused(hold_reward, ann) == "reward_out_of_stock"
    assert_clean()


def test_a_limit_that_was_reached_meanwhile_refuses_the_capture(ann: str) -> None:
    post(sold("more", ann, CAKE))
    held = hold_reward(ann)["redemption_id"]
    redeem_reward(ann, "five-off", actor=TILL)
    redeem_reward(ann, "five-off", actor=TILL)
    assert refused(capture, held) == "reward_limit_reached"
    assert refused(hold_reward, ann) == "reward_limit_reached"
    assert said(release(held))["status"] == "released"
    assert_clean()
