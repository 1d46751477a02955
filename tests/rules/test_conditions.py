from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from rules.basket import goods_only
from rules.conditions import (
    Age,
    All,
    AnyOf,
    AtStore,
    AtStoreGroup,
    BirthdayIs,
    ByChannel,
    Condition,
    DateBetween,
    DayOfMonth,
    DaysSincePurchase,
    HasAttribute,
    HasLevel,
    InSegment,
    MemberFor,
    Not,
    OnWeekday,
    PaidBy,
    PurchasesBefore,
    PurchaseWithin,
    Spent,
    TimeOfDay,
    Units,
    WithCoupon,
    line_filters,
    part_at,
)
from rules.eligible import net_amounts
from rules.facts import Birthday, MemberFacts, Purchase, Tender
from rules.filters import NO_LISTS, Bounds
from rules.judging import Situation, condition_tests, first_failure, local_time
from rules.periods import Period
from rules.views import Views, by_views
from tests.rules.samples import SHANGHAI, SUNDAY, line, of_category, purchase, words

TODAY = SUNDAY.date()
MEMBER = MemberFacts(joined_on=date(2025, 1, 1))
BOUGHT = purchase(line("1", 3000, 2, category="wine"), line("2", 1000, 3))
YES, NO = All((ByChannel(words("web", negated=True)),)), ByChannel(words("web"))


def holds(condition: Condition, bought: Purchase = BOUGHT, member: MemberFacts = MEMBER) -> bool:
    return failure(condition, bought, member) is None


def failure(condition: Condition, bought: Purchase = BOUGHT, member: MemberFacts = MEMBER) -> str | None:
    views = Views(line_filters(condition), NO_LISTS)
    local, passed = local_time(bought.occurred_at, SHANGHAI), views.through(bought.lines)
    spent = by_views(goods_only(bought, passed), net_amounts(bought))
    situation = Situation(bought, member, local, passed, spent)
    return first_failure(condition_tests(condition, views), situation)


def at(moment: datetime) -> Purchase:
    return replace(BOUGHT, occurred_at=moment)


def on(day: date) -> Purchase:
    return at(datetime.combine(day, time(12), SHANGHAI))


@pytest.mark.parametrize(
    ("bounds", "held"),
    [
        (Bounds(3999, None), True),
        (Bounds(4000, None), True),
        (Bounds(4001, None), False),
        (Bounds(None, 3999), False),
        (Bounds(None, 4000), True),
        (Bounds(None, 4001), True),
    ],
)
def test_spent_below_at_and_above_its_bounds(bounds: Bounds, held: bool) -> None:
    assert holds(Spent(bounds)) is held


def test_spent_on_some_lines_counts_only_those_less_their_share_of_the_order_discount() -> None:
    wine = of_category("wine")
    assert holds(Spent(Bounds(3000, 3000), wine))
    assert holds(Spent(Bounds(2700, 2700), wine), replace(BOUGHT, order_discount_minor=400))
    assert holds(Spent(Bounds(3600, 3600)), replace(BOUGHT, order_discount_minor=400))


@pytest.mark.parametrize(("least", "held"), [(4, True), (5, True), (6, False)])
def test_units_below_at_and_above(least: int, held: bool) -> None:
    assert holds(Units(Bounds(least, None))) is held


def test_units_of_some_lines() -> None:
    assert holds(Units(Bounds(2, 2), of_category("wine")))


MORNING = TimeOfDay(time(7), time(10))
NIGHT = TimeOfDay(time(22), time(2))


@pytest.mark.parametrize(
    ("condition", "clock", "held"),
    [
        (MORNING, time(6, 59, 59, 999999), False),
        (MORNING, time(7), True),
        (MORNING, time(9, 59, 59, 999999), True),
        (MORNING, time(10), False),
        (NIGHT, time(21, 59, 59), False),
        (NIGHT, time(22), True),
        (NIGHT, time(0), True),
        (NIGHT, time(1, 59, 59), True),
        (NIGHT, time(2), False),
    ],
)
def test_the_time_of_day_the_moment_before_on_and_after(condition: Condition, clock: time, held: bool) -> None:
    assert holds(condition, at(datetime.combine(TODAY, clock, SHANGHAI))) is held


def test_time_and_weekday_are_those_of_the_programmes_zone() -> None:
    utc = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # Monday 07:30 in Shanghai
    assert holds(MORNING, at(utc))
    assert holds(OnWeekday(frozenset({"mon"})), at(utc))


@pytest.mark.parametrize(("day", "held"), [(21, False), (22, True), (23, False)])
def test_a_weekday_the_day_before_on_and_after(day: int, held: bool) -> None:
    assert holds(OnWeekday(frozenset({"sun"})), on(date(2026, 11, day))) is held


