import re
import string
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import conditions as c
from rules import filters as f
from rules.accrual import accrue
from rules.explain import because, explain
from rules.facts import Birthday, MemberFacts, Purchase
from rules.filters import Bounds
from rules.periods import Period
from rules.phrases import LANGUAGES, PHRASES, Tongue, number
from rules.plan import make_plan
from rules.programme import BonusRule, Cap, EarnRule, ExcludeRule, PerFact, PerMoney, Programme
from rules.trace import Step, trace
from rules.wording import Wording
from tests.rules.samples import (
    API_PURCHASE,
    COFFEE_PLAN,
    CORNER_COFFEE,
    GOLD_MEMBER,
    PLAIN_MEMBER,
    SHANGHAI,
    SUNDAY,
    a_point_a_yuan,
    line,
    of_category,
    plan_of,
    purchase,
    words,
)
from tests.rules.strategies import cap_rooms, members, programmes, purchases, unhurried

TWO = Bounds(2, None)


def test_the_purchase_of_the_api_in_english() -> None:
    told = explain(COFFEE_PLAN, API_PURCHASE, accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}), "en")
    assert told.headline == "43 Beans, 2 Stamps"
    beans, stamps = told.wallets
    assert beans.headline == "43 Beans"
    assert beans.gave == (
        "35 from One bean a yuan on LATTE-L",
        "8.75 more as Gold member",
        "0.75 dropped in rounding",
    )
    assert beans.gave_nothing == (
        "nothing from Double beans on coffee before ten: starts on 2026-12-01",
        "nothing from big-beans: no line is of category beans-and-tea",
        "nothing from first-visit: only on the first purchase",
        "nothing from birthday-month: only in the month of the birthday",
    )
    assert (stamps.headline, stamps.gave, stamps.gave_nothing) == (
        "2 Stamps",
        ("2 from A stamp a cup on LATTE-L",),
        (),
    )


def test_the_purchase_of_the_api_in_chinese() -> None:
    told = explain(COFFEE_PLAN, API_PURCHASE, accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}), "zh")
    assert told.headline == "43 咖啡豆、2 印花"
    assert told.wallets[0].gave == (
        "“One bean a yuan”送35（LATTE-L）",
        "金卡会员另送8.75",
        "取整舍去0.75",
    )
    assert told.wallets[0].gave_nothing[0] == "“Double beans on coffee before ten”未送：2026-12-01开始"


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("zh-CN", "43 咖啡豆、2 印花"),
        ("zh_Hant", "43 咖啡豆、2 印花"),
        ("fr", "43 Beans, 2 Stamps"),
        ("", "43 Beans, 2 Stamps"),
    ],
)
def test_a_language_has_its_variants_and_an_unknown_one_is_english(language: str, headline: str) -> None:
    told = explain(COFFEE_PLAN, API_PURCHASE, accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}), language)
    assert told.headline == headline


def test_a_purchase_without_points_says_so() -> None:
    free = purchase(line("1", 0))
    told = explain(COFFEE_PLAN, free, accrue(COFFEE_PLAN, free, PLAIN_MEMBER, {}), "en")
    assert told.headline == "no points"


@pytest.mark.parametrize(
    ("texts", "language", "name"),
    [
        ({"en": "Beans", "zh": "豆"}, "zh", "豆"),
        ({"en": "Beans", "zh": "豆"}, "zh-CN", "豆"),
        ({"en": "Beans", "zh-CN": "豆", "zh": "x"}, "zh-CN", "豆"),
        ({"en": "Beans", "zh": "豆"}, "fr", "Beans"),
        ({"fr": "Grains", "en": "Beans"}, "fr", "Grains"),
        ({"": "Plain", "zh": "豆"}, "fr", "Plain"),
        ({"zh": "豆"}, "fr", "豆"),
        ({}, "fr", "beans"),
    ],
)
def test_names_fall_back_to_english_then_any_then_the_id(texts: Mapping[str, str], language: str, name: str) -> None:
    assert Tongue(language).name(texts, "beans") == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (43, "43"),
        (2000, "2,000"),
        (Fraction(35, 4), "8.75"),
        (Fraction(-3, 4), "0.75"),
        (Fraction(8001, 4), "2,000.25"),
        (Fraction(1, 10), "0.1"),
        (Fraction(1, 16), "0.0625"),
        (Fraction(1, 10_000), "0.0001"),
        (Fraction(1, 20_000), "1/20000"),
        (Fraction(1, 32), "1/32"),
        (Fraction(25, 3), "8 1/3"),
        (Fraction(6001, 3), "2,000 1/3"),
        (Fraction(8, 4), "2"),
    ],
)
def test_numbers_are_written_as_people_read_them(value: int | Fraction, text: str) -> None:
    assert number(value) == text


