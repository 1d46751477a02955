from datetime import date, timedelta
from itertools import pairwise

import pytest

from rules.birthdays import StoredDay, falls_between, stored_days
from rules.facts import Birthday
from rules.occasions import (
    Occurrence,
    after_purchase,
    anniversaries_between,
    days_between,
    is_over,
    is_personal,
    joining_days,
    known_long_enough,
    personal_days_between,
    purchase_days,
    through,
    too_near,
    welcome_is_over,
)
from rules.periods import Period
from rules.programme import Occasion, OnDate, OnHoliday, OnLunar, OnMemberDate
from rules.special_days import countries, holiday_names, holidays_between, is_known

LEAP_DAY = Birthday(2, 29, 1996)
A_DAY = timedelta(days=1)
EVERY_STORED_DAY = [
    Birthday(month, day)
    for month, longest in enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1)
    for day in range(1, longest + 1)
] + [
    Birthday(month, day, calendar="lunar", leap_month=leap)
    for month in range(1, 13)
    for day in range(1, 31)
    for leap in (False, True)
]


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=more) for more in range((last - first).days + 1)]


# What is stored, and what falls on a day


@pytest.mark.parametrize(
    ("day", "lunar"),
    [
        # 2025 has a leap sixth month, from 25 July
        (date(2025, 6, 25), {(6, 1, False)}),
        (date(2025, 7, 25), {(6, 1, True)}),
        # 2026 has none: who was born in one has the plain month's day
        (date(2026, 7, 14), {(6, 1, False), (6, 1, True)}),
        # the leap sixth month of 2025 has 29 days, and so day 30 falls on its last
        (date(2025, 8, 22), {(6, 29, True), (6, 30, True)}),
        # the twelfth month of 2026 has 29 days, that of 2023 has 30
        (date(2027, 2, 5), {(12, 29, False), (12, 30, False), (12, 29, True), (12, 30, True)}),
        (date(2024, 2, 8), {(12, 29, False), (12, 29, True)}),
        (date(2024, 2, 9), {(12, 30, False), (12, 30, True)}),
        (date(1899, 6, 1), set()),
    ],
)
def test_the_lunar_days_that_fall_on_a_day(day: date, lunar: set[tuple[int, int, bool]]) -> None:
    found = [one for one in stored_days(day) if one.calendar == "lunar"]
    assert {(one.month, one.day, one.leap_month) for one in found} == lunar
    assert len(found) == len(lunar)


@pytest.mark.parametrize("leap_day", ["feb-28", "mar-01"])
def test_what_falls_on_a_day_is_what_is_found_for_it(leap_day: str) -> None:
    first, last = date(2023, 1, 1), date(2034, 12, 31)
    falls: dict[date, set[StoredDay]] = {day: set() for day in days(first, last)}
    for one in EVERY_STORED_DAY:
        for found in falls_between(one, first, last, leap_day):  # type: ignore[arg-type]
            falls[found.day].add(StoredDay(one.calendar, one.month, one.day, one.leap_month))
    for day, stored in falls.items():
        assert set(stored_days(day, leap_day)) == stored  # type: ignore[arg-type]


def test_every_stored_day_is_counted_once_in_each_year() -> None:
    for one in EVERY_STORED_DAY:
        found = falls_between(one, date(2020, 1, 1), date(2040, 12, 31))
        years = [fall.year for fall in found]
        assert years == list(range(years[0], years[-1] + 1)), one
        assert all((later.day - sooner.day).days > 300 for sooner, later in pairwise(found)), one
        # even a leap month keeps two of them further apart than the eleven months that a gift has to be
        assert not any(too_near(later.day, [sooner.day]) for sooner, later in pairwise(found)), one


# A member's own days


def test_a_birthday_is_counted_by_its_year_and_never_on_the_day_of_birth() -> None:
    born = Birthday(11, 22, 2024)
    found = personal_days_between(born, date(2024, 1, 1), date(2026, 12, 31))
    assert found == (Occurrence(2025, date(2025, 11, 22), 1), Occurrence(2026, date(2026, 11, 22), 2))


def test_without_a_year_nobody_knows_how_many_it_were() -> None:
    found = personal_days_between(Birthday(11, 22), date(2026, 1, 1), date(2026, 12, 31))
    assert found == (Occurrence(2026, date(2026, 11, 22)),)