@pytest.mark.parametrize(
    ("days", "day", "held"),
    [
        ({15}, date(2026, 11, 14), False),
        ({15}, date(2026, 11, 15), True),
        ({15}, date(2026, 11, 16), False),
        ({"last"}, date(2026, 11, 29), False),
        ({"last"}, date(2026, 11, 30), True),
        ({"last"}, date(2026, 12, 1), False),
        ({"last"}, date(2026, 2, 28), True),
        ({"last"}, date(2028, 2, 28), False),
        ({"last"}, date(2028, 2, 29), True),
        ({31, "last"}, date(2026, 4, 30), True),
        ({31}, date(2026, 4, 30), False),
    ],
)
def test_days_of_the_month(days: set[int | str], day: date, held: bool) -> None:
    assert holds(DayOfMonth(frozenset(days)), on(day)) is held


@pytest.mark.parametrize(("day", "held"), [(9, False), (10, True), (19, True), (20, False)])
def test_a_span_of_dates_holds_from_its_first_day_and_ends_before_its_end(day: int, held: bool) -> None:
    span = DateBetween(date(2026, 11, 10), date(2026, 11, 20))
    assert holds(span, on(date(2026, 11, day))) is held


def test_an_open_span_of_dates_has_no_end() -> None:
    assert holds(DateBetween(None, date(2026, 11, 20)), on(date(1990, 1, 1)))
    assert holds(DateBetween(date(2026, 11, 10), None), on(date(2090, 1, 1)))


@pytest.mark.parametrize(
    ("condition", "bought", "held"),
    [
        (AtStore(words("s1")), replace(BOUGHT, store="s1"), True),
        (AtStore(words("s1")), replace(BOUGHT, store="s2"), False),
        (AtStore(words("s1")), BOUGHT, False),
        (AtStore(words("s1", negated=True)), replace(BOUGHT, store="s1"), False),
        (AtStore(words("s1", negated=True)), BOUGHT, True),
        (
            AtStoreGroup(words("east", "west")),
            replace(BOUGHT, store_groups=frozenset({"west", "big"})),
            True,
        ),
        (AtStoreGroup(words("east")), replace(BOUGHT, store_groups=frozenset({"west"})), False),
        (
            AtStoreGroup(words("east", negated=True)),
            replace(BOUGHT, store_groups=frozenset({"east", "big"})),
            False,
        ),
        (AtStoreGroup(words("east", negated=True)), BOUGHT, True),
        (ByChannel(words("web")), replace(BOUGHT, channel="web"), True),
        (ByChannel(words("web")), replace(BOUGHT, channel="store"), False),
        (ByChannel(words("web", negated=True)), replace(BOUGHT, channel="store"), True),
        (
            PaidBy(words("card")),
            replace(BOUGHT, tenders=(Tender("cash", 1), Tender("card", 1))),
            True,
        ),
        (PaidBy(words("card")), replace(BOUGHT, tenders=(Tender("cash", 1),)), False),
        (
            PaidBy(words("card", negated=True)),
            replace(BOUGHT, tenders=(Tender("cash", 1), Tender("card", 1))),
            False,
        ),
        (PaidBy(words("card", negated=True)), BOUGHT, True),
        (WithCoupon(words("A", "B")), replace(BOUGHT, coupon_codes=frozenset({"B", "C"})), True),
        (WithCoupon(words("A")), replace(BOUGHT, coupon_codes=frozenset({"C"})), False),
        (WithCoupon(words("A", negated=True)), BOUGHT, True),
    ],
)
def test_conditions_of_the_purchase_by_words(condition: Condition, bought: Purchase, held: bool) -> None:
    assert holds(condition, bought) is held


@pytest.mark.parametrize(
    ("condition", "member", "held"),
    [
        (HasLevel(words("gold")), replace(MEMBER, level="gold"), True),
        (HasLevel(words("gold")), replace(MEMBER, level="green"), False),
        (HasLevel(words("gold")), MEMBER, False),
        (HasLevel(words("gold", negated=True)), MEMBER, True),
        (InSegment(words("vip", "staff")), replace(MEMBER, segments=frozenset({"vip"})), True),
        (InSegment(words("vip")), MEMBER, False),
        (
            InSegment(words("vip", negated=True)),
            replace(MEMBER, segments=frozenset({"vip", "x"})),
            False,
        ),
        (
            HasAttribute("city", words("Shanghai")),
            replace(MEMBER, attributes={"city": "Shanghai"}),
            True,
        ),
        (
            HasAttribute("city", words("Shanghai")),
            replace(MEMBER, attributes={"home": "Shanghai"}),
            False,
        ),
        (HasAttribute("city", words("Shanghai", negated=True)), MEMBER, True),
    ],
)
def test_conditions_of_the_member_by_words(condition: Condition, member: MemberFacts, held: bool) -> None:
    assert holds(condition, member=member) is held