def why(rule: object, at: datetime = SUNDAY, language: str = "en") -> str:
    """Say why this rule gave nothing on one line of 10.00."""
    plan = plan_of(rule)
    bought = purchase(line("1", 1000, category="tea"), at=at)
    (step, *_) = trace(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}))
    return because(plan, step, language)


@pytest.mark.parametrize(
    ("at", "starts", "ends"),
    [
        (datetime(2026, 12, 1, tzinfo=SHANGHAI), "starts on 2026-12-01", "ended on 2026-11-30"),
        (
            datetime(2026, 12, 1, 7, 30, tzinfo=SHANGHAI),
            "starts on 2026-12-01 at 07:30",
            "ended on 2026-12-01 at 07:30",
        ),
    ],
)
def test_starts_and_ends_are_days_of_the_programme(at: datetime, starts: str, ends: str) -> None:
    assert why(a_point_a_yuan(starts_at=at)) == starts
    assert why(a_point_a_yuan(ends_at=at), at=at + timedelta(days=1)) == ends


def test_what_a_rule_that_gave_nothing_was_missing() -> None:
    assert why(a_point_a_yuan(lines=of_category("coffee", "cake"))) == "no line is of category cake or coffee"
    assert why(a_point_a_yuan(when=c.TimeOfDay(time(0), time(9)))) == "only before 09:00"
    whole = EarnRule(id="big", wallet="beans", earn=PerMoney(Fraction(500), 20000, whole=True))
    assert why(whole) == "only each whole 200.00 CNY counts"
    assert why(EarnRule(id="far", wallet="beans", earn=PerFact(Fraction(1), "distance"))) == (
        "there is nothing that it could count"
    )


@pytest.mark.parametrize(
    "condition", [c.BirthdayIs("month"), c.All((c.ByChannel(words("web", negated=True)), c.BirthdayIs("day")))]
)
@pytest.mark.parametrize(
    ("locked_until", "month", "english", "chinese"),
    [
        (date(2026, 11, 23), 11, "the birthday was changed less than 11 months ago and will count again after that", "生日修改未满11个月，期满后才重新计入"),
        (date(2026, 11, 22), 11, None, None),
        (date(2026, 11, 23), 10, "only ", "仅限"),
    ],
)  # fmt: skip
def test_a_birthday_that_was_changed_not_long_ago_is_told_as_that(
    condition: c.Condition, locked_until: date, month: int, english: str | None, chinese: str | None
) -> None:
    plan = plan_of(a_point_a_yuan(when=condition))
    member = replace(PLAIN_MEMBER, birthday=Birthday(month, 22), birthday_locked_until=locked_until)
    bought = purchase(line("1", 1000))
    (step, *_) = trace(plan, bought, accrue(plan, bought, member, {}))
    assert (step.failed is None) == (english is None)
    if english and chinese:
        assert because(plan, step, "en").startswith(english)
        assert because(plan, step, "zh").startswith(chinese)


def test_only_the_part_that_failed_is_told() -> None:
    rule = a_point_a_yuan(when=c.All((c.TimeOfDay(time(7), time(10)), c.OnWeekday(frozenset({"mon", "fri"})))))
    assert why(rule) == "only on Monday or Friday"
    assert why(rule, language="zh") == "仅限周一或周五"


def test_the_rule_that_was_preferred_is_named() -> None:
    plan = plan_of(
        BonusRule(id="a", wallet="beans", points=5, exclusive="g", name={"en": "Five for all"}),
        BonusRule(id="b", wallet="beans", points=4, exclusive="g"),
    )
    bought = purchase(line("1"))
    told = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), "en")
    assert told.wallets[0].gave_nothing == ("nothing from b: Five for all counts instead",)


def test_excluded_lines_are_named_and_a_rule_left_without_lines_says_so() -> None:
    plan = plan_of(a_point_a_yuan(), ExcludeRule(id="no-tea", name={"en": "No tea"}, lines=of_category("tea")))
    bought = purchase(line("1", sku="OOLONG", category="tea"))
    told = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), "en")
    assert told.left_out == ("OOLONG left out by No tea",)
    assert told.wallets[0].gave_nothing == ("nothing from base: no line counts",)


