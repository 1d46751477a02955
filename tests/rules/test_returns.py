from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.accrual import accrue
from rules.conditions import PurchasesBefore, Spent
from rules.errors import Invalid
from rules.facts import MemberFacts, Purchase
from rules.filters import Bounds, BySkuList, Words
from rules.plan import Plan, make_plan
from rules.programme import BonusRule, Cap, EarnRule, PerMoney, Programme
from rules.returns import Kept, everything, kept, left_after, points_back, returned_share
from tests.rules.samples import (
    API_PURCHASE,
    BEANS,
    COFFEE_PLAN,
    GOLD_MEMBER,
    PLAIN_MEMBER,
    a_point_a_yuan,
    line,
    plan_of,
    purchase,
)
from tests.rules.strategies import cap_rooms, members, programmes, purchases, unhurried

TWO_LINES = purchase(line("1", 1000, 2), line("2", 500, 0))


def keeps(plan: Plan, bought: Purchase, left: Mapping[str, int], member: MemberFacts = PLAIN_MEMBER) -> Kept:
    accrual = accrue(plan, bought, member, {})
    return kept(plan, bought, accrual.decisions, accrual.points, left)


class TestWhatIsLeft:
    def test_at_first_everything_and_a_line_of_quantity_0_counts_as_one(self) -> None:
        assert everything(TWO_LINES) == {"1": 2, "2": 1}

    def test_after_a_return_less_of_the_lines_that_it_names(self) -> None:
        assert left_after(TWO_LINES, {"1": 2, "2": 1}, {"1": 1}) == {"1": 1, "2": 1}
        assert left_after(TWO_LINES, {"1": 1, "2": 1}, {"1": 1}) == {"1": 0, "2": 1}

    def test_a_line_of_quantity_0_returns_whole_whatever_the_till_names(self) -> None:
        for units in (0, 1, 7):
            assert left_after(TWO_LINES, {"1": 2, "2": 1}, {"2": units}) == {"1": 2, "2": 0}

    def test_all_is_all_that_is_left(self) -> None:
        assert left_after(TWO_LINES, {"1": 1, "2": 0}, None) == {"1": 0, "2": 0}

    def test_when_nothing_is_left_nothing_can_be_returned(self) -> None:
        with pytest.raises(Invalid) as refused:
            left_after(TWO_LINES, {"1": 0, "2": 0}, None)
        assert refused.value.code == "nothing_left_to_return"

    def test_every_wrong_line_is_named_at_once(self) -> None:
        with pytest.raises(Invalid) as refused:
            left_after(TWO_LINES, {"1": 1, "2": 0}, {"1": 2, "2": 1, "9": 1})
        assert refused.value.code == "return_exceeds_purchase"
        assert refused.value.errors == {
            "lines.1": ["2 can't come back: 1 left of this line"],
            "lines.2": ["1 can't come back: 0 left of this line"],
            "lines.9": ["the purchase has no such line; it has 1, 2"],
        }

    @pytest.mark.parametrize(("units", "refused"), [(1, False), (2, False), (3, True)])
    def test_below_at_and_above_what_is_left(self, units: int, refused: bool) -> None:
        if refused:
            with pytest.raises(Invalid):
                left_after(TWO_LINES, {"1": 2, "2": 1}, {"1": units})
        else:
            assert left_after(TWO_LINES, {"1": 2, "2": 1}, {"1": units})["1"] == 2 - units

    @pytest.mark.parametrize("units", [0, -1])
    def test_a_return_of_no_unit_or_less_is_refused(self, units: int) -> None:
        with pytest.raises(Invalid):
            left_after(TWO_LINES, {"1": 2, "2": 1}, {"1": units})