@pytest.mark.parametrize(("rule", "day"), [("feb-28", date(2027, 2, 28)), ("mar-01", date(2027, 3, 1))])
def test_a_leap_day_falls_by_the_policy(rule: str, day: date) -> None:
    found = personal_days_between(LEAP_DAY, date(2027, 1, 1), date(2028, 12, 31), rule)  # type: ignore[arg-type]
    assert found == (Occurrence(2027, day, 31), Occurrence(2028, date(2028, 2, 29), 32))


def test_a_lunar_birthday_is_counted_by_the_lunar_year() -> None:
    # lunar 2025-12-20 is in February 2026, lunar 2026-12-20 in January 2027
    found = personal_days_between(Birthday(12, 20, calendar="lunar"), date(2026, 1, 1), date(2027, 12, 31))
    assert found == (Occurrence(2025, date(2026, 2, 7)), Occurrence(2026, date(2027, 1, 27)))


@pytest.mark.parametrize(
    ("joined", "first", "last", "rule", "found"),
    [
        (date(2025, 11, 22), date(2025, 11, 22), date(2026, 11, 21), "feb-28", ()),
        (date(2025, 11, 22), date(2026, 11, 22), date(2026, 11, 22), "feb-28", (Occurrence(2026, date(2026, 11, 22), 1),)),
        (date(2024, 2, 29), date(2025, 1, 1), date(2025, 12, 31), "feb-28", (Occurrence(2025, date(2025, 2, 28), 1),)),
        (date(2024, 2, 29), date(2025, 1, 1), date(2025, 12, 31), "mar-01", (Occurrence(2025, date(2025, 3, 1), 1),)),
        (date(2024, 2, 29), date(2028, 1, 1), date(2028, 12, 31), "mar-01", (Occurrence(2028, date(2028, 2, 29), 4),)),
    ],
)  # fmt: skip
def test_anniversaries(joined: date, first: date, last: date, rule: str, found: tuple[Occurrence, ...]) -> None:
    assert anniversaries_between(joined, first, last, rule) == found  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["feb-28", "mar-01"])
def test_who_joined_on_which_days_has_the_anniversary(rule: str) -> None:
    joined = [one for year in range(2020, 2025) for one in days(date(year, 2, 26), date(year, 3, 2))]
    for year in (2024, 2025):
        for day in days(date(year, 2, 26), date(year, 3, 2)):
            expected = {one for one in joined if anniversaries_between(one, day, day, rule)}  # type: ignore[arg-type]
            found = {one for one in joining_days(day, rule) if one >= joined[0]}  # type: ignore[arg-type]
            assert found == expected, day


# Days of everybody


@pytest.mark.parametrize(
    ("on", "year", "day"),
    [
        (OnLunar(7, 7), 2026, date(2026, 8, 19)),  # 七夕
        (OnLunar(7, 7), 2025, date(2025, 8, 29)),  # after a leap sixth month
        (OnLunar(12, 30), 2026, date(2027, 2, 5)),  # 除夕 on the 29th
        (OnLunar(12, 30), 2023, date(2024, 2, 9)),  # 除夕 on the 30th
        (OnLunar(12, 30), 2024, date(2025, 1, 28)),
        (OnDate(6, 18), 2026, date(2026, 6, 18)),
        (OnHoliday("CN", "Spring Festival"), 2026, date(2026, 2, 17)),
        (OnHoliday("CN", "春节"), 2027, date(2027, 2, 6)),
        (OnHoliday("CN", "chinese new year (spring festival)"), 2027, date(2027, 2, 6)),
        (OnHoliday("CN", "中秋节"), 2026, date(2026, 9, 25)),
        (OnHoliday("CN", "National Day"), 2026, date(2026, 10, 1)),
        (OnHoliday("DE", "Karfreitag"), 2026, date(2026, 4, 3)),
        (OnHoliday("US", "Thanksgiving Day"), 2026, date(2026, 11, 26)),
        # a day that stands in for a Saturday is not the holiday
        (OnHoliday("US", "Independence Day"), 2026, date(2026, 7, 4)),
    ],
)
def test_a_day_of_everybody_falls_on_its_day(on: OnHoliday | OnLunar | OnDate, year: int, day: date) -> None:
    assert days_between(on, day, day) == (Occurrence(year, day),)
    assert days_between(on, day - A_DAY, day - A_DAY) == ()
    assert days_between(on, day + A_DAY, day + A_DAY) == ()


