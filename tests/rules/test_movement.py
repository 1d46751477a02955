"""Opening, lines and closing of a wallet, from sums of entries; and what lots and months were."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from rules.lots import LotState
from rules.lots_then import state_then
from rules.movement import LINE_OF, LINES, Booked, Figures, movements
from rules.periods import business_day
from rules.spans import day_begins, day_ends, first_of, last_of, month_number, month_text, months_begin


def booked(kind: str, points: int, before: bool = False, forgiven: int = 0, **figures: int) -> Booked:
    return Booked("beans", kind, before, points, forgiven, Figures(**figures))


def test_every_line_counts_by_its_sign_and_adds_up() -> None:
    (one,) = movements(
        ["beans"],
        [
            booked("accrual", 100, before=True, available=100),
            booked("accrual", 50, available=30, pending=20),
            booked("redemption", -70, available=-70),
            booked("reversal", -90, forgiven=10, available=-60, debt=20),
            booked("hold", 0, available=-5, held=5),
            booked("adjustment", -1, available=-1),
        ],
    )
    assert (one.opening, one.closing) == (Figures(100), Figures(-6, 20, 5, 20))
    assert {name: points for name, points in one.lines.items() if points} == {
        "issued": 50,
        "redeemed": -70,
        "reversed": -90,
        "forgiven": 10,
        "adjusted": -1,
    }
    assert tuple(one.lines) == LINES
    assert one.check == 0


def test_what_does_not_add_up_is_said() -> None:
    (one,) = movements([], [booked("accrual", 50, available=51)])
    assert one.check == -1
    (unknown,) = movements([], [booked("present", 50, available=50)])
    assert unknown.check == -50


def test_wallets_without_entries_are_told_and_others_come_after_them() -> None:
    found = movements(["stamps"], [booked("accrual", 1, available=1)])
    assert [(one.wallet, one.closing.outstanding, one.check) for one in found] == [("stamps", 0, 0), ("beans", 1, 0)]


def test_every_kind_has_a_line() -> None:
    assert set(LINE_OF.values()) - {"moved"} == set(LINES) - {"forgiven"}


@pytest.mark.parametrize(
    ("changes", "now", "seq", "state"),
    [
        ([], "pending", 5, "pending"),
        ([], "available", 5, "available"),
        ([(7, "available")], "available", 6, "pending"),
        ([(7, "available")], "available", 7, "available"),
        ([(7, "available"), (9, "expired")], "expired", 6, "pending"),
        ([(7, "available"), (9, "expired")], "expired", 8, "available"),
        ([(7, "available"), (9, "expired")], "expired", 9, "expired"),
        ([(9, "expired")], "expired", 8, "available"),
        ([(9, "expired"), (11, "available")], "available", 8, "available"),
        ([(9, "expired"), (11, "available")], "available", 10, "expired"),
    ],
)
def test_a_lot_was_what_entries_had_made_of_it(
    changes: list[tuple[int, LotState]], now: LotState, seq: int, state: LotState
) -> None:
    assert state in get_args(LotState)
    assert state_then(changes, now, seq) == state


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "UTC"])
def test_days_follow_each_other_without_a_gap(zone: str) -> None:
    """In São Paulo and Beirut clocks were put forward at midnight."""
    where = ZoneInfo(zone)
    day = date(2018, 1, 1)
    while day < date(2019, 12, 31):
        begins, ends = day_begins(day, where), day_ends(day, where)
        assert ends == day_begins(day + timedelta(days=1), where)
        assert business_day(begins, where) == business_day(ends - timedelta(microseconds=1), where) == day
        assert business_day(begins - timedelta(microseconds=1), where) == day - timedelta(days=1)
        day += timedelta(days=1)


def test_months_have_numbers_and_days() -> None:
    december = month_number(date(2026, 12, 31))
    assert month_number(date(2027, 1, 1)) == december + 1
    assert (month_text(december), month_text(december + 1)) == ("2026-12", "2027-01")
    assert (first_of(december), last_of(december)) == (date(2026, 12, 1), date(2026, 12, 31))
    assert last_of(month_number(date(2028, 2, 1))) == date(2028, 2, 29)
    begins = months_begin(december, december + 1, ZoneInfo("Asia/Shanghai"))
    assert list(begins) == [
        (december, datetime(2026, 11, 30, 16, tzinfo=UTC)),
        (december + 1, datetime(2026, 12, 31, 16, tzinfo=UTC)),
    ]
