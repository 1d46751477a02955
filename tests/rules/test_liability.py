"""How many points will lapse, worked out by hand and by older points of the same programme; and what is owed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.liability import (
    ENOUGH,
    Cell,
    Cohort,
    Curve,
    Outstanding,
    curves,
    expected_breakage,
    forecasts,
    outstanding,
    percent,
    value_owed,
)

JAN, FEB, MAR, APR = range(24_300, 24_304)


def came(month: int, points: int, booked: int | None = None, level: str | None = "green") -> Cell:
    return Cell("beans", month, level, month if booked is None else booked, "accrual", points)


def used(month: int, points: int, booked: int, level: str | None = "green") -> Cell:
    return Cell("beans", month, level, booked, "redemption", -points)


def lapsed(month: int, points: int, booked: int, level: str | None = "green") -> Cell:
    return Cell("beans", month, level, booked, "expiry", -points)


WORKED = [
    came(JAN, 10_000),
    used(JAN, 4_000, FEB),
    lapsed(JAN, 3_000, MAR),
    came(FEB, 8_000),
    used(FEB, 2_000, MAR),
    came(MAR, 5_000),
]
"""docs/guides/liability.md reckons with these."""


def test_what_a_merge_moves_neither_goes_nor_comes() -> None:
    alone = [came(JAN, 10_000), lapsed(JAN, 10_000, MAR)]
    moved = [
        Cell("beans", JAN, "green", FEB, kind, points)
        for kind, points in (("transfer_out", -10_000), ("transfer_in", 10_000))
    ]
    paid_a_debt = [moved[0], moved[1]._replace(points=7_000), used(JAN, 0, FEB)]
    assert curves([*alone, *moved], MAR)["beans"].pooled == curves(alone, MAR)["beans"].pooled
    curve = curves([came(JAN, 10_000), *paid_a_debt, lapsed(JAN, 7_000, MAR)], MAR)["beans"]
    assert (curve.at("green", 1), curve.at("green", 2)) == ((Fraction(3, 10), 0), (1, 1))


def test_the_worked_example_of_the_guide_is_right() -> None:
    known = curves(WORKED, MAR)
    curve = known["beans"]
    assert curve.at("green", 1) == (Fraction(6_000, 18_000), 0)
    assert curve.at("green", 2) == (Fraction(3_000, 6_000), Fraction(3_000, 6_000))
    rows = outstanding(WORKED, MAR, known)
    assert [(row.cohort.issued, row.age, row.points) for row in rows] == [
        (JAN, 2, 3_000),
        (FEB, 1, 6_000),
        (MAR, 0, 5_000),
    ]
    assert [row.breakage for row in rows] == [0, Fraction(1, 2), Fraction(333_333_333, 10**9)]
    assert expected_breakage(rows) == (0, 3_000, 1_666)
    assert value_owed(rows, Fraction(1)) == (3_000, 3_000, 3_334)
    assert sum(value_owed(rows, Fraction(1))) == 9_334


def test_without_a_history_nothing_is_expected_to_lapse() -> None:
    cells = [came(JAN, 100)]
    (row,) = outstanding(cells, JAN, curves(cells, JAN))
    assert (row.points, row.breakage) == (100, 0)
    assert value_owed([row], Fraction(1, 2)) == (50,)
    assert outstanding(cells, JAN, {}) == [row]


def test_an_age_that_no_points_have_reached_lapses_nothing() -> None:
    """Points of three months were never seen: those of two months are all owed."""
    curve = curves(WORKED, MAR)["beans"]
    assert curve.lapses("green", 1) == Fraction(1, 2)
    assert curve.lapses("green", 2) == 0
    assert curve.lapses("green", 99) == 0


@pytest.mark.parametrize(("months", "share"), [(0, 0), (1, 0), (2, Fraction(333_333_333, 10**9)), (3, Fraction(333_333_333, 10**9))])  # fmt: skip
def test_a_forecast_looks_only_so_many_months_ahead(months: int, share: Fraction) -> None:
    assert curves(WORKED, MAR)["beans"].lapses("green", 0, months) == share


def test_a_month_that_is_not_over_teaches_nothing() -> None:
    cells = [*WORKED, used(MAR, 5_000, APR)]
    assert curves(cells, MAR)["beans"].at("green", 1) == curves(WORKED, MAR)["beans"].at("green", 1)
    assert curves(cells, APR)["beans"].at("green", 1) != curves(WORKED, MAR)["beans"].at("green", 1)


@pytest.mark.parametrize(
    ("own", "gone"), [(ENOUGH - 1, Fraction(1_000, 9_999)), (ENOUGH, Fraction(0)), (ENOUGH + 1, Fraction(0))]
)
def test_a_level_is_judged_by_itself_once_it_has_enough(own: int, gone: Fraction) -> None:
    """Gold has lost nothing; of green's 9,000 lapsed 1,000."""
    cells = [came(JAN, 9_000), lapsed(JAN, 1_000, FEB), came(JAN, own, level="gold")]
    curve = curves(cells, FEB)["beans"]
    assert curve.at("gold", 1) == (gone, gone)
    assert curve.at(None, 1)[0] == Fraction(1_000, 9_000 + own)