def test_a_holiday_that_comes_twice_in_a_solar_year_is_kept_the_first_time() -> None:
    # Eid al-Fitr 2033: from 2 January, and again from 22 December
    found = holidays_between("SA", "Eid al-Fitr Holiday", date(2032, 1, 1), date(2034, 12, 31))
    assert found == (date(2032, 1, 13), date(2033, 1, 2), date(2034, 12, 11))


def test_the_names_of_a_country_are_known_in_its_own_language_and_in_english() -> None:
    assert {"Spring Festival", "春节", "中秋节", "Mid-Autumn Festival"} <= holiday_names("CN")
    assert is_known("CN", "spring  festival")
    assert not is_known("CN", "Thanksgiving Day")
    assert {"CN", "JP", "DE", "US"} <= set(countries())


def test_a_day_off_in_the_place_of_another_is_no_holiday() -> None:
    assert not [name for name in holiday_names("CN") if "substituted" in name or "observed" in name]


# After a purchase


@pytest.mark.parametrize(
    ("day", "after", "bought"),
    [
        (date(2026, 11, 29), Period(7, "days"), (date(2026, 11, 22),)),
        (date(2026, 2, 28), Period(1, "months"), tuple(date(2026, 1, day) for day in (28, 29, 30, 31))),
        (date(2026, 3, 31), Period(1, "months"), ()),
        (date(2026, 3, 28), Period(1, "months"), (date(2026, 2, 28),)),
        (date(2025, 2, 28), Period(1, "years"), (date(2024, 2, 28), date(2024, 2, 29))),
    ],
)
def test_the_days_of_purchases_that_are_so_long_ago(day: date, after: Period, bought: tuple[date, ...]) -> None:
    assert purchase_days(day, after) == bought
    assert all(after_purchase(one, after).day == day for one in bought)


def test_all_purchases_of_a_day_bring_one_occasion() -> None:
    assert after_purchase(date(2026, 11, 22), Period(7, "days")) == Occurrence(20261122, date(2026, 11, 29))


# How long


@pytest.mark.parametrize(
    ("span", "day", "last"),
    [
        ("day", date(2026, 11, 22), date(2026, 11, 22)),
        ("week", date(2026, 11, 22), date(2026, 11, 28)),
        ("month", date(2026, 11, 22), date(2026, 12, 21)),
        ("month", date(2026, 1, 31), date(2026, 2, 27)),
        ("month", date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_span_begins_with_its_day(span: str, day: date, last: date) -> None:
    assert through(span, day) == last  # type: ignore[arg-type]
    assert not is_over(span, day, last)  # type: ignore[arg-type]
    assert is_over(span, day, last + A_DAY)  # type: ignore[arg-type]


def test_who_joins_at_the_end_of_a_day_is_early_enough_on_the_next() -> None:
    joined = date(2026, 11, 22)
    assert [welcome_is_over("day", joined, joined + timedelta(days=more)) for more in (0, 1, 2)] == [False, False, True]
    assert [welcome_is_over("week", joined, joined + timedelta(days=more)) for more in (6, 7)] == [False, True]


@pytest.mark.parametrize(
    ("day", "near"),
    [
        (date(2026, 11, 22), True),
        (date(2027, 10, 21), True),
        (date(2027, 10, 22), False),
        (date(2025, 12, 23), True),
        (date(2025, 12, 22), False),
    ],
)
def test_two_gifts_are_eleven_months_apart(day: date, near: bool) -> None:
    assert too_near(day, [date(2026, 11, 22)]) is near
    assert not too_near(day, [])


def test_a_date_must_have_been_known_for_so_long() -> None:
    occasion, day = Occasion("b", "birthday", lead=Period(14, "days")), date(2026, 11, 22)
    known = [known_long_enough(occasion, date(2026, 11, set_on), day) for set_on in (7, 8, 9)]
    assert known == [True, True, False]
    assert known_long_enough(occasion, None, day)
    assert known_long_enough(Occasion("b", "birthday"), day, day)


def test_which_occasions_lie_on_a_day_of_the_members_own() -> None:
    own = ("birthday", "anniversary", OnMemberDate("wedding"))
    assert [is_personal(Occasion("o", on)) for on in own] == [True] * 3  # type: ignore[arg-type]
    others = ("enrolment", "tier_upgrade", OnDate(6, 18))
    assert [is_personal(Occasion("o", on)) for on in others] == [False] * 3  # type: ignore[arg-type]
