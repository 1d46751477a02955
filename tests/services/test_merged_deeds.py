"""What a member had begun before a merge goes on after it: paid purchases, used vouchers, lapsed lots, levels, past days."""

from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, as_of, claims, lots, members, merging, vouchers
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.manual_levels import ManualLevel, put_in
from loyalty_engine.services.reviews import review_day
from loyalty_engine.services.voucher_redeeming import hold_in
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal
from tests.builders import STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    MONEY,
    REWARDED,
    TEA_CLUB,
    assert_clean,
    figures,
    line,
    move,
    open_shop,
    paid_with,
    post,
    redeem,
    redeem_reward,
    rows,
    said,
    sold,
    take_return,
    voucher_codes,
)


@pytest.fixture(autouse=True)
def _noon(app: Flask, frozen_clock: FrozenClock) -> None:
    """All of this happens at noon, unless a test moves on."""


def merge(old: str, into: str) -> None:
    merging.merge(STAFF, old, into, "one person, two cards")


def rich(count: int = 3) -> list[str]:
    found = open_shop(REWARDED, count)
    adjustments.adjust(STAFF, found[0], Adjustment("leaves", 500, "a start"))
    return found


def states(code: str) -> list[tuple[str, str]]:
    query = "SELECT status, source_kind FROM vouchers WHERE code = :code ORDER BY voucher_id"
    return [(row["status"], row["source_kind"]) for row in rows(query, code=code)]


# Vouchers


@pytest.mark.parametrize("merges", [0, 1, 2])
def test_a_used_voucher_comes_back_to_whom_its_member_was_merged_into(merges: int) -> None:
    family = rich()
    code = redeem_reward(family[0], "five-off")["voucher"]["code"]
    post(sold("p1", family[0], line(amount=10_000), vouchers=(code,)))
    for old, into in list(pairwise(family))[:merges]:
        merge(old, into)
    with clock.frozen(NOON + timedelta(hours=1)):
        assert said(take_return("p1", "r1", {"1": 1}))["vouchers_returned"] == []
        (back,) = said(take_return("p1", "r2"))["vouchers_returned"]
    assert back["code"] == code
    assert voucher_codes(family[merges]) == [code]
    assert_clean()
    with clock.frozen(NOON + timedelta(hours=2)):
        post(sold("p2", family[merges], line(amount=10_000), vouchers=(code,)))
        assert states(code)[-1][0] == "redeemed"
        assert_clean()


def test_a_used_voucher_stays_its_members_where_the_purchase_moves() -> None:
    ann, ben, _ = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    post(sold("p1", ann, line(amount=10_000), vouchers=(code,)))
    move("p1", ben)
    with clock.frozen(NOON + timedelta(hours=1)):
        (back,) = said(take_return("p1", "r1"))["vouchers_returned"]
    assert (back["code"], voucher_codes(ann), voucher_codes(ben)) == (code, [code], [])
    assert_clean()


def test_a_voucher_that_a_waiting_purchase_used_up_is_that_purchases_after_a_merge() -> None:
    ann, ben, _ = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    post(sold("p1", ann, paid=9_000, vouchers=(code,)))
    merge(ann, ben)
    assert_clean()
    done(claims.accept_in, STAFF, "p1", "s-1", "the till can't add")
    with clock.frozen(NOON + timedelta(hours=1)):
        (back,) = said(take_return("p1", "r1"))["vouchers_returned"]
    assert (back["code"], voucher_codes(ben)) == (code, [code])
    assert_clean()


# Redemptions


@pytest.mark.parametrize("named", ["old", "into"])
def test_points_that_were_captured_before_a_merge_pay_the_purchase_that_comes_after_it(named: str) -> None:
    ann, ben, cleo = open_shop(MONEY)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 2_000, "a start"))
    paid, plain = (said(redeem(ann, points))["redemption_id"] for points in (1_000, 500))
    merge(ann, ben)
    assert_clean()
    merge(ben, cleo)
    post(paid_with(sold("p1", ann if named == "old" else cleo), (1_000, paid)))
    assert_clean()
    with clock.frozen(NOON + timedelta(hours=1)):
        back = said(take_return("p1", "r1"))
        assert back["restored"] == [{"wallet": "leaves", "points": 1_000}]
        assert figures(cleo)["leaves"] == (1_500, 0, 0, 0)
        assert_clean()
    assert rows("SELECT captured, restored FROM redemptions WHERE redemption_id = :r", r=plain) == [
        {"captured": 500, "restored": 0}
    ]


