from datetime import date

import pytest

from rules.birthdays import age_on, birthday_near, birthdays_in
from rules.facts import Birthday

LEAP_DAY = Birthday(2, 29, 1996)


def lunar(month: int, day: int, leap: bool = False) -> Birthday:
    return Birthday(month, day, calendar="lunar", leap_month=leap)


def test_a_solar_birthday_falls_on_its_day() -> None:
    assert birthdays_in(Birthday(11, 22), 2026) == (date(2026, 11, 22),)


@pytest.mark.parametrize(
    ("year", "rule", "day"),
    [
        (2027, "feb-28", date(2027, 2, 28)),
        (2027, "mar-01", date(2027, 3, 1)),
        (2028, "feb-28", date(2028, 2, 29)),
        (2028, "mar-01", date(2028, 2, 29)),
        (2100, "feb-28", date(2100, 2, 28)),
    ],
)
def test_a_leap_day_has_a_day_in_every_year(year: int, rule: str, day: date) -> None:
    assert birthdays_in(LEAP_DAY, year, rule) == (day,)


@pytest.mark.parametrize(
    ("month", "day", "year", "solar"),
    [
        (1, 1, 2026, date(2026, 2, 17)),  # Spring Festival
        (1, 1, 2025, date(2025, 1, 29)),
        (5, 5, 2026, date(2026, 6, 19)),  # Dragon Boat
        (7, 7, 2026, date(2026, 8, 19)),  # Qixi
        (8, 15, 2026, date(2026, 9, 25)),  # Mid-Autumn
        (8, 15, 2025, date(2025, 10, 6)),
    ],
)
def test_a_lunar_birthday_falls_on_the_day_of_the_festival(month: int, day: int, year: int, solar: date) -> None:
    assert birthdays_in(lunar(month, day), year) == (solar,)


def test_a_leap_month_birthday_falls_in_the_plain_month_when_the_year_has_none() -> None:
    # 2025 has a leap sixth month, which begins on 25 July; 2026 has no leap month
    assert birthdays_in(lunar(6, 1, leap=True), 2025) == (date(2025, 7, 25),)
    assert birthdays_in(lunar(6, 1), 2025) == (date(2025, 6, 25),)
    assert birthdays_in(lunar(6, 1, leap=True), 2026) == birthdays_in(lunar(6, 1), 2026)


def test_a_birthday_in_another_leap_month_falls_in_the_plain_month() -> None:
    assert birthdays_in(lunar(4, 8, leap=True), 2025) == birthdays_in(lunar(4, 8), 2025)


def test_day_30_falls_on_day_29_when_the_month_is_short() -> None:
    # the twelfth month of the lunar year 2024 has 29 days, that of 2023 has 30
    assert birthdays_in(lunar(12, 30), 2025) == (date(2025, 1, 28),)
    assert birthdays_in(lunar(12, 30), 2024) == (date(2024, 2, 9),)


def test_a_solar_year_can_hold_two_lunar_birthdays_or_none() -> None:
    late = lunar(11, 25)
    counts = {year: len(birthdays_in(late, year)) for year in range(2000, 2060)}
    assert set(counts.values()) == {0, 1, 2}
    assert sum(counts.values()) == pytest.approx(60, abs=1)


def test_years_outside_the_calendars_tables_hold_no_lunar_birthday() -> None:
    assert birthdays_in(lunar(1, 1), 1899) == ()
    assert birthdays_in(lunar(1, 1), 2200) == ()


@pytest.mark.parametrize(("day", "near"), [(21, False), (22, True), (23, False)])
def test_on_the_day_before_on_and_after_a_birthday(day: int, near: bool) -> None:
    assert birthday_near(Birthday(11, 22), date(2026, 11, day), "day") is near


@pytest.mark.parametrize(("day", "near"), [(15, False), (16, True), (22, True), (23, False)])
def test_the_week_of_a_birthday_runs_from_monday_to_sunday(day: int, near: bool) -> None:
    assert birthday_near(Birthday(11, 18), date(2026, 11, day), "week") is near


def test_the_week_of_a_birthday_runs_over_the_new_year() -> None:
    # Monday 28 December 2026 to Sunday 3 January 2027
    assert birthday_near(Birthday(1, 2), date(2026, 12, 28), "week")
    assert birthday_near(Birthday(12, 30), date(2027, 1, 3), "week")
    assert not birthday_near(Birthday(1, 2), date(2026, 12, 27), "week")


@pytest.mark.parametrize(
    ("day", "near"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2026, 11, 30), True),
        (date(2026, 12, 1), False),
    ],
)
def test_the_month_of_a_birthday(day: date, near: bool) -> None:
    assert birthday_near(Birthday(11, 22), day, "month") is near


def test_the_month_of_a_lunar_birthday_is_the_one_it_falls_in_that_year() -> None:
    mid_autumn = lunar(8, 15)
    assert birthday_near(mid_autumn, date(2026, 9, 1), "month")
    assert not birthday_near(mid_autumn, date(2025, 9, 1), "month")
    assert birthday_near(mid_autumn, date(2025, 10, 1), "month")


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2026, 11, 21), 25),
        (date(2026, 11, 22), 26),
        (date(2026, 11, 23), 26),
        (date(1999, 1, 1), None),
    ],
)
def test_age_grows_on_the_birthday(day: date, age: int | None) -> None:
    assert age_on(Birthday(11, 22, 2000), day) == age


def test_without_a_year_of_birth_there_is_no_age() -> None:
    assert age_on(Birthday(11, 22), date(2026, 11, 22)) is None


def test_a_lunar_age_grows_on_the_lunar_birthday() -> None:
    born = Birthday(8, 15, 2000, calendar="lunar")
    assert [age_on(born, day) for day in (date(2026, 9, 24), date(2026, 9, 25))] == [25, 26]
