"""Every kind of thing that a document may say: what it is read as, and that it is written so that it is read again."""

import json
from datetime import date, time
from fractions import Fraction
from typing import Any

import pytest

from rules import conditions as c
from rules import filters as f
from rules import programme as p
from rules.document import write
from rules.facts import Line
from rules.periods import Period
from tests.rules.documents import changed, programme

IN_AB = {"in": ["a", "b"]}
AB = f.Words(frozenset({"a", "b"}))
NOT_AB = f.Words(frozenset({"a", "b"}), negated=True)


def read_again(read: p.Programme) -> p.Programme:
    """Write a programme as JSON and read that."""
    return programme(json.loads(json.dumps(write(read), sort_keys=True)))


CONDITIONS: list[tuple[Any, c.Condition]] = [
    ({"all": [{"birthday": "day"}, {"birthday": "week"}]}, c.All((c.BirthdayIs("day"), c.BirthdayIs("week")))),
    ({"all": [{"birthday": "day"}]}, c.All((c.BirthdayIs("day"),))),
    ({"any": [{"birthday": "day"}]}, c.AnyOf((c.BirthdayIs("day"),))),
    ({"not": {"birthday": "month"}}, c.Not(c.BirthdayIs("month"))),
    ({"spent": {"at_least": "20.00"}}, c.Spent(f.Bounds(2000, None))),
    ({"spent": {"at_most": 20, "at_least": 10}}, c.Spent(f.Bounds(1000, 2000))),
    (
        {"spent": {"eq": "20.5", "of": {"category": {"in": ["wine"]}}}},
        c.Spent(f.Bounds(2050, 2050), (f.ByCategory(f.Words(frozenset({"wine"}))),)),
    ),
    ({"units": {"eq": 3}}, c.Units(f.Bounds(3, 3))),
    ({"units": {"at_least": 3, "of": {"sku": IN_AB}}}, c.Units(f.Bounds(3, None), (f.BySku(AB),))),
    ({"time": {"from": "07:00", "to": "10:00:30"}}, c.TimeOfDay(time(7), time(10, 0, 30))),
    ({"weekday": {"in": ["sun", "sat"]}}, c.OnWeekday(frozenset({"sat", "sun"}))),
    ({"weekday": {"not_in": ["mon", "tue", "wed", "thu", "fri"]}}, c.OnWeekday(frozenset({"sat", "sun"}))),
    ({"day_of_month": {"in": [1, "15", "last"]}}, c.DayOfMonth(frozenset({1, 15, "last"}))),
    ({"date": {"from": "2026-12-01"}}, c.DateBetween(date(2026, 12, 1), None)),
    ({"date": {"to": date(2026, 12, 1)}}, c.DateBetween(None, date(2026, 12, 1))),
    ({"date": {"from": "2026-12-01", "to": "2026-12-02"}}, c.DateBetween(date(2026, 12, 1), date(2026, 12, 2))),
    ({"store": IN_AB}, c.AtStore(AB)),
    ({"store": {"not_in": ["a", "b"]}}, c.AtStore(NOT_AB)),
    ({"store_group": IN_AB}, c.AtStoreGroup(AB)),
    ({"channel": IN_AB}, c.ByChannel(AB)),
    ({"tender": IN_AB}, c.PaidBy(AB)),
    ({"coupon": IN_AB}, c.WithCoupon(AB)),
    ({"level": {"in": ["gold"]}}, c.HasLevel(f.Words(frozenset({"gold"})))),
    ({"segment": IN_AB}, c.InSegment(AB)),
    ({"member_for": "30 days"}, c.MemberFor(Period(30, "days"))),
    ({"age": {"at_least": 18}}, c.Age(f.Bounds(18, None))),
    ({"birthday": "week"}, c.BirthdayIs("week")),
    ({"purchases_before": {"eq": 0}}, c.PurchasesBefore(f.Bounds(0, 0))),
    ({"days_since_purchase": {"at_most": 7}}, c.DaysSincePurchase(f.Bounds(None, 7))),
    ({"purchase_within": "1 year"}, c.PurchaseWithin(Period(1, "years"))),
    ({"attribute": {"name": "diet", "not_in": ["a", "b"]}}, c.HasAttribute("diet", NOT_AB)),
    (
        {"birthday": "day", "not": {"birthday": "week"}, "channel": IN_AB},
        c.All((c.Not(c.BirthdayIs("week")), c.ByChannel(AB), c.BirthdayIs("day"))),
    ),
]