class TestWhatIsKept:
    def test_nothing_returned_keeps_everything(self) -> None:
        assert keeps(COFFEE_PLAN, API_PURCHASE, {"1": 2}, GOLD_MEMBER) == Kept(
            {"beans": 43, "stamps": 2}, {"beans-a-day": 44}, 3500, 1
        )

    def test_one_of_two_lattes_keeps_half_exactly_and_rounds_once(self) -> None:
        # 17 1/2 and a quarter of it more: 21 7/8
        assert keeps(COFFEE_PLAN, API_PURCHASE, {"1": 1}, GOLD_MEMBER) == Kept(
            {"beans": 21, "stamps": 1}, {"beans-a-day": 22}, 1750, 1
        )

    def test_everything_returned_keeps_nothing(self) -> None:
        assert keeps(COFFEE_PLAN, API_PURCHASE, {"1": 0}, GOLD_MEMBER) == Kept({}, {}, 0, 0)

    def test_a_visit_lasts_as_long_as_goods_are_left(self) -> None:
        bought = purchase(line("1"), line("ship", 600, kind="shipping"), line("note", 0, 0))
        plan = plan_of(a_point_a_yuan())
        assert keeps(plan, bought, {"1": 1, "ship": 0, "note": 0}).visits == 1
        assert keeps(plan, bought, {"1": 0, "ship": 1, "note": 0}).visits == 0
        assert keeps(plan, bought, {"1": 0, "ship": 0, "note": 1}).visits == 0

    def test_everything_returned_keeps_not_even_a_bonus_rounded_up(self) -> None:
        plan = plan_of(
            BonusRule(id="bonus", wallet="beans", points=5),
            wallet=replace(BEANS, rounding="ceiling"),
        )
        assert keeps(plan, purchase(line("1"), line("2", 0, 0)), {"1": 0, "2": 0}).points == {}

    def test_conditions_are_not_judged_again(self) -> None:
        plan = plan_of(
            BonusRule(id="big", wallet="beans", points=50, when=Spent(Bounds(2000, None))),
            BonusRule(id="small", wallet="beans", points=7, when=Spent(Bounds(None, 1999))),
        )
        bought = purchase(line("1", 1000), line("2", 1000))
        assert keeps(plan, bought, {"1": 1, "2": 0}).points == {"beans": 50}

    def test_a_whole_amount_is_counted_again_on_what_is_left(self) -> None:
        plan = plan_of(EarnRule(id="base", wallet="beans", earn=PerMoney(Fraction(10), 1000, whole=True)))
        bought = purchase(line("1", 1500, 3))
        assert [keeps(plan, bought, {"1": units}).points["beans"] for units in (3, 2, 1)] == [
            10,
            10,
            0,
        ]

    def test_a_line_that_is_gone_is_no_longer_seen(self) -> None:
        plan = plan_of(a_point_a_yuan(), BonusRule(id="tea", wallet="beans", points=5, lines=()))
        assert keeps(plan, purchase(line("1", 1000), line("2", 500)), {"1": 0, "2": 1}).points == {"beans": 10}

    def test_a_cap_leaves_room_for_what_remains(self) -> None:
        plan = plan_of(a_point_a_yuan(), caps=(Cap("cap", "beans", frozenset({"base"}), "day", 8),))
        bought = purchase(line("1", 1000, 2))
        assert keeps(plan, bought, {"1": 2}).points == {"beans": 8}
        assert keeps(plan, bought, {"1": 1}) == Kept({"beans": 5}, {"cap": 5}, 500, 1)

    def test_never_more_is_kept_than_was_granted(self) -> None:
        accrual = accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {})
        assert kept(COFFEE_PLAN, API_PURCHASE, accrual.decisions, {"beans": 5}, {"1": 2}).points == {"beans": 5}

    def test_a_return_is_judged_by_the_level_of_the_purchase(self) -> None:
        first = purchase(line("1", 1000, 2))
        plan = plan_of(a_point_a_yuan(when=PurchasesBefore(Bounds(12, 12))))
        accrual = accrue(plan, first, GOLD_MEMBER, {})
        assert accrual.points == {"beans": 12}
        assert kept(plan, first, accrual.decisions, accrual.points, {"1": 1}).points == {"beans": 6}


whole = st.tuples(programmes(), purchases(), members, cap_rooms)
Case = tuple[Programme, Purchase, MemberFacts, Mapping[str, int]]


@unhurried
@given(whole, st.data())
def test_any_split_and_order_of_returns_agrees_and_the_last_leaves_nothing(case: Case, data: st.DataObject) -> None:
    programme, bought, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, bought, member, room)
    units = [each for each, count in everything(bought).items() for _ in range(count)]
    pieces = data.draw(st.permutations(units))
    cut = data.draw(st.integers(0, len(pieces)))
    left = everything(bought)
    points = accrual.points
    taken = dict.fromkeys(points, 0)
    for piece in pieces[:cut]:
        left = left_after(bought, left, {piece: 1})
        now = kept(plan, bought, accrual.decisions, accrual.points, left).points
        taken = {wallet: taken[wallet] + points.get(wallet, 0) - now.get(wallet, 0) for wallet in taken}
        points = now
    at_once = everything(bought)
    if cut:
        back = {piece: pieces[:cut].count(piece) for piece in pieces[:cut]}
        at_once = left_after(bought, at_once, back)
    assert at_once == left
    in_one = kept(plan, bought, accrual.decisions, accrual.points, at_once).points
    assert taken == {wallet: granted - in_one.get(wallet, 0) for wallet, granted in accrual.points.items()}
    if cut == len(pieces):
        assert taken == accrual.points


