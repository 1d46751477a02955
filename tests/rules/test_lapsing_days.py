"""From which day of activity on points have lapsed, and what counts as one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.document import read, write
from rules.lapsing import activity_of, lapsed_through, renews
from rules.lots import expires_on
from rules.periods import Period, plus
from rules.programme import Activity, InactivityExpiry, LevelExpiry, RollingExpiry, YearlyExpiry
from tests.rules.documents import changed, programme

YEAR = Period(12, "months")
BY_LEVEL = LevelExpiry((("gold", RollingExpiry(Period(24, "months"))), ("iron", None)), RollingExpiry(YEAR))


@pytest.mark.parametrize(
    ("today", "through"),
    [
        (date(2026, 3, 1), date(2026, 1, 31)),
        (date(2026, 2, 28), date(2026, 1, 27)),
        (date(2026, 3, 2), date(2026, 2, 1)),
    ],
)
def test_a_month_after_the_end_of_january_is_over_on_the_first_of_march(today: date, through: date) -> None:
    assert lapsed_through(today, Period(1, "months")) == through


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.builds(Period, st.integers(1, 40), st.sampled_from(("days", "weeks", "months", "years"))),
)
def test_what_has_lapsed_is_all_through_one_day_and_nothing_after_it(today: date, after: Period) -> None:
    through = lapsed_through(today, after)
    assert plus(through, after) < today <= plus(through + timedelta(days=1), after)


@pytest.mark.parametrize(
    ("level", "ends"),
    [("gold", date(2028, 11, 22)), ("iron", None), ("plain", date(2027, 11, 22)), (None, date(2027, 11, 22))],
)
def test_a_lot_ends_as_its_level_says(level: str | None, ends: date | None) -> None:
    assert expires_on(BY_LEVEL, date(2026, 11, 22), level) == ends


@pytest.mark.parametrize(
    ("kind", "source", "activity"),
    [
        ("accrual", "purchase", "purchase"),
        ("accrual", "event", "event"),
        ("accrual", "return", None),
        ("redemption", "capture", "redemption"),
        ("adjustment", "adjustment", "adjustment"),
        ("maturity", "maturity", None),
        ("reversal", "return", None),
        ("hold", "hold", None),
    ],
)
def test_what_an_entry_shows_of_a_member_taking_part(kind: str, source: str, activity: Activity | None) -> None:
    found = activity_of(kind, source)
    assert found == activity
    assert renews(RollingExpiry(YEAR), found) == (activity == "purchase")
    assert renews(InactivityExpiry(YEAR), found) == (activity == "purchase")
    every = InactivityExpiry(YEAR, frozenset({"purchase", "redemption", "event", "adjustment"}))
    assert renews(every, found) == (activity is not None)


@pytest.mark.parametrize(
    ("written", "expiry"),
    [
        ({"by_level": {"gold": {"after": "24 months"}, "green": "never"}, "otherwise": {"yearly": "12-31", "after": "6 months"}},
         LevelExpiry((("gold", RollingExpiry(Period(24, "months"))), ("green", None)), YearlyExpiry(12, 31, Period(6, "months")))),
        ({"inactivity": "12 months"}, InactivityExpiry(YEAR)),
        ({"inactivity": "12 months", "renewed_by": ["event", "purchase"]}, InactivityExpiry(YEAR, frozenset({"purchase", "event"}))),
    ],
)  # fmt: skip
def test_a_way_to_lapse_is_read_and_written_back(written: object, expiry: object) -> None:
    found = programme(changed("wallets[0].expiry", written))
    assert found.wallets[0].expiry == expiry
    assert hash(found.wallets[0].expiry), "results are remembered by it"
    assert write(found)["wallets"][0]["expiry"] == written
    assert read(write(found)) == found
