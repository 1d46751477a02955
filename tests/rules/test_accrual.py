from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from rules.accrual import Accrual, accrue, rounded
from rules.conditions import ByChannel
from rules.facts import Birthday, Line, MemberFacts, Tender
from rules.filters import Bounds, ByFact, BySku, ByTag
from rules.plan import Plan, make_plan
from rules.programme import (
    Basis,
    BonusRule,
    Cap,
    Earning,
    EarnRule,
    ExcludeRule,
    MultiplyRule,
    PerFact,
    PerMoney,
    PerPurchase,
    PerUnit,
    Rule,
)
from rules.trace import trace
from tests.rules.samples import (
    API_PURCHASE,
    BEANS,
    COFFEE_PLAN,
    CORNER_COFFEE,
    GOLD_MEMBER,
    LATTE,
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

HALF = Fraction(1, 2)


def earns(plan: Plan, *lines: Line, member: MemberFacts = PLAIN_MEMBER, **others: object) -> Accrual:
    return accrue(plan, purchase(*lines, **others), member, {})


def gave(accrual: Accrual) -> dict[str, Fraction]:
    """Rule to points, of the only wallet."""
    (work,) = accrual.wallets
    return {rule: Fraction(points) / work.scale for rule, points in work.gave.items()}


def earning(earn: Earning, rule_id: str = "base", **others: object) -> EarnRule:
    return EarnRule(id=rule_id, wallet="beans", earn=earn, **others)


def bonus(points: int, rule_id: str = "bonus", **others: object) -> BonusRule:
    return BonusRule(id=rule_id, wallet="beans", points=points, **others)


def times(factor: Fraction | int, rule_id: str = "times", **others: object) -> MultiplyRule:
    return MultiplyRule(id=rule_id, wallet="beans", factor=Fraction(factor), **others)


def cap(points: int, *rules: str, cap_id: str = "cap") -> Cap:
    return Cap(cap_id, "beans", frozenset(rules), "day", points)


class TestTheExamples:
    def test_a_gold_members_sunday_latte_gives_43_beans_and_2_stamps(self) -> None:
        latte = purchase(line("1", 3500, 2, sku="LATTE-L", category="coffee"))
        assert accrue(COFFEE_PLAN, latte, GOLD_MEMBER, {}).points == {"beans": 43, "stamps": 2}

    def test_the_purchase_of_the_api_gives_the_answer_of_the_api(self) -> None:
        accrual = accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {})
        assert accrual.points == {"beans": 43, "stamps": 2}
        assert accrual.cap_use == {"beans-a-day": 44}
        assert accrual.decisions.failed == {
            "early-coffee": "from",
            "big-beans": "lines",
            "first-visit": "when",
            "birthday-month": "when",
        }

    def test_the_trace_of_the_api_shows_35_and_35_quarters(self) -> None:
        steps = trace(COFFEE_PLAN, API_PURCHASE, accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}))
        told = {step.id: (str(step.points), step.lines, step.failed) for step in steps}
        assert told["base"] == ("35", ("1",), None)
        assert told["gold"] == ("35/4", (), None)
        assert told["early-coffee"] == ("0", (), "from")
        assert told["stamp"] == ("2", ("1",), None)
        assert told["beans"] == ("-3/4", (), None)

    def test_an_early_birthday_coffee_in_december_multiplies_twice(self) -> None:
        member = replace(PLAIN_MEMBER, birthday=Birthday(12, 24), purchases_before=0)
        tuesday = replace(API_PURCHASE, occurred_at=datetime(2026, 12, 1, 7, 0, tzinfo=SHANGHAI))
        # 35, ×2 twice adds 35 + 35, and 200 for the first visit
        assert accrue(COFFEE_PLAN, tuesday, member, {}).points == {"beans": 305, "stamps": 2}


