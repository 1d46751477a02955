"""What is owed in points, to the point: by age from lots, over a period from entries, and forecast beside what happened."""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings

from loyalty_engine import clock
from loyalty_engine.services import ledger, liability
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.liability import Liability
from loyalty_engine.services.member_lots import lots_of
from loyalty_engine.services.posting import Source
from loyalty_engine.services.report_sheets import (
    compared_json,
    liability_csv,
    liability_json,
    movement_csv,
    movement_json,
)
from rules.errors import Refusal
from rules.movement import LINES
from rules.spans import month_text
from tests.builders import ADMIN
from tests.conftest import NOON, FrozenClock
from tests.histories import LEDGER, Act, History, acts, moved, source
from tests.ledger import TEA_CLUB, assert_clean, open_shop, rows, spend, today

EXAMPLES = {"ci": 12, "thorough": 400}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
WORTH = TEA_CLUB.replace("{id: leaves, name: Leaves,", '{id: leaves, name: Leaves, worth: "0.015",')
YEAR = date(2026, 1, 1)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        FrozenClock(found, NOON)
        yield found


def at(stack: ExitStack, *day: int) -> None:
    """Let it be noon in Shanghai of a day."""
    stack.enter_context(clock.frozen(datetime(*day, 4, tzinfo=UTC)))  # type: ignore[arg-type, misc]


def give(member: str, points: int, wallet: str = "leaves", kind: str = "accrual") -> None:
    moved(member, lambda posting, state, plan: ledger.grant(
        posting, state, plan, plan.programme.wallet(wallet), points, source("gift"), kind))  # fmt: skip


def lapse(member: str, wallet: str, opened: str) -> None:
    """Let the lots of a month lapse."""

    def work(posting: Any, state: Any, plan: Any) -> None:
        for one in list(lots_of(posting, state, wallet).values()):
            if one.lot.opened_on.isoformat().startswith(opened):
                ledger.expire(posting, state, plan, wallet, one.lot, source("expiry"))

    moved(member, work)


def owed(day: date | None = None) -> Liability:
    return liability.liability(ADMIN, day)


def cohorts(told: Liability, wallet: str = "leaves") -> list[tuple[str, int, str | None, int]]:
    (one,) = (one for one in told.wallets if one.wallet == wallet)
    return [(month_text(row.cohort.issued), row.age, row.cohort.level, row.points) for row in one.rows]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts)
def test_whatever_happened_reports_add_up_and_the_ledger_is_right(
    app: Flask, stack: ExitStack, acts: list[Act]
) -> None:
    """Invariant 7, and a report of any day is the same when it is asked for later."""
    stack.enter_context(clock.frozen(NOON))
    history = History(open_shop(WORTH, members=2), stack)
    seen: dict[date, Any] = {}

    def remember() -> None:
        seen[today()] = rows(
            "SELECT wallet, SUM(available) AS a, SUM(pending) AS p, SUM(held) AS h, SUM(debt) AS d"
            " FROM accounts GROUP BY wallet ORDER BY wallet"
        )

    history.play(acts, remember)
    assert_clean(LEDGER)
    before = None
    for day, accounts in seen.items():
        told = owed(day)
        assert all(one.check == 0 for one in told.wallets)
        by_wallet = {one.wallet: one for one in told.wallets}
        for row in accounts:
            one = by_wallet[row["wallet"]]
            assert one.figures == (int(row["a"]), int(row["p"]), int(row["h"]), int(row["d"]))
            assert one.points == int(row["a"] + row["p"] + row["h"])
        moved = liability.movement(ADMIN, before + timedelta(days=1) if before and before < day else day, day)
        assert all(one.check == 0 for one in moved.wallets)
        if before and before < day:
            openings = {one.wallet: one.figures for one in owed(before).wallets}
            assert {one.wallet: one.opening for one in moved.wallets} == openings
        assert {one.wallet: one.closing for one in moved.wallets} == {one.wallet: one.figures for one in told.wallets}
        before = day


