from datetime import date, timedelta

import pytest

from rules.lapsing import is_due
from rules.programme import ExpiryNotices

END = date(2026, 12, 31)
OPENED = date(2026, 1, 1)
NOTICES = ExpiryNotices((30, 7), 100, "expiry")


def on(days_after: int) -> date:
    return END + timedelta(days=days_after)


@pytest.mark.parametrize(("today", "due"), [(on(-1), False), (on(0), False), (on(1), True), (on(40), True)])
def test_points_are_good_through_their_last_day(today: date, due: bool) -> None:
    assert is_due(END, OPENED, today, None, None) is due
    assert is_due(END, OPENED, today, ExpiryNotices((), 0, "expiry"), None) is due


def test_a_lot_without_an_end_never_lapses() -> None:
    assert not is_due(None, OPENED, on(10_000), None, None)


@pytest.mark.parametrize(
    ("planned_on", "due"),
    [(None, False), (on(-5), False), (on(-6), True), (on(-7), True), (on(-30), True)],
)
def test_expiry_waits_until_the_last_notice_was_planned_so_many_days_ago(planned_on: date | None, due: bool) -> None:
    assert is_due(END, OPENED, on(1), NOTICES, planned_on) is due


def test_a_notice_does_not_shorten_a_lots_life() -> None:
    assert not is_due(END, OPENED, on(0), NOTICES, on(-7))


@pytest.mark.parametrize(("life", "due"), [(6, True), (7, False), (8, False)])
def test_a_lot_shorter_than_the_last_notice_was_noticed_when_it_was_granted(life: int, due: bool) -> None:
    assert is_due(END, END - timedelta(days=life), on(1), NOTICES, None) is due