class TestEarning:
    @pytest.mark.parametrize(
        ("earn", "points"),
        [
            (PerMoney(Fraction(1), 100), Fraction(3999 + 1999, 100)),
            (PerMoney(Fraction(3), 250), Fraction(3 * 5998, 250)),
            (PerMoney(Fraction(500), 2000, whole=True), 1000),  # 59.98 holds two whole 20.00
            (PerMoney(Fraction(1), 5998, whole=True), 1),
            (PerMoney(Fraction(1), 5999, whole=True), 0),
            (PerUnit(HALF), Fraction(7, 2)),
            (PerUnit(HALF, paid=True), Fraction(5, 2)),  # the free line's two units don't count
            (PerPurchase(Fraction(7)), 7),
        ],
    )
    def test_each_way_of_earning(self, earn: Earning, points: Fraction) -> None:
        lines = (line("1", 3999, 2), line("2", 1999, 3), line("3", 0, 2))
        assert gave(earns(plan_of(earning(earn)), *lines)) == {"base": points}

    def test_a_purchase_earns_once_if_the_rule_sees_a_line_and_else_not(self) -> None:
        plan = plan_of(earning(PerPurchase(Fraction(7)), lines=of_category("coffee")))
        assert earns(plan, line("1", category="coffee"), line("2", category="coffee")).points == {"beans": 7}
        assert earns(plan, line("1", category="tea")).points == {}
        assert earns(plan, line("1", category="tea")).decisions.failed == {"base": "lines"}

    @pytest.mark.parametrize(
        ("facts", "points"),
        [
            ({"distance": 499, "class": "Y"}, 500),
            ({"distance": 500, "class": "Y"}, 500),
            ({"distance": 501, "class": "Y"}, 501),
            ({"distance": 1000, "class": "F"}, 1500),
            ({"distance": 1001, "class": "K"}, Fraction(1001, 4)),
            ({"distance": 1000, "class": "Z"}, 0),
            ({"distance": 1000}, 0),
            ({"class": "F"}, 0),
            ({"distance": "far", "class": "F"}, 0),
            ({"distance": Fraction(1001, 2), "class": "Y"}, Fraction(1001, 2)),
        ],
    )
    def test_a_named_number_with_a_minimum_and_a_table(self, facts: dict[str, object], points: Fraction) -> None:
        table = {"F": Fraction(3, 2), "Y": Fraction(1), "K": Fraction(1, 4)}
        plan = plan_of(earning(PerFact(Fraction(1), "distance", Fraction(500), "class", table)))
        assert gave(earns(plan, line("1", facts=facts))) == {"base": points}

    def test_a_named_number_without_a_table(self) -> None:
        plan = plan_of(earning(PerFact(Fraction(2), "distance")))
        assert gave(earns(plan, line("1", facts={"distance": 7}), line("2"))) == {"base": 14}

    @pytest.mark.parametrize(
        ("amount", "quantity", "points"),
        [(0, 0, {}), (1, 0, {"beans": 12}), (0, 1, {"beans": 12}), (1, 1, {"beans": 12})],
    )
    def test_a_line_without_a_unit_and_without_money_is_seen_by_no_rule(
        self, amount: int, quantity: int, points: dict[str, int]
    ) -> None:
        plan = plan_of(earning(PerPurchase(Fraction(7))), bonus(5, "hello"))
        only = earns(plan, line("1", amount, quantity))
        assert only.points == points
        assert only.decisions.failed == ({} if points else {"base": "lines", "hello": "lines"})
        assert earns(plan, line("1", amount, quantity), line("2")).points == {"beans": 12}

    def test_a_rule_counts_only_the_lines_that_it_sees(self) -> None:
        plan = plan_of(a_point_a_yuan(lines=of_category("coffee")))
        assert earns(plan, line("1", 1000, category="coffee/hot"), line("2", 500)).points == {"beans": 10}

    def test_a_rule_may_ask_for_a_fact_of_the_line(self) -> None:
        plan = plan_of(a_point_a_yuan(lines=(ByFact("distance", Bounds(5, None)),)))
        near, far = line("1", 1000, facts={"distance": 4}), line("2", 500, facts={"distance": 5})
        assert earns(plan, near, far).points == {"beans": 5}
        assert earns(plan, replace(near, facts={"distance": 9}), far).points == {"beans": 15}

    def test_paid_units_are_those_that_cost_something_after_excluded_tenders(self) -> None:
        wallet = replace(BEANS, basis=Basis(tenders_excluded=frozenset({"points"})))
        plan = plan_of(earning(PerUnit(Fraction(1), paid=True)), wallet=wallet)
        assert earns(plan, line("1", 1000, 2), tenders=(Tender("points", 1000),)).points == {}
        assert earns(plan, line("1", 1000, 2), tenders=(Tender("points", 999),)).points == {"beans": 2}


