"""What a voucher takes off a basket is exact, never more than there is, and the same whatever the order of the lines."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.facts import Line, Purchase
from rules.periods import Period
from rules.programme import (
    AmountOff,
    FreeOfCategory,
    FreeProduct,
    Level,
    PercentOff,
    Reward,
    RewardBenefit,
    RewardWorth,
    TextBenefit,
)
from rules.rewards import (
    Open,
    Worth,
    WorthNothing,
    again_on,
    back_through,
    before_discounts,
    benefit_of,
    in_words,
    less,
    level_refusal,
    limit_refusal,
    open_basket,
    used_on,
    valid_through,
    worth_on,
)

AT = datetime(2026, 11, 22, 4, tzinfo=UTC)
LATTE = Line("1", "LATTE", 2, 7_000, category="drinks/coffee")
BEANS = Line("2", "BEANS", 1, 6_500, category="beans")
CAKE = Line("3", "CAKE", 1, 2_500, category="cake")
POST = Line("4", "POST", 1, 1_000, kind="shipping")


def basket(*lines: Line, order_discount: int = 0) -> Purchase:
    return Purchase(AT, lines or (LATTE, BEANS, CAKE, POST), "CNY", order_discount_minor=order_discount)


def reward(worth: RewardWorth, **more: object) -> Reward:
    return Reward("r", {"en": "R"}, worth, **more)  # type: ignore[arg-type]


def on(worth: RewardWorth, purchase: Purchase, **more: object) -> Worth | WorthNothing:
    return worth_on(reward(worth, **more), purchase, open_basket(purchase))


def test_an_amount_is_spread_over_the_goods_to_the_cent() -> None:
    assert on(AmountOff(500), basket()) == Worth(500, {"1": 219, "2": 203, "3": 78})


def test_an_amount_is_never_more_than_the_goods_cost_after_the_order_discount() -> None:
    small = basket(CAKE, POST, order_discount=500)
    found = on(AmountOff(5_000), small)
    assert isinstance(found, Worth)
    # 35.00 less 5.00, of which the cake bears 3.57: the delivery is no goods.
    assert found == Worth(2_143, {"3": 2_143})


def test_a_percentage_is_floored_and_has_a_ceiling() -> None:
    odd = basket(replace(CAKE, amount_minor=2_499))
    assert on(PercentOff(Fraction(1, 10)), odd) == Worth(249, {"3": 249})
    assert on(PercentOff(Fraction(1, 10), 249), odd) == Worth(249, {"3": 249})
    assert on(PercentOff(Fraction(1, 10), 248), odd) == Worth(248, {"3": 248})
    assert on(PercentOff(Fraction(1), None), odd) == Worth(2_499, {"3": 2_499})


def test_a_free_product_is_one_unit_of_it() -> None:
    assert on(FreeProduct("LATTE"), basket()) == Worth(3_500, {"1": 3_500}, "1")
    assert on(FreeProduct("POST"), basket()) == WorthNothing("not_in_basket", "There is no POST in the basket.")
    free = basket(replace(LATTE, amount_minor=0))
    nothing = on(FreeProduct("LATTE"), free)
    assert isinstance(nothing, WorthNothing)
    assert nothing.code == "nothing_left"


def test_of_a_category_the_cheapest_that_costs_anything_is_free() -> None:
    espresso = Line("5", "ESPRESSO", 1, 2_000, category="drinks/coffee/short")
    gift = Line("6", "GIFT", 1, 0, category="drinks/coffee")
    assert on(FreeOfCategory("drinks"), basket(LATTE, espresso, gift)) == Worth(2_000, {"5": 2_000}, "5")
    same = replace(espresso, line_id="0")
    assert on(FreeOfCategory("drinks"), basket(espresso, same)) == Worth(2_000, {"0": 2_000}, "0")
    found = on(FreeOfCategory("drink"), basket(LATTE))
    assert isinstance(found, WorthNothing)


def test_a_line_without_units_is_free_as_one_piece() -> None:
    assert on(FreeProduct("LATTE"), basket(replace(LATTE, quantity=0))) == Worth(7_000, {"1": 7_000}, "1")


@pytest.mark.parametrize(("least", "works"), [(2_499, True), (2_500, True), (2_501, False)])
def test_the_minimum_is_asked_of_the_goods(least: int, works: bool) -> None:
    found = on(AmountOff(100), basket(CAKE, POST), minimum_purchase_minor=least)
    assert isinstance(found, Worth) == works
    if isinstance(found, WorthNothing):
        assert (found.code, found.detail) == (
            "minimum_not_reached",
            "It takes goods for 25.01; there are goods for 25.00.",
        )


def test_two_units_can_be_had_free_and_no_third() -> None:
    purchase = basket(replace(LATTE, amount_minor=701))
    left, free = open_basket(purchase), reward(FreeProduct("LATTE"))
    given_away = []
    for _ in range(2):
        worth = worth_on(free, purchase, left)
        assert isinstance(worth, Worth)
        given_away.append(worth.minor)
        left = less(left, worth)
    assert given_away == [350, 351]
    assert isinstance(worth_on(free, purchase, left), WorthNothing)


def test_what_a_till_took_off_is_worked_out_on_the_basket_before_its_discounts() -> None:
    """A free latte's line is posted with 35.00 and a discount of 35.00; five off stands as the order discount."""
    posted = basket(replace(LATTE, amount_minor=3_500, discount_minor=3_500), CAKE, order_discount=500)
    assert open_basket(before_discounts(posted)).minor == {"1": 7_000, "3": 2_500}
    worths = list(used_on([reward(FreeProduct("LATTE")), reward(AmountOff(500))], posted))
    assert worths == [Worth(3_500, {"1": 3_500}, "1"), Worth(500, {"1": 292, "3": 208})]