@unhurried
@given(whole, st.data())
def test_what_is_kept_lies_between_nothing_and_what_was_granted(case: Case, data: st.DataObject) -> None:
    programme, bought, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, bought, member, room)
    left = {line: data.draw(st.integers(0, units)) for line, units in everything(bought).items()}
    keeps = kept(plan, bought, accrual.decisions, accrual.points, left)
    assert all(0 <= points <= accrual.points[wallet] for wallet, points in keeps.points.items())
    assert (
        keeps.net_spend_minor
        <= kept(plan, bought, accrual.decisions, accrual.points, everything(bought)).net_spend_minor
    )


@unhurried
@given(whole)
def test_what_nothing_came_back_from_keeps_all(case: Case) -> None:
    programme, bought, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, bought, member, room)
    keeps = kept(plan, bought, accrual.decisions, accrual.points, everything(bought))
    assert (keeps.points, keeps.cap_use) == (accrual.points, accrual.cap_use)


def test_a_return_works_under_the_sku_lists_as_they_were() -> None:
    bought = purchase(line("1", 2000, 2, sku="WINE"), line("2", 1000, 1, sku="BREAD"))
    promoted = (BySkuList(Words(frozenset({"promoted"}))),)
    programme = plan_of(replace(a_point_a_yuan(), lines=promoted)).programme
    then = make_plan(programme, 1, {"promoted": frozenset({"WINE", "BEER"})})
    now = make_plan(programme, 1, {"promoted": frozenset({"BREAD"})})

    accrual = accrue(then, bought, PLAIN_MEMBER, {})
    after = kept(now, bought, accrual.decisions, accrual.points, {"1": 1, "2": 1})

    assert accrual.points == {"beans": 20}
    assert accrual.decisions.lists == {"promoted": ["WINE"]}
    assert after.points == {"beans": 10}


def test_a_delivery_that_stays_keeps_nothing_of_goods_that_came_back() -> None:
    welcome = BonusRule(id="welcome", wallet="beans", points=500)
    delivered = replace(line("2", 1500, 1), kind="shipping")
    bought = purchase(line("1", 2000, 2), delivered)
    assert keeps(plan_of(a_point_a_yuan(), welcome), bought, {"1": 2, "2": 1}).points == {"beans": 520}
    assert keeps(plan_of(a_point_a_yuan(), welcome), bought, {"1": 0, "2": 1}).points == {"beans": 0}


class TestWhatWasSpentOnIt:
    def test_the_share_is_of_the_money_and_shipping_was_paid_too(self) -> None:
        bought = purchase(line("1", 3000, 3), line("2", 0, 2), replace(line("3", 1000), kind="shipping"))
        assert returned_share(bought, {"1": 3, "2": 2, "3": 1}) == 0
        assert returned_share(bought, {"1": 3, "2": 0, "3": 1}) == 0
        assert returned_share(bought, {"1": 2, "2": 2, "3": 1}) == Fraction(1, 4)
        assert returned_share(bought, {"1": 0, "2": 0, "3": 1}) == Fraction(3, 4)
        assert returned_share(bought, {"1": 0, "2": 0, "3": 0}) == 1

    def test_the_order_discount_comes_off_first(self) -> None:
        bought = replace(purchase(line("1", 3000, 1), line("2", 1000, 1)), order_discount_minor=2000)
        assert returned_share(bought, {"1": 0, "2": 1}) == Fraction(3, 4)

    def test_of_what_cost_nothing_all_comes_back_with_the_last_of_it(self) -> None:
        bought = purchase(line("1", 0, 2))
        assert returned_share(bought, {"1": 1}) == 0
        assert returned_share(bought, {"1": 0}) == 1

    @given(purchases(), st.integers(0, 10**9), st.data())
    def test_points_that_come_back_only_rise_and_end_with_all_of_them(
        self, bought: Purchase, spent: int, data: st.DataObject
    ) -> None:
        left, back = everything(bought), 0
        for line_id in data.draw(st.permutations(list(left))):
            left = {**left, line_id: 0}
            now = points_back(spent, returned_share(bought, left))
            assert back <= now <= spent
            back = now
        assert back == spent
