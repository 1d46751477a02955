from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.lots import Lot, Spent, Taking, capture, expires_on, open_lot, restore, soonest_first, take_back
from rules.periods import Period
from rules.programme import Expiry, InactivityExpiry, RollingExpiry, UntilEvent, YearlyExpiry
from tests.rules.samples import BEANS

TODAY = date(2026, 11, 22)
YEAR = Period(12, "months")


@pytest.mark.parametrize(
    ("expiry", "earned", "last_day"),
    [
        (None, TODAY, None),
        (InactivityExpiry(Period(18, "months")), TODAY, None),
        (RollingExpiry(Period(1, "months")), date(2026, 1, 31), date(2026, 2, 28)),
        (RollingExpiry(Period(1, "months")), date(2028, 1, 31), date(2028, 2, 29)),
        (RollingExpiry(YEAR), TODAY, date(2027, 11, 22)),
        (RollingExpiry(YEAR, end_of_month=True), TODAY, date(2027, 11, 30)),
        (RollingExpiry(YEAR, end_of_month=True), date(2027, 2, 1), date(2028, 2, 29)),
        (RollingExpiry(Period(30, "days")), TODAY, date(2026, 12, 22)),
        (YearlyExpiry(12, 31, YEAR), date(2026, 12, 30), date(2027, 12, 31)),
        (YearlyExpiry(12, 31, YEAR), date(2026, 12, 31), date(2027, 12, 31)),
        (YearlyExpiry(12, 31, YEAR), date(2027, 1, 1), date(2028, 12, 31)),
        (YearlyExpiry(3, 31, YEAR), date(2026, 3, 31), date(2027, 3, 31)),
        (YearlyExpiry(3, 31, YEAR), date(2026, 4, 1), date(2028, 3, 31)),
        (YearlyExpiry(2, 29, Period(0, "days")), date(2027, 1, 1), date(2027, 2, 28)),
        (YearlyExpiry(2, 29, Period(0, "days")), date(2028, 1, 1), date(2028, 2, 29)),
    ],
)
def test_the_last_day_of_a_lot(expiry: Expiry, earned: date, last_day: date | None) -> None:
    assert expires_on(expiry, earned) == last_day


@pytest.mark.parametrize(
    ("booked", "state"),
    [
        (date(2026, 12, 5), "pending"),
        (date(2026, 12, 6), "available"),
        (date(2026, 12, 7), "available"),
    ],
)
def test_a_grant_waits_until_its_pending_time_is_over(booked: date, state: str) -> None:
    lot = open_lot(replace(BEANS, pending=Period(14, "days")), 43, TODAY, booked, debt=0)
    assert (lot.state, lot.available_on, lot.granted) == (state, date(2026, 12, 6), 43)


@pytest.mark.parametrize(("debt", "paid"), [(0, 0), (42, 42), (43, 43), (44, 43)])
def test_what_is_available_at_once_pays_debt_first(debt: int, paid: int) -> None:
    lot = open_lot(BEANS, 43, TODAY, TODAY, debt)
    assert (lot.granted, lot.paid_debt) == (43, paid)


def test_a_grant_waits_as_long_as_it_is_told_whatever_the_wallet_says() -> None:
    slow = replace(BEANS, pending=Period(14, "days"))
    assert open_lot(slow, 5, TODAY, TODAY, 0, waits=Period(0, "days")).state == "available"
    assert open_lot(BEANS, 5, TODAY, TODAY, 0, waits=Period(1, "days")).state == "pending"
    until = open_lot(BEANS, 5, TODAY, TODAY, 3, waits=UntilEvent("checked"))
    assert (until.state, until.available_on, until.paid_debt) == ("pending", date.max, 0)
    assert until.expires_on == open_lot(BEANS, 5, TODAY, TODAY, 3).expires_on


def test_what_is_pending_pays_no_debt_yet() -> None:
    assert open_lot(replace(BEANS, pending=Period(1, "days")), 43, TODAY, TODAY, debt=10).paid_debt == 0


def test_a_lot_expires_counted_from_the_day_it_was_earned_on() -> None:
    assert open_lot(BEANS, 43, TODAY, date(2027, 3, 3), debt=0).expires_on == date(2027, 11, 30)


def lot(
    lot_id: str,
    points: int = 10,
    held: int = 0,
    state: str = "available",
    ends: date | None = None,
    opened: int = 1,
) -> Lot:
    return Lot(lot_id, points, held, state, ends, date(2026, 1, opened))


def test_lots_are_used_soonest_expiry_first_then_oldest_and_never_expiring_last() -> None:
    lots = [
        lot("never", opened=1),
        lot("late", ends=date(2027, 2, 1), opened=1),
        lot("soon-new", ends=date(2027, 1, 1), opened=9),
        lot("soon-old", ends=date(2027, 1, 1), opened=2),
        lot("soon-old-b", ends=date(2027, 1, 1), opened=2),
    ]
    assert [each.lot_id for each in soonest_first(lots)] == [
        "soon-old",
        "soon-old-b",
        "soon-new",
        "late",
        "never",
    ]