class TestExclude:
    def test_an_excluded_line_counts_for_no_rule(self) -> None:
        plan = plan_of(
            a_point_a_yuan(),
            bonus(5, lines=(ByTag(words("clearance")),)),
            ExcludeRule(id="no-clearance", lines=(ByTag(words("clearance")),)),
        )
        bought = (line("1", 1000), line("2", 700, tags=frozenset({"clearance"})))
        accrual = earns(plan, *bought)
        assert accrual.points == {"beans": 10}
        assert accrual.decisions.failed == {"bonus": "lines"}
        steps = {step.id: step for step in trace(plan, purchase(*bought), accrual)}
        assert (steps["base"].lines, steps["no-clearance"].lines) == (("1",), ("2",))

    def test_an_exclude_rule_that_does_not_apply_takes_nothing_out(self) -> None:
        plan = plan_of(
            a_point_a_yuan(),
            ExcludeRule(id="not-on-the-web", lines=(BySku(words("SKU")),), when=ByChannel(words("web"))),
        )
        assert earns(plan, line("1", 1000), channel="store").points == {"beans": 10}
        assert earns(plan, line("1", 1000), channel="web").points == {}


class TestMultipliersAndBonuses:
    def test_several_multipliers_add_up(self) -> None:
        accrual = earns(plan_of(a_point_a_yuan(), times(2, "double"), times(3, "triple")), line("1", 1000))
        assert gave(accrual) == {"base": 10, "double": 10, "triple": 20}
        assert accrual.points == {"beans": 40}

    def test_a_multiplier_multiplies_what_all_earning_rules_gave_on_the_lines_that_it_sees(
        self,
    ) -> None:
        plan = plan_of(
            a_point_a_yuan(),
            earning(PerUnit(Fraction(3)), "units", lines=of_category("tea", "coffee")),
            bonus(100),
            times(Fraction(3, 2), lines=of_category("coffee")),
        )
        accrual = earns(plan, line("1", 1000, 2, category="coffee"), line("2", 500, 4, category="tea"))
        assert gave(accrual) == {
            "base": 15,
            "units": 18,
            "bonus": 100,
            "times": Fraction(10 + 6, 2),
        }

    def test_whole_amounts_belong_to_their_lines_in_proportion_to_money(self) -> None:
        plan = plan_of(
            earning(PerMoney(Fraction(100), 2000, whole=True)),
            times(2, lines=of_category("coffee")),
        )
        accrual = earns(plan, line("1", 3000, category="coffee"), line("2", 1500))
        assert gave(accrual) == {"base": 200, "times": Fraction(200 * 3000, 4500)}

    def test_points_for_a_purchase_without_money_belong_to_its_lines_equally(self) -> None:
        plan = plan_of(earning(PerPurchase(Fraction(10))), times(2, lines=of_category("coffee")))
        accrual = earns(plan, line("1", 0, category="coffee"), line("2", 0), line("3", 0))
        assert gave(accrual) == {"base": 10, "times": Fraction(10, 3)}

    def test_a_multiplier_with_nothing_to_multiply_gives_nothing(self) -> None:
        accrual = earns(plan_of(a_point_a_yuan(), times(2)), line("1", 0))
        assert gave(accrual) == {"base": 0, "times": 0}


class TestExclusiveGroups:
    def test_only_the_highest_priority_of_those_that_apply_counts(self) -> None:
        rules = (
            bonus(1, "low", exclusive="g", priority=1),
            bonus(2, "high", exclusive="g", priority=2),
            bonus(3, "highest", exclusive="g", priority=3, when=ByChannel(words("web"))),
        )
        at_till, on_web = (earns(plan_of(*rules), line("1"), channel=channel) for channel in ("store", "web"))
        assert (gave(at_till), gave(on_web)) == ({"high": 2}, {"highest": 3})
        assert at_till.decisions.failed == {"highest": "when", "low": "exclusive:high"}

    def test_a_rule_that_sees_no_line_does_not_apply(self) -> None:
        unseen = bonus(9, "unseen", exclusive="g", priority=9, lines=of_category("tea"))
        accrual = earns(plan_of(unseen, bonus(1, "seen", exclusive="g")), line("1"))
        assert gave(accrual) == {"seen": 1}
        assert accrual.decisions.failed == {"unseen": "lines"}

    def test_a_tie_goes_to_the_one_that_gives_more(self) -> None:
        rules = (a_point_a_yuan(), times(2, "b", exclusive="g"), bonus(10, "a", exclusive="g"))
        assert gave(earns(plan_of(*rules), line("1", 1100))) == {"base": 11, "b": 11}
        assert gave(earns(plan_of(*rules), line("1", 900))) == {"base": 9, "a": 10}

    def test_a_tie_of_equals_goes_to_the_lower_id(self) -> None:
        rules = (a_point_a_yuan(), times(2, "b", exclusive="g"), bonus(10, "a", exclusive="g"))
        assert gave(earns(plan_of(*rules), line("1", 1000))) == {"base": 10, "a": 10}

    def test_an_earning_rule_that_lost_is_not_multiplied(self) -> None:
        plan = plan_of(
            a_point_a_yuan("one", exclusive="g"),
            earning(PerMoney(Fraction(3), 100), "three", exclusive="g"),
            times(2, lines=of_category("coffee")),
        )
        assert gave(earns(plan, line("1", 1000, category="coffee"))) == {"three": 30, "times": 30}

    def test_groups_judge_the_whole_purchase_each_by_itself(self) -> None:
        plan = plan_of(
            bonus(1, "a1", exclusive="a"),
            bonus(2, "a2", exclusive="a"),
            bonus(3, "b1", exclusive="b"),
            bonus(4, "free"),
        )
        assert gave(earns(plan, line("1"))) == {"a2": 2, "b1": 3, "free": 4}


