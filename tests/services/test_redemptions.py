"""Points are used once, held until they are captured, released or timed out, and never more than there are."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import redemptions
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from rules.errors import Refusal
from tests.builders import TILL, done, open_store, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    MONEY,
    assert_clean,
    capture,
    dump,
    figures,
    hold,
    line,
    open_shop,
    post,
    redeem,
    release,
    rows,
    said,
    sold,
    spend,
    take_return,
)

OTHER_STORE = Actor("till-2", "terminal", "tea-house", "s-2", "t-1")
OTHER_MERCHANT = Actor("till-9", "terminal", "cake-house", "s-9", "t-9")
SERVICE = Actor("web", "service", "tea-house")
BOTH = MONEY.replace("stamps, name: Stamps,", 'stamps, name: Stamps, worth: "0.005", spending: {minimum: 1},')
NOTICED = MONEY + (
    "messages:\n  expiry_notices: {days_before: [30, 7], at_least: 1, template: expiry}\n"
    '  templates: [{id: expiry, purpose: service, en: "{points} leaves lapse on {expires_on}."}]\n'
)


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    """A member with 240 leaves."""
    return rich()


def rich(text: str = MONEY) -> str:
    member = open_shop(text)[0]
    post(sold("p0", member, line(amount=20_000, category="cake")))
    assert figures(member)["leaves"][0] == 240
    return member


def refused(work: Any, *arguments: Any, **more: Any) -> Refusal:
    """Return the refusal of something that must change nothing."""
    before = dump()
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    assert dump() == before
    return caught.value


def leaves(member: str) -> tuple[int, ...]:
    return figures(member)["leaves"]


def test_points_are_spent_at_once(ann: str) -> None:
    answer = redeem(ann, 100)
    told = said(answer)
    assert answer.status == 201
    assert (told["status"], told["points"], told["captured"], told["worth"]) == ("captured", 100, 100, "1.00")
    assert told["expires_at"] is None
    assert told["balances"][0]["available"] == 140
    assert leaves(ann) == (140, 0, 0, 0)
    assert_clean()


def test_points_are_held_and_captured(ann: str) -> None:
    held = said(redeem(ann, 100, capture=False))
    assert (held["status"], held["captured"], held["worth"]) == ("held", 0, "1.00")
    assert held["expires_at"] == (NOON + timedelta(minutes=15)).isoformat()
    assert leaves(ann) == (140, 0, 100, 0)
    assert_clean()
    done = capture(held["redemption_id"])
    told = said(done)
    assert (done.status, told["status"], told["captured"], told["worth"]) == (200, "captured", 100, "1.00")
    assert leaves(ann) == (140, 0, 0, 0)
    assert_clean()


def test_fewer_are_captured_and_the_rest_is_free_again(ann: str) -> None:
    redemption = hold(ann, 100)
    told = said(capture(redemption, 60))
    assert (told["points"], told["captured"], told["worth"]) == (100, 60, "0.60")
    assert leaves(ann) == (180, 0, 0, 0)
    assert_clean()


def test_what_is_released_is_free_again(ann: str) -> None:
    redemption = hold(ann, 100)
    told = said(release(redemption))
    assert (told["status"], told["captured"], told["worth"]) == ("released", 0, "0.00")
    assert leaves(ann) == (240, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize("points", [5, 0, -10, 12])
def test_what_the_programme_does_not_let_be_used_is_refused(ann: str, points: int) -> None:
    expected = "points_not_a_multiple" if points == 12 else "points_below_minimum"
    assert refused(redeem, ann, points).code == expected


def test_more_than_there_are_is_refused_with_what_there_is(ann: str) -> None:
    redeem(ann, 40)
    for asked in ({}, {"capture": False}):
        refusal = refused(redeem, ann, 205, **asked)
        assert (refusal.code, refusal.errors) == ("insufficient_points", {"points": ["ask for 200 at most"]})
    redeem(ann, 200)
    assert leaves(ann) == (0, 0, 0, 0)


def test_held_points_are_out_of_reach(ann: str) -> None:
    hold(ann, 200)
    assert refused(redeem, ann, 45).code == "insufficient_points"
    redeem(ann, 40)
    assert_clean()


@pytest.mark.parametrize(("total", "code"), [("3.99", "points_over_share"), ("4.00", None), ("4.01", None)])
def test_points_pay_their_part_of_the_purchase(ann: str, total: str, code: str | None) -> None:
    if code is None:
        redeem(ann, 200, purchase_total=total)
    else:
        assert refused(redeem, ann, 200, purchase_total=total).code == code


@pytest.mark.parametrize("total", ["-4", "4.001", "4,00", "1e3", "x"])
def test_a_total_that_is_no_money_is_refused(ann: str, total: str) -> None:
    refusal = refused(redeem, ann, 100, purchase_total=total)
    assert (refusal.code, set(refusal.errors)) == ("invalid_fields", {"purchase_total"})


@pytest.mark.parametrize(
    ("wallet", "code"),
    [("stamps", "wallet_buys_rewards_only"), ("petals", "wallet_buys_rewards_only"), ("x", "wallet_not_found")],
)
def test_only_points_that_are_money_are_used_as_money(ann: str, wallet: str, code: str) -> None:
    refusal = refused(redeem, ann, 10, wallet=wallet)
    assert (refusal.code, refusal.errors) == (code, {"wallet": ["name one of leaves"]})


def test_points_of_half_a_cent_go_in_twos(app: Flask, frozen_clock: FrozenClock) -> None:
    member = rich(BOTH)
    post(sold("p1", member, line(quantity=3)))
    assert refused(redeem, member, 3, wallet="stamps").code == "points_not_a_multiple"
    assert said(redeem(member, 2, wallet="stamps"))["worth"] == "0.01"
    assert_clean()


def test_a_capture_of_more_than_is_held_is_refused(ann: str) -> None:
    refusal = refused(capture, hold(ann, 100), 105)
    assert (refusal.code, refusal.errors) == ("capture_exceeds_hold", {"points": ["capture 100 at most"]})


@pytest.mark.parametrize(("points", "code"), [(5, "points_below_minimum"), (52, "points_not_a_multiple")])
def test_a_capture_keeps_to_the_programme_too(ann: str, points: int, code: str) -> None:
    assert refused(capture, hold(ann, 100), points).code == code


def test_the_same_act_again_changes_nothing_and_another_one_is_refused(ann: str) -> None:
    one, other, third = hold(ann, 100), hold(ann, 50), hold(ann, 50)
    first, second, freed = capture(one), capture(other, 20), release(third)
    before = dump()
    assert [capture(one).status, capture(other, 20).status, release(third).status] == [200, 200, 200]
    assert dump() == before
    assert said(capture(one, 100))["captured"] == said(first)["captured"] == 100
    assert said(second)["captured"] == 20
    assert said(freed)["status"] == "released"
    for work, arguments, code in (
        (capture, (one, 50), "redemption_captured"),
        (capture, (other,), "redemption_captured"),
        (capture, (other, 25), "redemption_captured"),
        (release, (one,), "redemption_captured"),
        (capture, (third,), "redemption_released"),
        (capture, (third, 20), "redemption_released"),
    ):
        refusal = refused(work, *arguments)
        assert refusal.code == code
        assert refusal.errors or code == "redemption_released"
    assert_clean()


def test_what_was_spent_at_once_is_captured_already(ann: str) -> None:
    redemption = said(redeem(ann, 100))["redemption_id"]
    before = dump()
    assert said(capture(redemption))["status"] == "captured"
    assert dump() == before
    assert refused(release, redemption).code == "redemption_captured"


@pytest.mark.parametrize(("seconds", "good"), [(-1, True), (0, False), (1, False)])
def test_a_hold_is_good_until_its_end_whether_or_not_the_worker_came(
    ann: str, frozen_clock: FrozenClock, seconds: int, good: bool
) -> None:
    redemption = hold(ann, 100)
    frozen_clock.move(timedelta(minutes=15, seconds=seconds))
    if good:
        assert redemptions.time_out_holds(clock.now(), 10) == 0
        capture(redemption)
    else:
        assert refused(capture, redemption).code == "hold_expired"
        assert redemptions.time_out_holds(clock.now(), 10) == 1
        assert refused(capture, redemption).code == "hold_expired"
        assert leaves(ann) == (240, 0, 0, 0)
        assert said(release(redemption))["status"] == "timed_out"
    assert redemptions.time_out_holds(clock.now(), 10) == 0
    assert_clean()


def test_a_hold_whose_time_is_over_is_released_as_well(ann: str, frozen_clock: FrozenClock) -> None:
    redemption = hold(ann, 100)
    frozen_clock.move(timedelta(minutes=16))
    assert said(release(redemption))["status"] == "released"
    assert redemptions.time_out_holds(clock.now(), 10) == 0
    assert_clean()


def test_holds_time_out_in_batches_and_the_ledger_says_why(app: Flask, frozen_clock: FrozenClock) -> None:
    members = open_shop(MONEY)
    for number, member in enumerate(members):
        post(sold(f"p{number}", member, line(amount=20_000, category="cake")))
        hold(member, 50)
        hold(member, 60)
    frozen_clock.move(timedelta(minutes=15))
    assert [redemptions.time_out_holds(clock.now(), 4) for _ in range(3)] == [4, 2, 0]
    reasons = rows("SELECT DISTINCT reason FROM ledger_entries WHERE source_kind = 'timeout'")
    assert reasons == [{"reason": f"not captured until {(NOON + timedelta(minutes=15)).isoformat()}"}]
    assert {row["status"] for row in rows("SELECT status FROM redemptions")} == {"timed_out"}
    assert_clean()


def test_a_forgotten_hold_is_freed_when_its_points_are_needed(ann: str, frozen_clock: FrozenClock) -> None:
    forgotten, kept = hold(ann, 100), hold(ann, 100)
    frozen_clock.move(timedelta(minutes=14))
    later = hold(ann, 40)
    assert refused(redeem, ann, 100).code == "insufficient_points"
    frozen_clock.move(timedelta(minutes=1))
    redeem(ann, 100)
    statuses = {
        str(row["redemption_id"]): row["status"] for row in rows("SELECT redemption_id, status FROM redemptions")
    }
    assert (statuses[forgotten], statuses[kept], statuses[later]) == ("timed_out", "timed_out", "held")
    assert_clean()


def test_points_of_the_lot_that_lapses_first_are_held_and_captured_first(app: Flask, frozen_clock: FrozenClock) -> None:
    member = open_shop(MONEY)[0]
    post(sold("late", member, line(amount=10_000, category="cake")))
    post(sold("soon", member, line(amount=10_000, category="cake"), at=NOON - timedelta(days=25)))
    capture(hold(member, 150), 120)
    left = rows("SELECT expires_on, remaining, held FROM lots WHERE wallet = 'leaves' ORDER BY expires_on")
    assert [(row["remaining"], row["held"]) for row in left] == [(0, 0), (80, 0)]
    assert_clean()


def test_a_debt_takes_its_part_of_what_is_freed(ann: str) -> None:
    redemption = hold(ann, 200)
    spend(ann, "leaves", 40)
    take_return("p0", "x1")
    assert leaves(ann) == (0, 0, 200, 240)
    capture(redemption, 100)
    assert leaves(ann) == (0, 0, 0, 140)
    assert_clean()


@pytest.mark.parametrize(
    ("days", "planned", "lapses"),
    [(0, None, False), (1, None, False), (1, -5, False), (1, -6, True), (40, None, False)],
)
def test_held_points_whose_end_has_passed_lapse_in_the_transaction_that_frees_them(
    app: Flask, frozen_clock: FrozenClock, days: int, planned: int | None, lapses: bool
) -> None:
    from loyalty_engine.store.session import db
    from loyalty_engine.store.tables import expiry_notices

    member = rich(NOTICED)
    end = rows("SELECT expires_on FROM lots WHERE wallet = 'leaves'")[0]["expires_on"]
    frozen_clock.set(NOON.replace(year=2027, day=30) - timedelta(minutes=1))
    assert str(end) == "2027-11-30"
    redemption = hold(member, 240)
    frozen_clock.set(NOON.replace(year=2027, day=30) + timedelta(days=days))
    if planned is not None:
        today = clock.now().date()
        row = {"member_id": member, "wallet": "leaves", "expires_on": today - timedelta(days=days), "days_before": 7}
        row |= {
            "points": 240,
            "status": "suppressed",
            "planned_on": today - timedelta(days=days) + timedelta(days=planned),
        }
        with db.engine.begin() as connection:
            connection.execute(expiry_notices.insert().values(**row, planned_at=NOON))
    release(redemption)
    assert leaves(member) == ((0 if lapses else 240), 0, 0, 0)
    assert_clean()


def test_without_notices_a_lot_lapses_in_parts_as_its_holds_end(app: Flask, frozen_clock: FrozenClock) -> None:
    member = rich()
    frozen_clock.set(NOON.replace(year=2027, day=30, hour=15, minute=50))
    one, other = hold(member, 100), hold(member, 140)
    frozen_clock.move(timedelta(minutes=14))
    capture(one, 60)
    assert leaves(member) == (0, 0, 140, 0)
    frozen_clock.move(timedelta(minutes=14))
    assert redemptions.time_out_holds(clock.now(), 10) == 1
    assert leaves(member) == (0, 0, 0, 0)
    lapsed = rows("SELECT points FROM ledger_entries WHERE kind = 'expiry' ORDER BY seq")
    assert [row["points"] for row in lapsed] == [-40, -140]
    assert rows("SELECT state, remaining FROM lots WHERE wallet = 'leaves'") == [{"state": "expired", "remaining": 0}]
    assert said(release(other))["status"] == "timed_out"
    assert_clean()


def test_a_member_who_is_suspended_uses_no_points_but_gets_them_back(ann: str) -> None:
    from loyalty_engine.services import member_changes
    from tests.builders import STAFF

    redemption = hold(ann, 100)
    done(member_changes.suspend_in, STAFF, ann, "a quarrel")
    assert refused(redeem, ann, 100).code == "suspended_member"
    assert refused(capture, redemption).code == "suspended_member"
    release(redemption)
    assert leaves(ann) == (240, 0, 0, 0)


def test_a_redemption_is_nobody_elses(ann: str) -> None:
    open_store("s-9", "t-9", "cake-house")
    redemption = hold(ann, 100)
    for work in (capture, release):
        assert refused(work, redemption, actor=OTHER_MERCHANT).code == "redemption_not_found"
        assert refused(work, "01a2b3c4-0000-7000-8000-000000000000").code == "redemption_not_found"
    for actor, sees in ((TILL, True), (SERVICE, True), (OTHER_STORE, False), (OTHER_MERCHANT, False)):
        if sees:
            assert said(Answer(200, redemptions.find(actor, redemption)))["status"] == "held"
        else:
            assert refused(redemptions.find, actor, redemption).code == "redemption_not_found"
    assert said(capture(redemption, actor=OTHER_STORE))["status"] == "captured"


def test_a_service_says_at_which_store(ann: str) -> None:
    from loyalty_engine.services.intake import MemberReference, RedemptionRequest
    from loyalty_engine.store.session import in_transaction

    request = RedemptionRequest(MemberReference(member_id=ann), "leaves", 100)
    refusal = refused(in_transaction, lambda to: redemptions.redeem_in(to, SERVICE, request))
    assert refusal.code == "store_missing"
    assert refused(redeem, ann, 100, actor=OTHER_STORE, store="s-1").code == "other_store"
    assert refused(redeem, ann, 100, actor=OTHER_MERCHANT, store="s-1").code == "other_store"


def test_a_redemption_is_worth_what_it_was_when_it_was_made(ann: str) -> None:
    redemption = hold(ann, 100)
    publish(MONEY.replace('worth: "0.01"', 'worth: "0.02"'))
    assert said(capture(redemption))["worth"] == "1.00"
    assert said(redeem(ann, 100))["worth"] == "2.00"


def test_using_points_keeps_a_wallet_alive_where_its_renewed_by_says_so(app: Flask, frozen_clock: FrozenClock) -> None:
    member = rich(
        BOTH.replace("{inactivity: 18 months}", "{inactivity: 18 months, renewed_by: [purchase, redemption]}")
    )
    frozen_clock.move(timedelta(days=40))
    redeem(member, 2, wallet="stamps")
    assert str(rows("SELECT active_on FROM accounts WHERE wallet = 'stamps'")[0]["active_on"]) == "2027-01-01"
    assert_clean()


def test_rewards_are_not_redeemed_here_yet(ann: str) -> None:
    assert refused(redeem, ann, None, wallet=None, reward="cake").code == "reward_unknown"  # type: ignore[arg-type]