def test_points_come_off_the_purchases_own_lots_before_others_that_expire_sooner() -> None:
    own, other = lot("own", 10), lot("other", 10, ends=date(2027, 1, 1))
    taken = take_back(15, [own], [other])
    assert taken.takings == (Taking("own", 10, "available"), Taking("other", 5, "available"))
    assert taken.missing == 0


def test_other_lots_go_by_soonest_expiry() -> None:
    others = [lot("late", ends=date(2027, 2, 1)), lot("soon", ends=date(2027, 1, 1))]
    assert [taking.lot_id for taking in take_back(15, [], others).takings] == ["soon", "late"]


def test_held_points_are_never_taken() -> None:
    taken = take_back(30, [lot("own", 10, held=4)], [lot("other", 10, held=10), lot("free", 3)])
    assert taken.takings == (Taking("own", 6, "available"), Taking("free", 3, "available"))
    assert taken.missing == 21


def test_own_pending_points_are_taken_but_pending_points_of_others_are_not() -> None:
    taken = take_back(30, [lot("own", 10, state="pending")], [lot("other", 10, state="pending")])
    assert taken.takings == (Taking("own", 10, "pending"),)
    assert (taken.of("pending"), taken.of("available"), taken.missing) == (10, 0, 20)


def test_expired_lots_give_nothing() -> None:
    taken = take_back(5, [lot("own", 10, state="expired")], [lot("other", 10, state="expired")])
    assert (taken.takings, taken.missing) == ((), 5)


@pytest.mark.parametrize(
    ("points", "lapsed", "others", "missing"),
    [(14, 4, 0, 0), (15, 5, 0, 0), (16, 5, 1, 0), (25, 5, 10, 0), (26, 5, 10, 1)],
)
def test_what_lapsed_of_its_own_counts_before_others_are_asked(
    points: int, lapsed: int, others: int, missing: int
) -> None:
    taken = take_back(points, [lot("own", 10)], [lot("other", 10)], lapsed=5)
    by_lot = {each.lot_id: each.points for each in taken.takings}
    assert (by_lot["own"], taken.lapsed, by_lot.get("other", 0), taken.missing) == (10, lapsed, others, missing)


@pytest.mark.parametrize(("points", "missing"), [(19, 0), (20, 0), (21, 1)])
def test_what_lots_lack_is_missing(points: int, missing: int) -> None:
    taken = take_back(points, [lot("own")], [lot("other")])
    assert (sum(each.points for each in taken.takings), taken.missing) == (
        points - missing,
        missing,
    )


spent = st.lists(
    st.builds(
        Spent,
        st.sampled_from("abcdefgh"),
        st.integers(1, 50),
        st.one_of(st.none(), st.dates(date(2026, 11, 1), date(2027, 3, 1))),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.lot_id,
)


@given(spent, st.data())
def test_points_come_back_in_the_same_lots_however_returns_are_split(spent: list[Spent], data: st.DataObject) -> None:
    total = sum(one.points for one in spent)
    stops = sorted(data.draw(st.lists(st.integers(0, total), max_size=4)))
    at_once = restore(spent, 0, total, TODAY)
    in_turn: dict[date | None, int] = {}
    for before, after in pairwise([0, *stops, total]):
        for end, points in restore(spent, before, after, TODAY).items():
            in_turn[end] = in_turn.get(end, 0) + points
    assert in_turn == at_once
    assert sum(at_once.values()) == total
    assert all(end is None or end >= TODAY + timedelta(days=30) for end in at_once)


def test_what_would_have_lapsed_last_comes_back_first_and_is_captured_last() -> None:
    soon, late, never = Spent("a", 5, date(2026, 12, 1)), Spent("b", 5, date(2027, 6, 1)), Spent("c", 5, None)
    assert restore([soon, late, never], 0, 7, TODAY) == {None: 5, date(2027, 6, 1): 2}
    assert restore([soon, late, never], 7, 15, TODAY) == {date(2027, 6, 1): 3, date(2026, 12, 22): 5}
    assert capture(7, [never, late, soon]) == (soon, replace(late, points=2))


@pytest.mark.parametrize(
    ("end", "restored_end"),
    [
        (date(2026, 12, 21), date(2026, 12, 22)),
        (date(2026, 12, 22), date(2026, 12, 22)),
        (date(2026, 12, 23), date(2026, 12, 23)),
    ],
)
def test_restored_points_are_good_for_thirty_days_at_least(end: date, restored_end: date) -> None:
    assert restore([Spent("a", 5, end)], 0, 5, TODAY) == {restored_end: 5}