class TestTheLevel:
    def test_its_multiplier_works_on_earning_rules_not_on_multipliers_or_bonuses(self) -> None:
        plan = plan_of(a_point_a_yuan(), times(3), bonus(100))
        (work,) = earns(plan, line("1", 1000), member=GOLD_MEMBER).wallets
        assert Fraction(work.level_gave) / work.scale == Fraction(10, 4)
        assert work.points == 10 + 20 + 100 + 2

    def test_a_level_without_a_multiplier_or_of_another_wallet_gives_nothing(self) -> None:
        for level in ("green", "gone", None):
            assert earns(
                plan_of(a_point_a_yuan()), line("1", 1000), member=replace(GOLD_MEMBER, level=level)
            ).points == {"beans": 10}
        stamps = [
            work for work in accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}).wallets if work.wallet == "stamps"
        ]
        assert stamps[0].level_gave == 0


class TestCaps:
    @pytest.mark.parametrize(("most", "points", "used"), [(9, 9, 9), (10, 10, 10), (11, 10, 10)])
    def test_below_at_and_above_a_cap(self, most: int, points: int, used: int) -> None:
        accrual = earns(plan_of(a_point_a_yuan(), caps=(cap(most, "base"),)), line("1", 1000))
        assert (accrual.points, accrual.cap_use) == ({"beans": points}, {"cap": used})

    @pytest.mark.parametrize(("room", "points"), [(9, 9), (10, 10), (11, 10), (1000, 10), (0, 0), (-3, 0)])
    def test_what_the_period_has_left_is_the_cap(self, room: int, points: int) -> None:
        plan = plan_of(a_point_a_yuan(), caps=(cap(500, "base"),))
        accrual = accrue(plan, purchase(line("1", 1000)), PLAIN_MEMBER, {"cap": room, "other": 1})
        assert accrual.points.get("beans", 0) == points
        assert accrual.decisions.cap_room == {"cap": room}

    def test_room_above_the_caps_own_points_is_never_used(self) -> None:
        plan = plan_of(a_point_a_yuan(), caps=(cap(5, "base"),))
        assert accrue(plan, purchase(line("1", 1000)), PLAIN_MEMBER, {"cap": 500}).points == {"beans": 5}

    def test_a_cap_scales_its_rules_and_the_levels_extra_on_them_by_one_factor(self) -> None:
        plan = plan_of(a_point_a_yuan(), bonus(50), times(2), caps=(cap(18, "base", "times"),))
        (work,) = earns(plan, line("1", 1600), member=GOLD_MEMBER).wallets
        # 16 and its extra 4 and 16 more are 36: half of all of it stays
        assert Fraction(work.cuts["cap"]) / work.scale == 18
        assert work.points == 50 + 18

    def test_use_is_counted_in_whole_points_rounded_up(self) -> None:
        plan = plan_of(a_point_a_yuan(), caps=(cap(100, "base"),))
        accrual = earns(plan, line("1", 1001))
        assert (accrual.points, accrual.cap_use) == ({"beans": 10}, {"cap": 11})

    def test_a_cap_takes_also_less_than_a_point(self) -> None:
        plan = plan_of(
            a_point_a_yuan(),
            wallet=replace(BEANS, rounding="ceiling"),
            caps=(cap(10, "base"),),
        )
        accrual = earns(plan, line("1", 1001))
        assert (accrual.points, accrual.cap_use) == ({"beans": 10}, {"cap": 10})

    def test_caps_apply_in_the_order_of_their_ids(self) -> None:
        # a takes base from 10 to 4; b then sees 4 + 10 and leaves 7 of it, 2 of base
        rules = (a_point_a_yuan(), bonus(10))
        caps = (cap(7, "base", "bonus", cap_id="b"), cap(4, "base", cap_id="a"))
        accrual = earns(plan_of(*rules, caps=caps), line("1", 1000))
        assert (accrual.points, accrual.cap_use) == ({"beans": 7}, {"a": 2, "b": 7})
        # the other way round b leaves 3 1/2 of 20, and a has room for all of base's 3 1/2
        caps = (cap(7, "base", "bonus", cap_id="a"), cap(4, "base", cap_id="b"))
        accrual = earns(plan_of(*rules, caps=caps), line("1", 1000))
        assert (accrual.points, accrual.cap_use) == ({"beans": 7}, {"a": 7, "b": 4})

    def test_a_cap_of_a_rule_that_gave_nothing_has_no_use(self) -> None:
        plan = plan_of(a_point_a_yuan(), bonus(10, when=ByChannel(words("web"))), caps=(cap(5, "bonus"),))
        assert earns(plan, line("1", 1000)).cap_use == {}


