from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.periods import Period, business_day, end_of_month, period_start, plus


@pytest.mark.parametrize(
    ("day", "period", "then"),
    [
        (date(2026, 1, 31), Period(1, "months"), date(2026, 2, 28)),
        (date(2028, 1, 31), Period(1, "months"), date(2028, 2, 29)),
        (date(2026, 1, 30), Period(1, "months"), date(2026, 2, 28)),
        (date(2026, 1, 28), Period(1, "months"), date(2026, 2, 28)),
        (date(2026, 12, 31), Period(1, "months"), date(2027, 1, 31)),
        (date(2026, 12, 31), Period(2, "months"), date(2027, 2, 28)),
        (date(2028, 2, 29), Period(1, "years"), date(2029, 2, 28)),
        (date(2028, 2, 29), Period(4, "years"), date(2032, 2, 29)),
        (date(2026, 11, 22), Period(12, "months"), date(2027, 11, 22)),
        (date(2026, 2, 28), Period(1, "days"), date(2026, 3, 1)),
        (date(2026, 12, 28), Period(1, "weeks"), date(2027, 1, 4)),
        (date(2026, 5, 5), Period(0, "days"), date(2026, 5, 5)),
    ],
)
def test_a_day_that_the_month_lacks_becomes_its_last(day: date, period: Period, then: date) -> None:
    assert plus(day, period) == then


def test_periods_can_be_taken_several_times_and_backwards() -> None:
    assert plus(date(2026, 1, 31), Period(1, "months"), 2) == date(2026, 3, 31)
    assert plus(date(2026, 3, 31), Period(1, "months"), -1) == date(2026, 2, 28)
    assert plus(date(2026, 1, 15), Period(1, "months"), -1) == date(2025, 12, 15)


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2028, 2, 29), date(2028, 2, 29)),
        (date(2026, 12, 5), date(2026, 12, 31)),
    ],
)
def test_a_month_ends_on_its_last_day(day: date, last: date) -> None:
    assert end_of_month(day) == last


def test_the_business_day_is_the_one_of_the_programmes_zone() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    assert business_day(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), shanghai) == date(2026, 11, 22)
    assert business_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), shanghai) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("per", "day", "start"),
    [
        ("purchase", date(2026, 11, 22), date(2026, 11, 22)),
        ("day", date(2026, 11, 22), date(2026, 11, 22)),
        ("week", date(2026, 11, 22), date(2026, 11, 16)),
        ("week", date(2026, 11, 23), date(2026, 11, 23)),
        ("week", date(2027, 1, 1), date(2026, 12, 28)),
        ("month", date(2026, 11, 30), date(2026, 11, 1)),
        ("month", date(2026, 12, 1), date(2026, 12, 1)),
        ("year", date(2026, 12, 31), date(2026, 1, 1)),
        ("year", date(2027, 1, 1), date(2027, 1, 1)),
        ("ever", date(2026, 11, 22), date.min),
    ],
)
def test_a_cap_period_starts_on_its_first_day(per: str, day: date, start: date) -> None:
    assert period_start(per, day) == start


def test_a_period_is_written_as_in_the_document() -> None:
    assert str(Period(12, "months")) == "12 months"