def test_outstanding_points_stand_by_month_of_issue_and_level(app: Flask, stack: ExitStack) -> None:
    at(stack, 2026, 1, 31)
    ann, ben, _ = open_shop(WORTH)
    give(ann, 100)
    give(ben, 40)
    at(stack, 2026, 2, 1)
    give(ann, 10)
    give(ann, 7, "petals")
    at(stack, 2026, 2, 28)
    spend(ann, "leaves", 30)
    level = rows("SELECT level FROM members WHERE member_id = :ann", ann=ann)[0]["level"]
    told = owed()
    assert cohorts(told) == [("2026-01", 1, level, 110), ("2026-02", 0, level, 10)]
    assert cohorts(told, "petals") == [("2026-02", 0, level, 7)]
    assert cohorts(owed(date(2026, 2, 27))) == [("2026-01", 1, level, 140), ("2026-02", 0, level, 10)]
    assert cohorts(owed(date(2026, 1, 31))) == [("2026-01", 0, level, 140)]
    assert cohorts(owed(date(2026, 1, 30))) == []
    leaves, petals, *_ = told.wallets
    assert leaves.owed_minor is not None
    assert sum(leaves.owed_minor) == 180, "120 points of 1.5 fen"
    assert petals.owed_minor is None
    assert petals.figures.pending == 7


def test_a_month_begins_in_the_zone_of_the_programme(app: Flask, stack: ExitStack) -> None:
    stack.enter_context(clock.frozen(datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC)))
    ann, *_ = open_shop(WORTH)
    give(ann, 1_000)
    stack.enter_context(clock.frozen(datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC)))
    spend(ann, "leaves", 100)
    stack.enter_context(clock.frozen(datetime(2026, 2, 28, 16, 0, 0, tzinfo=UTC)))
    spend(ann, "leaves", 300)
    give(ann, 1)
    assert [one[:2] for one in cohorts(owed())] == [("2026-01", 2), ("2026-03", 0)]
    at(stack, 2026, 3, 31)
    (row, _) = owed().wallets[0].rows
    assert row.points == 600
    assert row.breakage == 0


def test_points_of_a_debt_are_not_outstanding(app: Flask, stack: ExitStack) -> None:
    """What is owed to members is told, and beside it what members owe; the one is not taken off the other."""
    from tests.ledger import line, post, sold, take_return

    ann, ben, _ = open_shop(WORTH)
    post(sold("p1", ann, line(amount=10_000)))
    spend(ann, "leaves", 150)
    take_return("p1", "x1")
    give(ben, 50)
    leaves = owed().wallets[0]
    assert (leaves.points, leaves.figures.debt, leaves.figures.outstanding, leaves.check) == (50, 150, -100, 0)


def test_breakage_is_learnt_from_older_points(app: Flask, stack: ExitStack) -> None:
    """Of January's 10,000 points 4,000 were used after a month and the rest lapsed after two: so will February's."""
    at(stack, 2026, 1, 15)
    ann, *_ = open_shop(WORTH)
    give(ann, 10_000)
    at(stack, 2026, 2, 15)
    spend(ann, "leaves", 4_000)
    give(ann, 1_000)
    at(stack, 2026, 3, 15)
    lapse(ann, "leaves", "2026-01")
    leaves = owed(min(date(2026, 3, 31), today())).wallets[0]
    assert [row.breakage for row in leaves.rows] == [0], "March is not over: nothing has lapsed yet that counts"
    at(stack, 2026, 3, 31)
    leaves = owed().wallets[0]
    (row,) = leaves.rows
    assert (row.points, row.age, row.breakage) == (1_000, 1, Fraction(1))
    assert (leaves.breakage, leaves.owed_minor) == ((1_000,), (0,))
    at(stack, 2026, 4, 1)
    give(ann, 3_000)
    at(stack, 2026, 4, 30)
    leaves = owed().wallets[0]
    february, april = leaves.rows
    assert february.breakage == 0, "no points have been three months old before"
    # In February and March there were 11,000 at the age of one month, of which 4,000 went; at two, 7,000 and 6,000.
    assert april.breakage == Fraction((Fraction(7, 11) * Fraction(6, 7) * 10**9).__floor__(), 10**9)
    assert_clean(LEDGER)