def test_points_that_are_booked_late_count_from_the_month_in_which_they_came() -> None:
    """A purchase of January that was booked in March is two months old, and was there in March only."""
    cells = [came(JAN, 1_000), used(JAN, 500, FEB), came(JAN, 600, MAR), used(JAN, 110, MAR)]
    curve = curves(cells, MAR)["beans"]
    assert curve.pooled[1].there == 1_000
    assert (curve.pooled[2].there, curve.pooled[2].gone) == (1_100, 110)


def test_points_of_a_month_to_come_are_not_older_than_nothing() -> None:
    """Just before midnight a till may be ahead of us."""
    cells = [Cell("beans", FEB, None, JAN, "accrual", 10)]
    (row,) = outstanding(cells, JAN, curves(cells, JAN))
    assert row.age == 0


def test_what_is_gone_is_no_longer_a_row() -> None:
    cells = [came(JAN, 10), used(JAN, 10, FEB)]
    assert outstanding(cells, FEB, curves(cells, FEB)) == []
    assert len(outstanding(cells, JAN, curves(cells, JAN))) == 1


def rows_of(*given: tuple[int, Fraction]) -> list[Outstanding]:
    return [Outstanding(Cohort("beans", JAN, None), 1, points, rate) for points, rate in given]


shares = st.fractions(0, 1, max_denominator=10**9)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), shares), max_size=12),
    st.fractions(Fraction(1, 1000), 50, max_denominator=1000),
)
def test_what_is_owed_is_exact_rounded_up_once_and_adds_up(given: list[tuple[int, Fraction]], worth: Fraction) -> None:
    rows = rows_of(*given)
    exact = sum((points * (1 - rate) * worth for points, rate in given), Fraction(0))
    owed = value_owed(rows, worth)
    assert 0 <= sum(owed) - exact < 1
    assert all(abs(one - points * (1 - rate) * worth) < 2 for one, (points, rate) in zip(owed, given, strict=True))
    breakage = expected_breakage(rows)
    assert 0 <= sum((points * rate for points, rate in given), Fraction(0)) - sum(breakage) < 1
    assert all(0 <= one <= points for one, (points, _) in zip(breakage, given, strict=True))


lives = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["green", "gold", None]), st.integers(1, 3_000), st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["redemption", "expiry", "reversal"]), st.fractions(0, 1)), max_size=5)),
    max_size=8,
)  # fmt: skip


@given(lives, st.integers(0, 5))
def test_whatever_became_of_points_shares_stay_between_none_and_all(given: list, month: int) -> None:  # type: ignore[type-arg]
    cells = []
    for issued, level, points, taken in given:
        cells.append(came(JAN + issued, points, level=level))
        left = points
        for after, kind, share in sorted(taken):
            going = int(left * share)
            left -= going
            if going:
                cells.append(Cell("beans", JAN + issued, level, JAN + issued + after, kind, -going))
    known = curves(cells, JAN + month)
    rows = outstanding(cells, JAN + month, known)
    assert sum(row.points for row in rows) == sum(cell.points for cell in cells if cell.booked <= JAN + month)
    for row in rows:
        assert row.points > 0
        assert 0 <= row.breakage <= 1
        ahead = [known["beans"].lapses(row.cohort.level, row.age, months) for months in range(7)]
        assert ahead == sorted(ahead)
        assert ahead[0] == 0
        assert row.breakage == ahead[-1]


def test_a_forecast_is_to_the_nearest_point_and_says_its_error() -> None:
    rows = rows_of((10, Fraction(1, 4)), (1, Fraction(0)))
    (one,) = forecasts(rows, {"beans": 2})
    assert (one.outstanding, one.forecast, one.lapsed, one.error, one.error_percent) == (11, 3, 2, 1, "50.0")
    (none,) = forecasts([], {"stamps": 5})
    assert (none.wallet, none.forecast, none.error, none.error_percent) == ("stamps", 0, -5, "-100.0")
    (nothing,) = forecasts(rows, {})
    assert nothing.error_percent is None


@pytest.mark.parametrize(
    ("share", "decimals", "said"),
    [
        (Fraction(1, 8), 2, "12.50"),
        (Fraction(1, 3), 1, "33.3"),
        (Fraction(2, 3), 1, "66.7"),
        (Fraction(-1, 3), 1, "-33.3"),
        (Fraction(-1, 10_000), 1, "0.0"),
        (Fraction(0), 2, "0.00"),
        (Fraction(12), 1, "1200.0"),
    ],
)
def test_percent_is_written_to_the_nearest_decimal(share: Fraction, decimals: int, said: str) -> None:
    assert percent(share, decimals) == said


def test_a_curve_without_cells_lapses_nothing() -> None:
    assert Curve().lapses("green", 0) == 0