@pytest.mark.parametrize(
    ("written", "meant"), CONDITIONS, ids=[f"{next(iter(w))}-{n}" for n, (w, _) in enumerate(CONDITIONS)]
)
def test_a_condition_is_read_as_it_is_meant_and_again_as_it_is_written(written: Any, meant: c.Condition) -> None:
    read = programme(changed("accrual[2].when", written))
    assert read.accrual[2].when == meant
    assert read_again(read) == read


def test_every_kind_of_condition_is_in_the_table() -> None:
    assert {type(meant) for _, meant in CONDITIONS} == set(c.Condition.__args__)


FILTERS: list[tuple[Any, f.LineTest]] = [
    ({"sku": IN_AB}, f.BySku(AB)),
    ({"sku_list": {"not_in": ["a", "b"]}}, f.BySkuList(NOT_AB)),
    ({"category": {"in": ["drinks/coffee"]}}, f.ByCategory(f.Words(frozenset({"drinks/coffee"})))),
    ({"brand": IN_AB}, f.ByBrand(AB)),
    ({"tag": {"not_in": ["a", "b"]}}, f.ByTag(NOT_AB)),
    ({"fact": {"miles": {"at_least": 500}}}, f.ByFact("miles", f.Bounds(500, None))),
    ({"fact": {"name": {"in": ["a", "b"]}}}, f.ByFact("name", AB)),
    ({"fact": {"name": "cabin", "in": ["a", "b"]}}, f.ByFact("cabin", AB)),
    ({"fact": {"name": "miles", "at_least": 500}}, f.ByFact("miles", f.Bounds(500, None))),
    (
        {"fact": {"name": "miles", "at_least": "0.5", "at_most": 2}},
        f.ByFact("miles", f.Bounds(Fraction(1, 2), Fraction(2))),
    ),
]


@pytest.mark.parametrize(("written", "meant"), FILTERS)
def test_a_line_filter_is_read_as_it_is_meant_and_again_as_it_is_written(written: Any, meant: f.LineTest) -> None:
    read = programme(changed("accrual[2].lines", written))
    assert read.accrual[2].lines == (meant,)
    assert read_again(read) == read


def test_every_kind_of_line_filter_is_in_the_table() -> None:
    assert {type(meant) for _, meant in FILTERS} == set(f.LineTest.__args__)


def test_several_filters_of_lines_must_all_hold() -> None:
    read = programme(changed("accrual[2].lines", {"tag": IN_AB, "sku": IN_AB}))
    assert read.accrual[2].lines == (f.BySku(AB), f.ByTag(AB))


def test_several_facts_in_one_filter_must_all_hold_whatever_their_order() -> None:
    tests = {"miles": {"at_least": 500}, "cabin": {"in": ["a", "b"]}}
    read = programme(changed("accrual[2].lines", {"fact": tests, "sku": IN_AB}))
    assert read.accrual[2].lines == (f.BySku(AB), f.ByFact("cabin", AB), f.ByFact("miles", f.Bounds(500, None)))
    assert (
        read_again(read)
        == read
        == programme(changed("accrual[2].lines", {"sku": IN_AB, "fact": dict(reversed(tests.items()))}))
    )
    flights = [{"cabin": "a", "miles": 500}, {"cabin": "c", "miles": 500}, {"cabin": "a", "miles": 499}, {"miles": 500}]
    seen = [f.sees(read.accrual[2].lines, Line("1", "a", 1, 100, facts=flown), {}) for flown in flights]
    assert seen == [True, False, False, False]