@pytest.mark.parametrize(("day", "held"), [(27, False), (28, True), (29, True)])
def test_member_for_a_month_from_31_january(day: int, held: bool) -> None:
    member = replace(MEMBER, joined_on=date(2026, 1, 31))
    condition = MemberFor(Period(1, "months"))
    assert holds(condition, on(date(2026, 2, 1) + timedelta(days=day - 1)), member) is held


@pytest.mark.parametrize(("day", "held"), [(21, False), (22, True), (23, True)])
def test_age_the_day_before_on_and_after_the_birthday(day: int, held: bool) -> None:
    member = replace(MEMBER, birthday=Birthday(11, 22, 2008))
    assert holds(Age(Bounds(18, None)), on(date(2026, 11, day)), member) is held


def test_age_fails_both_ways_where_it_is_not_known() -> None:
    for birthday in (None, Birthday(11, 22)):
        assert not holds(Age(Bounds(0, None)), member=replace(MEMBER, birthday=birthday))
        assert not holds(Age(Bounds(None, 200)), member=replace(MEMBER, birthday=birthday))


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ("day", date(2026, 11, 18), date(2026, 11, 18)),
        ("week", date(2026, 11, 16), date(2026, 11, 22)),
        ("month", date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_a_birthdays_day_week_and_month(span: str, first: date, last: date) -> None:
    member = replace(MEMBER, birthday=Birthday(11, 18))
    one = timedelta(days=1)
    held = [holds(BirthdayIs(span), on(day), member) for day in (first - one, first, last, last + one)]
    assert held == [False, True, True, False]


def test_no_birthday_is_no_day_of_the_year() -> None:
    assert not holds(BirthdayIs("month"))


@pytest.mark.parametrize(("locked_until", "held"), [(21, True), (22, True), (23, False)])
def test_a_changed_birthday_counts_again_on_the_day_its_lock_ends(locked_until: int, held: bool) -> None:
    member = replace(MEMBER, birthday=Birthday(11, 22), birthday_locked_until=date(2026, 11, locked_until))
    assert holds(BirthdayIs("day"), on(date(2026, 11, 22)), member) is held


@pytest.mark.parametrize(("before", "held"), [(0, False), (1, True), (2, False)])
def test_purchases_before(before: int, held: bool) -> None:
    assert holds(PurchasesBefore(Bounds(1, 1)), member=replace(MEMBER, purchases_before=before)) is held


@pytest.mark.parametrize(("days_ago", "held"), [(29, False), (30, True), (31, True)])
def test_days_since_the_last_purchase(days_ago: int, held: bool) -> None:
    member = replace(MEMBER, last_purchase_on=TODAY - timedelta(days=days_ago))
    assert holds(DaysSincePurchase(Bounds(30, None)), member=member) is held


@pytest.mark.parametrize(("days_ago", "held"), [(-1, False), (0, True), (7, True), (8, False)])
def test_days_since_a_purchase_that_came_later_are_none(days_ago: int, held: bool) -> None:
    member = replace(MEMBER, last_purchase_on=TODAY - timedelta(days=days_ago))
    assert holds(DaysSincePurchase(Bounds(None, 7)), member=member) is held


@pytest.mark.parametrize(("days_ago", "held"), [(29, True), (30, True), (31, False)])
def test_a_purchase_within_a_period(days_ago: int, held: bool) -> None:
    member = replace(MEMBER, last_purchase_on=TODAY - timedelta(days=days_ago))
    assert holds(PurchaseWithin(Period(30, "days")), member=member) is held


def test_without_an_earlier_purchase_neither_days_since_nor_within_holds() -> None:
    assert not holds(DaysSincePurchase(Bounds(0, None)))
    assert not holds(DaysSincePurchase(Bounds(None, 1000)))
    assert not holds(PurchaseWithin(Period(1000, "days")))


@pytest.mark.parametrize(
    ("condition", "failed"),
    [
        (YES, None),
        (NO, "when"),
        (All((YES, NO, NO)), "when.all[1]"),
        (All((YES, All((YES, YES, NO)))), "when.all[1].all[2]"),
        (AnyOf((NO, YES)), None),
        (AnyOf((NO, NO)), "when.any"),
        (Not(NO), None),
        (Not(YES), "when.not"),
        (All((YES, AnyOf((NO, NO)))), "when.all[1].any"),
        (All((Not(YES),)), "when.all[0].not"),
        (Not(All((YES, NO))), None),
        (All(()), None),
        (AnyOf(()), "when.any"),
    ],
)
def test_the_first_failure_is_named_by_its_path(condition: Condition, failed: str | None) -> None:
    assert failure(condition) == failed


def test_a_path_leads_back_to_the_part_that_failed() -> None:
    either, neither = AnyOf((NO, NO)), Not(YES)
    condition = All((YES, All((YES, NO)), either, neither))
    assert part_at(condition, "when.all[1].all[1]") is NO
    assert part_at(condition, "when.all[2].any") is either
    assert part_at(condition, "when.all[3].not") is neither
    assert part_at(NO, "when") is NO