class TestRounding:
    @pytest.mark.parametrize(
        ("rounding", "points"),
        [
            ("floor", [0, 0, 0, 0, 1, 1]),
            ("half_up", [0, 0, 1, 1, 1, 1]),
            ("ceiling", [0, 1, 1, 1, 1, 2]),
        ],
    )
    def test_each_way_at_the_half_and_next_to_it(self, rounding: str, points: list[int]) -> None:
        fen = [0, 49, 50, 51, 100, 101]
        assert [rounded(total, 100, rounding) for total in fen] == points
        assert [rounded(Fraction(total), 100, rounding) for total in fen] == points

    @pytest.mark.parametrize(("rounding", "points"), [("floor", 1), ("half_up", 2), ("ceiling", 2)])
    def test_it_happens_once_a_purchase_and_wallet_never_per_line(self, rounding: str, points: int) -> None:
        plan = plan_of(a_point_a_yuan(), wallet=replace(BEANS, rounding=rounding))
        assert earns(plan, line("1", 50), line("2", 50), line("3", 50)).points == {"beans": points}


class TestTimes:
    @pytest.mark.parametrize(
        ("moment", "failed"),
        [
            (SUNDAY - timedelta(microseconds=1), "from"),
            (SUNDAY, None),
            (SUNDAY + timedelta(hours=1, microseconds=-1), None),
            (SUNDAY + timedelta(hours=1), "to"),
        ],
    )
    def test_a_rule_begins_at_its_start_and_is_over_at_its_end(self, moment: datetime, failed: str | None) -> None:
        plan = plan_of(a_point_a_yuan(starts_at=SUNDAY, ends_at=SUNDAY + timedelta(hours=1)))
        accrual = earns(plan, line("1", 1000), at=moment)
        assert accrual.decisions.failed.get("base") == failed
        assert accrual.points == ({} if failed else {"beans": 10})


def test_what_a_product_passes_is_remembered_and_stays_right() -> None:
    other = replace(LATTE, category="tea")
    for _ in range(2):
        assert accrue(COFFEE_PLAN, replace(API_PURCHASE, lines=(other,)), GOLD_MEMBER, {}).points == {"beans": 43}
        assert accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {}).points == {
            "beans": 43,
            "stamps": 2,
        }


def test_the_decisions_name_version_level_and_room() -> None:
    decisions = accrue(COFFEE_PLAN, API_PURCHASE, GOLD_MEMBER, {"beans-a-day": 70}).decisions
    assert (decisions.version, decisions.level, decisions.cap_room) == (
        7,
        "gold",
        {"beans-a-day": 70},
    )


@pytest.mark.parametrize("rule", CORNER_COFFEE.accrual, ids=lambda rule: rule.id)
def test_a_programme_of_one_rule_can_be_planned(rule: Rule) -> None:
    plan = make_plan(replace(CORNER_COFFEE, accrual=(rule,)))
    accrue(plan, API_PURCHASE, GOLD_MEMBER, {})