OTHERS: list[tuple[str, Any, Any]] = [
    ("accrual[0].earn", {"points": "1.5", "per": "2", "whole": True}, p.PerMoney(Fraction(3, 2), 200, True)),
    ("accrual[0].earn", {"points": 1, "each": "unit"}, p.PerUnit(Fraction(1))),
    ("accrual[0].earn", {"points": 1, "each": "paid_unit"}, p.PerUnit(Fraction(1), paid=True)),
    ("accrual[0].earn", {"points": 5, "each": "purchase"}, p.PerPurchase(Fraction(5))),
    ("accrual[0].earn", {"points": 1, "each": "miles"}, p.PerFact(Fraction(1), "miles")),
    ("accrual[2].multiply", "150%", Fraction(3, 2)),
    ("wallets[0].expiry", "never", None),
    ("wallets[0].expiry", {"after": "1 month"}, p.RollingExpiry(Period(1, "months"))),
    ("wallets[0].expiry", {"yearly": "12-31", "after": "1 year"}, p.YearlyExpiry(12, 31, Period(1, "years"))),
    ("wallets[0].expiry", {"inactivity": "18 months"}, p.InactivityExpiry(Period(18, "months"))),
    ("wallets[1].spending", "rewards_only", "rewards_only"),
    ("wallets[1].on_return", "clamp", "clamp"),
    ("wallets[1].rounding", "ceiling", "ceiling"),
    ("wallets[1].basis", {"tax": "excluded", "shipping": True}, p.Basis(False, True)),
    ("tiers.metric", "visits", "visits"),
    ("tiers.window", {"rolling": "1 year"}, p.RollingWindow(Period(1, "years"))),
    ("tiers.window", {"calendar": "year"}, "calendar_year"),
    ("tiers.window", {"membership": "year"}, "membership_year"),
    ("tiers.window", "lifetime", "lifetime"),
    ("tiers.downgrade", {"steps": "never"}, p.Downgrade(Period(0, "days"), "never")),
    ("occasions[0].on", "tier_upgrade", "tier_upgrade"),
    ("occasions[0].on", "enrolment", "enrolment"),
    ("occasions[0].on", {"member_date": "wedding"}, p.OnMemberDate("wedding")),
    ("occasions[0].on", {"holiday": "CN", "name": "Spring Festival"}, p.OnHoliday("CN", "Spring Festival")),
    ("occasions[0].on", {"lunar": "07-30"}, p.OnLunar(7, 30)),
    ("occasions[0].on", {"date": "02-28"}, p.OnDate(2, 28)),
    ("occasions[0].on", {"after_purchase": "7 days"}, p.AfterPurchase(Period(7, "days"))),
    ("occasions[0].on", {"holiday": "CN", "name": "中秋节"}, p.OnHoliday("CN", "中秋节")),
    ("occasions[0].leap_day", "mar-01", "mar-01"),
    ("occasions[0].lead", "14 days", Period(14, "days")),
    ("rewards[1].valid", "30 days", Period(30, "days")),
    ("rewards[1].levels", ["gold"], frozenset({"gold"})),
    ("rewards[1].per_member", {"per": "purchase", "times": 2}, p.TimesPer("purchase", 2)),
    ("rewards[1].automatic", True, True),
    ("caps[0].over", "everyone", "everyone"),
    ("caps[0].per", "ever", "ever"),
    ("late_days", 0, 0),
]  # fmt: skip
FIELDS = {"multiply": "factor"}


@pytest.mark.parametrize(
    ("path", "written", "meant"), OTHERS, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(OTHERS)]
)
def test_every_other_kind_is_read_as_it_is_meant_and_again_as_it_is_written(
    path: str, written: Any, meant: Any
) -> None:
    read = programme(changed(path, written))
    found: Any = read
    for step in path.replace("[", ".").replace("]", "").split("."):
        found = found[int(step)] if step.isdigit() else getattr(found, FIELDS.get(step, step))
    assert found == meant
    assert read_again(read) == read


WORTHS: list[tuple[dict[str, Any], p.RewardWorth]] = [
    ({"amount_off": "5.00"}, p.AmountOff(500)),
    ({"percent_off": "12.5%", "at_most": "10.00"}, p.PercentOff(Fraction(1, 8), 1000)),
    ({"product": "CAKE-1"}, p.FreeProduct("CAKE-1")),
    ({"product_category": "cakes/small"}, p.FreeOfCategory("cakes/small")),
]


@pytest.mark.parametrize(("written", "meant"), WORTHS)
def test_a_reward_is_worth_what_it_says(written: dict[str, Any], meant: p.RewardWorth) -> None:
    reward = {"id": "off", "name": "Off", "minimum_purchase": "20.00", "stock": 0, **written}
    read = programme(changed("rewards[1]", reward))
    assert read.rewards[1].worth == meant
    assert read.rewards[1].minimum_purchase_minor == 2000
    assert read_again(read) == read


def test_thresholds_are_money_where_what_is_spent_counts() -> None:
    written = changed("tiers.metric", "net_spend")
    written["tiers"]["levels"][1]["from"] = "1000.50"
    read = programme(written)
    assert read.tiers is not None
    assert [level.threshold for level in read.tiers.levels] == [0, 100050]
    assert read_again(read) == read


def test_an_anniversary_may_give_points_for_each_year() -> None:
    written = changed("occasions[0].on", "anniversary")
    written["occasions"][0]["give"] = [{"points": 50, "wallet": "beans", "times": "years"}]
    read = programme(written)
    assert read.occasions[0].give == (p.PointsGift(50, "beans", times_years=True),)
    assert read_again(read) == read


def test_text_is_brought_into_normal_form() -> None:
    assert programme(changed("name", "Cafe\u0301")).name == {"": "Café"}