def test_what_was_spent_on_a_purchase_before_a_merge_comes_back_after_it() -> None:
    ann, ben, _ = open_shop(MONEY)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 2_000, "a start"))
    paid = said(redeem(ann, 1_000))["redemption_id"]
    post(paid_with(sold("p1", ann), (1_000, paid)))
    merge(ann, ben)
    with clock.frozen(NOON + timedelta(hours=1)):
        assert said(take_return("p1", "r1"))["restored"] == [{"wallet": "leaves", "points": 1_000}]
        assert_clean()


# Holds


@pytest.mark.parametrize(("minutes", "is_open"), [(14, True), (15, False), (16, False)])
def test_a_hold_stands_in_the_way_until_its_time_is_over(minutes: int, is_open: bool) -> None:
    ann, ben, _ = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    done(hold_in, STAFF, code, None, "s-1", timedelta(minutes=15))
    with clock.frozen(NOON + timedelta(minutes=minutes)):
        if is_open:
            with pytest.raises(Refusal) as refused:
                merge(ann, ben)
            assert refused.value.code == "member_has_holds"
        else:
            merge(ann, ben)
            assert voucher_codes(ben) == [code]
        assert_clean()


# Lots


def test_what_lapsed_before_a_merge_can_be_given_back_after_it_once() -> None:
    ann, ben, _ = open_shop()
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 50, "short", expires_on=date(2026, 11, 23)))
    with clock.frozen(NOON + timedelta(days=3)):
        nights.run("expiry")
        merge(ann, ben)
        (lot,) = lots.expired(ben, None, 10)["lots"]
        assert lots.expired(ann, None, 10) == lots.expired(ben, None, 10)
        give = partial(done, lots.reinstate_in, STAFF)
        assert said(give(ann, lot["lot_id"], "sorry"))["points"] == 50
        with pytest.raises(Refusal) as refused:
            give(ben, lot["lot_id"], "sorry again")
        assert refused.value.code == "lot_reinstated"
        assert figures(ben)["leaves"][0] == 50
        assert_clean()


# Levels


def level(member: str) -> tuple[Any, ...]:
    found = members.find(member)
    (row,) = rows("SELECT level_by, level_review_on, level_grace_until FROM members WHERE member_id = :m", m=member)
    return (found.level, row["level_by"], row["level_review_on"], row["level_grace_until"])


GRACIOUS = TEA_CLUB.replace("{steps: one}", "{grace: 30 days, steps: one}")


def test_a_level_given_by_hand_ends_by_its_own_rules_after_a_merge() -> None:
    ann, ben, _ = open_shop(GRACIOUS)
    given = ManualLevel("gold", date(2026, 12, 31), "a match of another club's card")
    in_transaction(lambda connection: put_in(connection, STAFF, ann, given))
    merge(ann, ben)
    assert level(ben)[:2] == ("gold", "manual")
    assert_clean()
    with clock.frozen(NOON + timedelta(days=41)):
        review_day(date(2027, 1, 1), 1)
        assert level(ben)[0] == "plain", "by what was bought, and without days of grace"
        assert_clean()


def test_days_of_grace_go_on_after_a_merge() -> None:
    ann, ben, _ = open_shop(GRACIOUS)
    post(sold("p1", ann, line(amount=17_000)))
    at = members.find(ann)
    assert at.level == "silver"
    (row,) = rows("SELECT level_review_on FROM members WHERE member_id = :m", m=ann)
    due = date.fromisoformat(str(row["level_review_on"])) + timedelta(days=1)
    with clock.frozen(NOON + (due - NOON.date())):
        review_day(due, 1)
        before = level(ann)
        assert before[3] is not None
        merge(ann, ben)
        assert level(ben) == before
        assert_clean()
    over = date.fromisoformat(str(before[3])) + timedelta(days=1)
    with clock.frozen(NOON + (over - NOON.date())):
        review_day(over, 1)
        assert level(ben)[0] == "plain"
        assert_clean()


# The old id


def test_the_old_id_leads_on_from_the_day_of_the_merge() -> None:
    ann, ben, _ = rich()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    with clock.frozen(NOON + timedelta(days=2)):
        merge(ann, ben)
        days = [NOON.date() + timedelta(days=more) for more in (0, 1, 2)]
        assert [as_of.balances(ann, day)["member_id"] for day in days] == [ann, ann, ben]
        assert [as_of.balances(ann, day)["balances"][0]["available"] for day in days] == [400, 400, 400]
        assert [as_of.tier(ann, day)["member_id"] for day in days] == [ann, ann, ben]
        assert as_of.lots(ann, None) == as_of.lots(ben, None)
        told = vouchers.of_member(ann, None, 10)
        assert (told["member_id"], [one["code"] for one in told["vouchers"]]) == (ben, [code])


def test_nobodys_id_leads_nowhere() -> None:
    open_shop()
    with pytest.raises(Refusal):
        as_of.balances("01a20000-0000-7000-8000-000000000000", NOON.date())
