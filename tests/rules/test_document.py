"""A programme document is read whole, or everything wrong with it is told at once; what is read is written back."""

import json
from datetime import datetime, time
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from rules import conditions as c
from rules.document import read, write
from rules.filters import ByCategory, BySku, Words
from rules.periods import Period
from rules.programme import (
    EarnRule,
    MultiplyRule,
    PerFact,
    PerMoney,
    PerUnit,
    PointsGift,
    PointsOf,
    Programme,
    RewardGift,
    RollingExpiry,
    RollingWindow,
    Spending,
)
from tests.rules.documents import GONE, changed, document, problem_list, problems, programme


def test_a_document_that_is_right_has_no_problems() -> None:
    assert problems(document()) == []


def test_what_is_read_is_written_and_read_again_the_same() -> None:
    read_once = programme(document())
    assert programme(write(read_once)) == read_once


def test_what_is_written_is_json_and_the_order_of_its_keys_changes_nothing() -> None:
    written = json.dumps(write(programme(document())), sort_keys=True)
    assert programme(json.loads(written)) == programme(document())


def test_two_things_that_are_written_the_same_are_equal_whatever_the_order_of_keys() -> None:
    one = changed("accrual[2].when", {"weekday": {"in": ["mon"]}, "time": {"from": "07:00", "to": "10:00"}})
    other = changed("accrual[2].when", {"time": {"to": "10:00", "from": "07:00"}, "weekday": {"in": ["mon"]}})
    assert programme(one) == programme(other)


def test_everything_wrong_is_told_at_once_each_with_its_place() -> None:
    written = document()
    written["walet"] = []
    written["wallets"][0]["rounding"] = "flor"
    written["accrual"][2]["when"] = {"all": [{"time": {"from": "7am", "to": "10:00"}}]}
    written["accrual"][3]["wallet"] = "bean"
    del written["tiers"]["metric"]
    written["messages"]["templates"][0]["en"] = "{salutatoin}"
    found = {problem.path: (problem.message, problem.remedy) for problem in problem_list(written)}
    assert found == {
        "walet": ('unknown key "walet"', 'did you mean "wallets"?'),
        "wallets[0].rounding": ('"flor" is none of floor | half_up | ceiling', 'did you mean "floor"?'),
        "accrual[2].when.all[0].time.from": (
            '"7am" is not a time of day',
            'write it in quotes, from "00:00" to "23:59"',
        ),
        "accrual[3].wallet": ('there is no wallet "bean"', 'did you mean "beans"?'),
        "tiers.metric": ('"metric" is missing', ""),
        "messages.templates[0].en": ('there is no place "{salutatoin}"', 'did you mean "salutation"?'),
    }


def test_a_broken_wallet_does_not_make_its_name_unknown_elsewhere() -> None:
    assert problems(changed("wallets[0].rounding", "up")) == [
        'wallets[0].rounding: "up" is none of floor | half_up | ceiling'
    ]


def test_a_broken_earning_rule_does_not_leave_its_wallet_without_one() -> None:
    found = problems(changed("accrual[1].earn.points", -1))
    assert [line.split(":")[0] for line in found] == ["accrual[1].earn.points"]


@pytest.mark.parametrize("written", [None, 3, "text", [], [1], Decimal(1), True, {}])
def test_what_is_no_programme_at_all_is_a_problem(written: object) -> None:
    assert problem_list(written)


@pytest.mark.parametrize("key", ["programme", "name", "money", "time_zone", "wallets"])
def test_what_every_programme_needs_can_not_be_left_out(key: str) -> None:
    assert f'{key}: "{key}" is missing' in problems(changed(key, GONE))


@pytest.mark.parametrize("key", ["accrual", "caps", "events", "tiers", "occasions", "messages", "examples", "rewards"])
def test_the_rest_may_be_left_out_when_nothing_asks_for_it(key: str) -> None:
    bare = {name: document()[name] for name in ("programme", "name", "money", "time_zone", "wallets")}
    assert programme(bare)
    asked_for = any("there is no" in line for line in problems(changed(key, GONE)))
    assert asked_for == (key in ("accrual", "tiers", "messages", "rewards"))