@pytest.mark.parametrize(
    ("rule", "language", "reason", "told"),
    [
        ({}, "en", "no line is of category cake", "nothing left out by no-cake: no line is of category cake"),
        ({}, "zh", "没有品类cake的商品行", "“no-cake”未排除商品：没有品类cake的商品行"),
        (
            {"when": c.ByChannel(words("web"))},
            "en",
            "only through web",
            "nothing left out by no-cake: only through web",
        ),
    ],
)
def test_a_rule_that_takes_no_line_out_says_why(rule: dict[str, object], language: str, reason: str, told: str) -> None:
    no_cake = ExcludeRule(id="no-cake", lines=of_category("cake"), **rule)
    assert why(no_cake, language=language) == reason
    plan = plan_of(no_cake, a_point_a_yuan())
    bought = purchase(line("1", 1000, category="tea"))
    said = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), language)
    assert (said.left_out, said.left_nothing_out) == ((), (told,))


@pytest.mark.parametrize(
    ("over", "text"),
    [
        ("member", "5 over the cap day of 5 a day"),
        ("everyone", "5 over the cap day of 5 a day for everyone together"),
    ],
)
def test_a_cap_says_what_it_took(over: str, text: str) -> None:
    plan = plan_of(a_point_a_yuan(), caps=(Cap("day", "beans", frozenset({"base"}), "day", 5, over),))
    bought = purchase(line("1", 1000))
    told = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), "en")
    assert told.wallets[0].gave == ("10 from base on SKU", text)


def test_of_many_products_three_are_named_each_once() -> None:
    plan = plan_of(a_point_a_yuan())
    bought = purchase(*(line(str(i), 100, sku=sku) for i, sku in enumerate("ABACDE")))
    told = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), "en")
    assert told.wallets[0].gave == ("6 from base on A, B, C and 2 more",)


SAID = [
    (c.Spent(TWO), "when at least 0.02 CNY is spent", "消费至少0.02 CNY"),
    (c.Spent(Bounds(None, 20000), of_category("wine")), "when at most 200.00 CNY is spent on lines of category wine", None),
    (c.Units(Bounds(2, 2)), "when exactly 2 units are bought", None),
    (c.Units(Bounds(2, 3), of_category("wine")), "when 2 to 3 units of category wine are bought", None),
    (c.TimeOfDay(time(7), time(10, 30)), "from 07:00 to 10:30", "07:00到10:30"),
    (c.TimeOfDay(time(0), time(10)), "before 10:00", "10:00之前"),
    (c.TimeOfDay(time(22), time(0)), "from 22:00", None),
    (c.OnWeekday(frozenset({"sun", "mon", "sat"})), "on Monday, Saturday or Sunday", "周一、周六或周日"),
    (c.DayOfMonth(frozenset({15, 1, "last"})), "on day 1, 15 or the last of the month", None),
    (c.DateBetween(date(2026, 12, 1), date(2027, 1, 1)), "from 2026-12-01 through 2026-12-31", None),
    (c.DateBetween(None, date(2027, 1, 1)), "through 2026-12-31", None),
    (c.DateBetween(date(2026, 12, 1), None), "from 2026-12-01", "2026-12-01起"),
    (c.AtStore(words("s2", "s1")), "at store s1 or s2", None),
    (c.AtStore(words("s1", negated=True)), "not at store s1", None),
    (c.AtStoreGroup(words("east")), "at the stores east", None),
    (c.ByChannel(words("web")), "through web", None),
    (c.PaidBy(words("card", negated=True)), "not paid by card", "不用card支付"),
    (c.WithCoupon(words("HELLO")), "with the coupon HELLO", None),
    (c.HasLevel(words("gold", "gone")), "for Gold or gone members", "金卡或gone会员"),
    (c.InSegment(words("vip")), "for members in vip", None),
    (c.MemberFor(Period(30, "days")), "for members of 30 days or longer", "入会满30天的会员"),
    (c.MemberFor(Period(1, "years")), "for members of 1 year or longer", None),
    (c.Age(Bounds(18, None)), "for members at least 18 years old", None),
    (c.BirthdayIs("day"), "on the birthday", "生日当天"),
    (c.BirthdayIs("week"), "in the week of the birthday", None),
    (c.BirthdayIs("month"), "in the month of the birthday", None),
    (c.PurchasesBefore(Bounds(0, 0)), "on the first purchase", None),
    (c.PurchasesBefore(Bounds(9, 9)), "after exactly 9 purchases", None),
    (c.DaysSincePurchase(Bounds(30, None)), "when the last purchase was at least 30 days ago", None),
    (c.PurchaseWithin(Period(365, "days")), "within 365 days of a purchase", None),
    (c.HasAttribute("city", words("Shanghai")), "for members whose city is Shanghai", None),
    (c.AnyOf((c.ByChannel(words("web")), c.Units(TWO))), "through web or when at least 2 units are bought", None),
    (c.All((c.ByChannel(words("web")), c.Not(c.BirthdayIs("day")))), "through web and (not on the birthday)", None),
    (c.Not(c.AnyOf((c.BirthdayIs("day"), c.Units(TWO)))), "not (on the birthday or when at least 2 units are bought)", None),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "english", "chinese"), SAID)