def test_the_movement_names_what_came_and_went(app: Flask, stack: ExitStack) -> None:
    from tests.ledger import line, post, sold, take_return

    at(stack, 2026, 1, 15)
    ann, ben, _ = open_shop(WORTH)
    give(ann, 500, kind="opening")
    at(stack, 2026, 2, 1)
    post(sold("p1", ann, line(amount=10_000)))
    spend(ann, "leaves", 40)
    lapse(ann, "leaves", "2026-01")
    take_return("p1", "x1", {"1": 1})
    give(ann, 5, kind="adjustment")
    moved(ann, lambda *on: ledger.spend(*on, "leaves", 10, Source("merge", "m", clock.now()), "transfer_out"))
    give(ben, 10, kind="transfer_in")
    at(stack, 2026, 2, 28)
    told = liability.movement(ADMIN, date(2026, 2, 1), date(2026, 2, 28))
    leaves = told.wallets[0]
    assert (leaves.opening.outstanding, leaves.check) == (500, 0)
    assert {name: points for name, points in leaves.lines.items() if points} == {
        "issued": 150,
        "redeemed": -40,
        "expired": -460,
        "reversed": -75,
        "adjusted": 5,
        "transferred_out": -10,
        "transferred_in": 10,
    }
    assert leaves.closing.outstanding == 80
    january = liability.movement(ADMIN, date(2026, 1, 1), date(2026, 1, 31)).wallets[0]
    assert (january.opening.outstanding, january.lines["brought_in"], january.closing.outstanding) == (0, 500, 500)
    assert_clean((1, 2, 3, 4, 8))


def build_a_year(stack: ExitStack) -> None:
    """Each month 2,000 points; a quarter is used in the month after, and the rest lapses at the sixth month's end.

    The last two months' members are quicker: they use half.
    """
    at(stack, 2026, 1, 10)
    ann, *_ = open_shop(WORTH)
    for month in range(1, 13):
        at(stack, 2026, month, 1)
        if month > 7:
            lapse(ann, "leaves", f"2026-{month - 7:02}")
        at(stack, 2026, month, 12)
        if month > 1:
            spend(ann, "leaves", 500 if month < 11 else 1_000)
        give(ann, 2_000)
    at(stack, 2027, 1, 5)


def test_a_forecast_from_nine_months_is_compared_with_what_then_lapsed(app: Flask, stack: ExitStack) -> None:
    build_a_year(stack)
    told = liability.compared(ADMIN, 9)
    assert (told.history_from, told.cut, told.through, told.months) == (
        date(2026, 1, 1),
        date(2026, 9, 30),
        date(2026, 12, 31),
        3,
    )
    (leaves,) = told.wallets
    lapsed = sum(
        row["taken"]
        for row in rows(
            "SELECT c.taken FROM lot_changes c JOIN ledger_entries e ON e.member_id = c.member_id AND e.seq = c.seq"
            " WHERE e.kind = 'expiry' AND e.booked_at >= :cut",
            cut="2026-09-30 16:00:00.000000",
        )
    )
    assert leaves.lapsed == lapsed > 0
    assert leaves.outstanding == sum(one[3] for one in cohorts(owed(date(2026, 9, 30))))
    assert (leaves.outstanding, leaves.forecast, leaves.lapsed) == (13_500, 4_045, 4_000), "as in the guide"
    assert (leaves.error, leaves.error_percent) == (45, "1.1")
    assert compared_json(told)["wallets"][0]["error_percent"] == leaves.error_percent