def test_a_voucher_that_should_have_been_worth_nothing_touches_what_it_is_meant_for() -> None:
    free = replace(LATTE, amount_minor=0)
    assert list(used_on([reward(FreeProduct("LATTE"))], basket(free, CAKE))) == [Worth(0, {"1": 0})]
    assert list(used_on([reward(FreeProduct("TEA"))], basket(CAKE, POST))) == [Worth(0, {"3": 0})]
    assert list(used_on([reward(FreeProduct("TEA"))], basket(POST))) == [Worth(0, {"4": 0})]


amounts = st.integers(0, 20_000)
lines = st.lists(
    st.builds(
        Line,
        st.sampled_from("abcdefgh"),
        st.sampled_from(["LATTE", "CAKE"]),
        st.integers(0, 4),
        amounts,
        kind=st.sampled_from(["goods", "goods", "shipping"]),
        category=st.sampled_from([None, "drinks", "drinks/coffee", "cake"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda line: line.line_id,
)
worths = st.one_of(
    st.builds(AmountOff, st.integers(1, 30_000)),
    st.builds(PercentOff, st.fractions(Fraction(1, 100), 1, max_denominator=1000), st.none() | amounts),
    st.builds(FreeProduct, st.sampled_from(["LATTE", "CAKE", "TEA"])),
    st.builds(FreeOfCategory, st.sampled_from(["drinks", "drinks/coffee", "cake"])),
)


@given(lines, amounts, st.lists(worths, min_size=1, max_size=6))
def test_vouchers_never_take_more_than_their_lines_cost(
    given: list[Line], discount: int, several: list[RewardWorth]
) -> None:
    purchase = basket(*given, order_discount=discount)
    left = open_basket(purchase)
    start = left.total
    taken = 0
    for one in several:
        worth = worth_on(reward(one), purchase, left)
        if isinstance(worth, Worth):
            assert worth.minor == sum(worth.lines.values()) > 0
            assert all(0 < off <= left.minor[line] for line, off in worth.lines.items())
            left = less(left, worth)
            taken += worth.minor
    assert all(minor >= 0 for minor in left.minor.values())
    assert all(units >= 0 for units in left.units.values())
    assert left.total == start - taken


@given(st.permutations([LATTE, BEANS, CAKE, POST]), amounts, st.lists(worths, min_size=1, max_size=4))
def test_the_order_of_lines_changes_nothing(given: list[Line], discount: int, several: list[RewardWorth]) -> None:
    def all_of(purchase: Purchase) -> list[Worth | WorthNothing]:
        left, found = open_basket(purchase), []
        for one in several:
            found.append(worth_on(reward(one), purchase, left))
            left = less(left, found[-1]) if isinstance(found[-1], Worth) else left
        return found

    assert all_of(basket(*given, order_discount=discount)) == all_of(basket(order_discount=discount))


def test_nothing_in_the_basket_is_nothing_off() -> None:
    assert isinstance(on(AmountOff(1), basket(POST)), WorthNothing)
    assert Open({}, {}).total == 0


TODAY = date(2026, 1, 31)


def test_a_voucher_is_good_through_its_last_day() -> None:
    assert valid_through(reward(AmountOff(1)), TODAY) is None
    assert valid_through(reward(AmountOff(1), valid=Period(1, "months")), TODAY) == date(2026, 2, 28)
    assert valid_through(reward(AmountOff(1), valid="span"), TODAY, date(2026, 2, 3)) == date(2026, 2, 3)
    assert valid_through(reward(AmountOff(1), valid="span"), TODAY) == TODAY + timedelta(days=30)


@pytest.mark.parametrize(("old", "through"), [(29, 30), (30, 30), (31, 31)])
def test_a_voucher_that_comes_back_is_good_for_30_days_at_least(old: int, through: int) -> None:
    assert back_through(TODAY + timedelta(days=old), TODAY) == TODAY + timedelta(days=through)
    assert back_through(None, TODAY) is None


def test_a_limit_says_when_again() -> None:
    assert limit_refusal("r", "month", 2, 1, TODAY) is None
    refusal = limit_refusal("r", "month", 2, 2, TODAY)
    assert refusal is not None
    assert (refusal.code, refusal.detail) == ("reward_limit_reached", "r can be had 2× per month; again on 2026-02-01.")
    never = limit_refusal("r", "ever", 1, 1, TODAY)
    assert never is not None
    assert never.detail.endswith("never again.")


@pytest.mark.parametrize(
    ("per", "again"),
    [
        ("day", date(2026, 2, 1)),
        ("purchase", date(2026, 2, 1)),
        ("week", date(2026, 2, 2)),
        ("month", date(2026, 2, 1)),
        ("year", date(2027, 1, 1)),
        ("ever", None),
    ],
)
def test_the_next_period_begins(per: object, again: date | None) -> None:
    assert again_on(per, TODAY) == again  # type: ignore[arg-type]


def test_levels_and_their_benefits() -> None:
    gold = Level("gold", {}, 1, benefits=(TextBenefit({"en": "A cup"}), RewardBenefit("r", 1, "day")))
    only = reward(AmountOff(1), levels=frozenset({"gold"}))
    assert level_refusal(only, "gold") is None
    assert level_refusal(reward(AmountOff(1)), None) is None
    refusal = level_refusal(only, "green")
    assert refusal is not None
    assert refusal.code == "reward_not_for_level"
    assert benefit_of(gold, "r") == RewardBenefit("r", 1, "day")
    assert benefit_of(gold, "x") is benefit_of(None, "r") is None


@pytest.mark.parametrize(
    ("worth", "english", "chinese"),
    [
        (AmountOff(500), "5.00 CNY off", "立减5.00 CNY"),
        (PercentOff(Fraction(1, 8)), "12.5% off", "减12.5%"),
        (PercentOff(Fraction(1, 10), 1500), "10% off, 15.00 CNY at most", "减10%，最多15.00 CNY"),
        (FreeProduct("CAKE-1"), "one CAKE-1 free", "免费CAKE-1一件"),
        (FreeOfCategory("coffee"), "one of coffee free, the cheapest", "coffee任一件免费（最低价的一件）"),
    ],
)
def test_a_reward_in_words(worth: RewardWorth, english: str, chinese: str) -> None:
    assert in_words(reward(worth), "CNY") == {"en": english, "zh": chinese}
    least = in_words(reward(worth, minimum_purchase_minor=2_000), "CNY")
    assert least["en"] == f"{english}, for goods of at least 20.00 CNY"
    assert least["zh"] == f"{chinese}，商品满20.00 CNY可用"