def test_each_kind_of_condition_has_its_phrase(condition: c.Condition, english: str, chinese: str | None) -> None:
    assert Wording(CORNER_COFFEE, Tongue("en")).condition(condition) == english
    said = Wording(CORNER_COFFEE, Tongue("zh")).condition(condition)
    assert said == (chinese or said)
    assert re.search("[一-鿿]", said)


def test_no_kind_of_condition_was_forgotten_above() -> None:
    assert {type(condition) for condition, _, _ in SAID} == set(get_args(c.Condition))


@pytest.mark.parametrize(
    ("line_test", "said"),
    [
        (f.BySku(words("A", "B")), "product A or B"),
        (f.BySku(words("A", negated=True)), "a product other than A"),
        (f.BySkuList(words("wines")), "the list wines"),
        (f.ByCategory(words("wine")), "category wine"),
        (f.ByBrand(words("house", negated=True)), "a brand other than house"),
        (f.ByTag(words("hot")), "the tag hot"),
        (f.ByTag(words("hot", negated=True)), "without the tag hot"),
        (f.ByFact("class", words("F", "Y")), "class F or Y"),
        (f.ByFact("distance", Bounds(500, None)), "distance at least 500"),
    ],
)
def test_each_kind_of_line_filter_has_its_phrase(line_test: f.LineTest, said: str) -> None:
    assert Wording(CORNER_COFFEE, Tongue("en")).filter((line_test,)) == said
    assert said not in Wording(CORNER_COFFEE, Tongue("zh")).filter((line_test,))


@pytest.mark.parametrize("key", PHRASES)
def test_a_phrase_has_the_same_places_in_every_language(key: str) -> None:
    places = [{place for _, place, _, _ in string.Formatter().parse(phrase) if place} for phrase in PHRASES[key]]
    assert len(places) == len(LANGUAGES)
    assert places[0] == places[1]


def test_names_with_braces_are_only_text() -> None:
    plan = plan_of(a_point_a_yuan(name={"en": "{points} {0}"}))
    bought = purchase(line("1", 1000))
    told = explain(plan, bought, accrue(plan, bought, PLAIN_MEMBER, {}), "en")
    assert told.wallets[0].gave == ("10 from {points} {0} on SKU",)


def test_a_step_that_failed_for_a_reason_that_is_not_known_is_still_told() -> None:
    assert because(COFFEE_PLAN, Step("rule", "base", "beans", Fraction(0), failed="stopped"), "en") == "does not apply"


_MINUS = re.compile(r" (?:dropped in rounding|over the cap)")


def told_points(sentence: str) -> Fraction:
    whole, part = re.match(r"([\d,]+(?:\.\d+)?(?![\d,/.]))?(?:(?:^| )(\d+/\d+))?", sentence).groups()
    value = Fraction((whole or "0").replace(",", "")) + Fraction(part or 0)
    return -value if _MINUS.search(sentence) else value


@unhurried
@given(st.tuples(programmes(), purchases(), members, cap_rooms), st.sampled_from(("en", "zh")))
def test_what_is_told_of_a_wallet_adds_up_to_its_headline(
    case: tuple[Programme, Purchase, MemberFacts, Mapping[str, int]], language: str
) -> None:
    programme, bought, member, room = case
    plan = make_plan(programme)
    accrual = accrue(plan, bought, member, room)
    explain(plan, bought, accrual, language)
    for wallet in explain(plan, bought, accrual, "en").wallets:
        points = accrual.points.get(wallet.wallet, 0)
        assert wallet.headline == f"{points:,} {wallet.wallet}"
        assert sum(told_points(sentence) for sentence in wallet.gave) == points