def test_a_forecast_knows_nothing_of_what_came_after_its_cut(app: Flask, stack: ExitStack) -> None:
    build_a_year(stack)
    first = liability.compared(ADMIN, 9).wallets[0]
    (ann, *_) = (row["member_id"] for row in rows("SELECT member_id FROM ledger_entries WHERE seq = 1"))
    give(str(ann), 77_000)
    lapse(str(ann), "leaves", "2027-01")
    at(stack, 2027, 2, 5)
    again = liability.compared(ADMIN, 9)
    assert again.through == date(2027, 1, 31)
    assert (again.wallets[0].outstanding, again.wallets[0].lapsed) == (first.outstanding, first.lapsed)


@pytest.mark.parametrize("months", [1, 9, 11])
def test_a_forecast_needs_a_month_after_it(app: Flask, stack: ExitStack, months: int) -> None:
    build_a_year(stack)
    assert liability.compared(ADMIN, months).months == 12 - months


@pytest.mark.parametrize("months", [12, 13, 900])
def test_a_forecast_without_a_month_after_it_is_refused(app: Flask, stack: ExitStack, months: int) -> None:
    build_a_year(stack)
    with pytest.raises(Refusal) as refused:
        liability.compared(ADMIN, months)
    assert (refused.value.code, refused.value.errors) == ("history_too_short", {"months": ["ask for 11 at most"]})


def test_an_empty_ledger_owes_nothing_and_forecasts_nothing(app: Flask, stack: ExitStack) -> None:
    open_shop(WORTH)
    assert [(one.points, one.check, one.owed_minor) for one in owed().wallets] == [
        (0, 0, ()),
        (0, 0, None),
        (0, 0, None),
    ]
    assert all(one.check == 0 for one in liability.movement(ADMIN, YEAR, today()).wallets)
    with pytest.raises(Refusal, match="there are 0"):
        liability.compared(ADMIN, 9)


def test_a_day_to_come_is_refused_and_a_merchants_analyst_too(app: Flask, stack: ExitStack) -> None:
    open_shop(WORTH)
    bound = Actor("analyst", "analyst", "tea-house")
    for ask in (
        lambda actor, day: liability.liability(actor, day),
        lambda actor, day: liability.movement(actor, YEAR, day),
    ):
        with pytest.raises(Refusal) as refused:
            ask(ADMIN, today() + timedelta(days=1))
        assert refused.value.code == "as_of_future"
        with pytest.raises(Refusal) as refused:
            ask(bound, today())
        assert refused.value.code == "other_merchant"
    with pytest.raises(Refusal):
        liability.compared(bound, 9)
    with pytest.raises(Refusal) as refused:
        liability.movement(ADMIN, today(), YEAR)
    assert refused.value.code == "period_backwards"


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_sheets_and_json_tell_the_same(app: Flask, stack: ExitStack) -> None:
    build_a_year(stack)
    told = owed()
    said = liability_json(told)["wallets"][0]
    sheet = [row for row in read(liability_csv(told)) if row["wallet"] == "leaves"]
    *cohorts, total, debt = sheet
    assert [(row["month_of_issue"], int(row["points"]), row["owed"]) for row in cohorts] == [
        (one["issued"], one["points"], one["owed"]) for one in said["cohorts"]
    ]
    assert (total["month_of_issue"], int(total["points"]), total["owed"]) == ("all", said["points"], said["owed"])
    assert (debt["month_of_issue"], debt["points"]) == ("debt", "0")
    for name in ("points", "breakage_points"):
        assert sum(one[name] for one in said["cohorts"]) == sum(one[name] for one in said["ages"]) == said[name]
    assert sum(Fraction(one["owed"]) for one in said["cohorts"]) == Fraction(said["owed"])
    moved = liability.movement(ADMIN, YEAR, today())
    (row, *_) = read(movement_csv(moved))
    lines = movement_json(moved)["wallets"][0]["lines"]
    assert {name: int(row[name]) for name in LINES} == lines
    assert int(row["opening"]) + sum(lines.values()) == int(row["closing"])
    assert row["check"] == "0"