def test_the_kinds_of_rules_are_told_by_what_they_give() -> None:
    read_rules = programme(document()).accrual
    assert [type(rule).__name__ for rule in read_rules] == [
        "EarnRule", "EarnRule", "MultiplyRule", "BonusRule", "ExcludeRule", "EarnRule",
    ]  # fmt: skip


def test_an_earning_rule_is_read_to_minor_units() -> None:
    base, stamp, *_, miles = (rule for rule in programme(document()).accrual if isinstance(rule, EarnRule))
    assert base.earn == PerMoney(Fraction(1), 100)
    assert stamp.earn == PerUnit(Fraction(1))
    assert miles.earn == PerFact(
        Fraction(1, 2), "distance", Fraction(500), "cabin", {"F": Fraction(3, 2), "Y": Fraction(1)}
    )


def test_the_times_of_a_rule_are_local_times_of_the_programmes_zone() -> None:
    early = programme(document()).accrual[2]
    assert early.starts_at == datetime(2026, 12, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert early.ends_at == datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_money_is_read_in_the_currencys_own_digits() -> None:
    yen = changed("money", "JPY")
    assert "accrual[0].earn.per" in problems(yen)[0]
    yen["accrual"][0]["earn"]["per"] = "100"
    yen["examples"] = []
    del yen["examples"]
    base = programme(yen).accrual[0]
    assert isinstance(base, EarnRule)
    assert base.earn == PerMoney(Fraction(1), 100)
    assert programme(yen).wallets[0].worth_minor == Fraction(1, 100)
    assert programme(document()).wallets[0].worth_minor == Fraction(1)


def test_the_design_example_is_read_as_it_is_meant(corner_coffee: Programme) -> None:
    beans, stamps = corner_coffee.wallets
    assert beans.expiry == RollingExpiry(Period(12, "months"), end_of_month=True)
    assert isinstance(beans.spending, Spending)
    assert beans.spending.share_of_purchase == Fraction(1, 2)
    assert (stamps.expiry, stamps.spending) == (None, "rewards_only")
    early = next(rule for rule in corner_coffee.accrual if rule.id == "early-coffee")
    assert isinstance(early, MultiplyRule)
    assert early.factor == 2
    assert early.priority == 20
    assert early.lines == (
        BySku(Words(frozenset({"GIFT-CARD"}), negated=True)),
        ByCategory(Words(frozenset({"coffee"}))),
    )
    assert early.when == c.All(
        (c.TimeOfDay(time(7), time(10)), c.OnWeekday(frozenset({"mon", "tue", "wed", "thu", "fri"})))
    )
    assert corner_coffee.tiers is not None
    assert corner_coffee.tiers.metric == PointsOf("beans")
    assert corner_coffee.tiers.window == RollingWindow(Period(12, "months"))
    assert [level.factor for level in corner_coffee.tiers.levels] == [1, Fraction(5, 4)]
    birthday = corner_coffee.occasions[0]
    assert birthday.on == "birthday"
    assert birthday.needs == c.All(
        (
            c.HasLevel(Words(frozenset({"green", "gold"}))),
            c.MemberFor(Period(30, "days")),
            c.PurchaseWithin(Period(365, "days")),
        )
    )
    assert birthday.give == (PointsGift(100, "beans"), RewardGift("birthday-cake"))
    assert corner_coffee.messages.at == time(10, 30)
    assert corner_coffee.messages.signature == {"zh": "【街角咖啡】"}
    assert corner_coffee.examples[0].gives == {"beans": 43, "stamps": 2}


def test_the_design_example_is_written_and_read_again_the_same(corner_coffee: Programme) -> None:
    assert read(json.loads(json.dumps(write(corner_coffee)))) == corner_coffee
