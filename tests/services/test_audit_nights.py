"""The audit names what a night left undone, and lots that say something else than their changes."""

from contextlib import ExitStack
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import ledger
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.posting import Source
from loyalty_engine.store.session import db
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, enrol, open_shop, rows
from tests.nights import LAPSING_CLUB, act, grant, noon

DAY, LAST = date(2026, 1, 31), date(2026, 4, 1)

BREAKS = {
    "a lot's state is another than its last change gave": (
        "UPDATE lots SET state = 'available' WHERE state = 'expired'", 2, "the state is what the last change of state gave"),
    "a lot is expired by nobody": (
        "UPDATE lots SET state = 'expired', remaining = 0 WHERE wallet = 'leaves' AND state = 'available'", 2, "the state is what the last change of state gave"),
    "a lot expires twice": (
        "INSERT INTO lot_changes (member_id, lot_id, seq, taken, held, state) SELECT member_id, lot_id, 1, 0, 0, 'expired' FROM lots WHERE state = 'expired'",
        8, "a lot expires at most once"),
    "a lot waits although its day was run": (
        "UPDATE lots SET state = 'pending' WHERE wallet = 'petals' AND state = 'available'", 8, "nothing waits whose day has been run"),
    "a lot is open although its end was run": (
        "UPDATE lots SET expires_on = '2026-03-01', opened_on = '2026-02-28' WHERE wallet = 'leaves' AND state = 'available'",
        8, "nothing is open that was due on a day that has been run"),
    "a lot is open although its account saw nothing": (
        "UPDATE accounts SET active_on = '2026-01-01' WHERE wallet = 'stamps'; UPDATE lots SET opened_on = '2026-02-28' WHERE wallet = 'stamps'", 8, "nothing is open that was due on a day that has been run"),
    "a notice was planned long ago and the lot is open": (
        "UPDATE lots SET expires_on = '2026-03-20' WHERE wallet = 'leaves' AND state = 'available'; UPDATE expiry_notices SET expires_on = '2026-03-20', planned_on = '2026-03-13', days_before = 7 WHERE wallet = 'leaves'", 8, "nothing is open that was due on a day that has been run"),
}  # fmt: skip


def build() -> str:
    """Lots that expired, lots that are open and noticed, lots that matured; the last night was on 1 April."""
    with ExitStack() as stack:
        at = FrozenClock(stack, noon(DAY))
        (ann,) = open_shop(LAPSING_CLUB, members=1)
        grant(ann, "petals", 50, noon(DAY))
        for day in (date(2026, 2, 18), date(2026, 3, 10), date(2026, 3, 31), LAST):
            at.set(noon(day))
            if day == date(2026, 2, 18):
                grant(ann, "leaves", 50, clock.now())
                grant(ann, "stamps", 60, clock.now())
            if day == date(2026, 3, 10):
                grant(ann, "petals", 7, clock.now())
            nights.run("night")
        assert_clean()
    return ann


def named() -> set[tuple[int, str]]:
    with clock.frozen(noon(LAST)):
        return {(one.rule.invariant, one.rule.says) for one in audit().broken}


def leave_undone(statements: str) -> None:
    with db.engine.begin() as connection:
        for one in statements.split(";"):
            assert connection.execute(sa.text(one)).rowcount, f"nothing was changed by {one}"


@pytest.mark.parametrize("name", BREAKS)
def test_what_a_night_left_undone_is_named(breakable: None, name: str) -> None:
    statements, invariant, says = BREAKS[name]
    leave_undone(statements)
    assert (invariant, says) in named()


def test_postgresql_names_the_same(postgresql_application: Flask) -> None:
    """All at once, but for the one that takes the open lot from the others."""
    chosen = [one for name, one in BREAKS.items() if name != "a lot is expired by nobody"]
    chosen.sort(key=lambda one: one[0].startswith("UPDATE"))
    with postgresql_application.app_context():
        build()
        for statements, _, _ in chosen:
            leave_undone(statements)
        assert named() >= {(invariant, says) for _, invariant, says in chosen}


def test_what_came_after_the_run_is_for_the_next_one(app: Flask) -> None:
    """A late purchase may open a lot whose end has passed already."""
    ann, long_ago = build(), noon(date(2026, 1, 2))
    with clock.frozen(noon(LAST) + timedelta(minutes=5)):
        act(ann, clock.now(), lambda p, s, plan: ledger.grant(
            p, s, plan, plan.programme.wallet("leaves"), 5, Source("gift", "late", long_ago)) and None)  # fmt: skip
        assert_clean()
    with clock.frozen(noon(LAST) + timedelta(days=1)):
        nights.run("night")
        assert_clean()


def test_what_is_booked_while_the_clock_is_behind_a_run_is_not_told_apart_from_what_it_saw(app: Flask) -> None:
    """Points that wait for a day whose run came before the clock was set back; the next night sees to them."""
    build()
    with clock.frozen(noon(LAST) - timedelta(days=2)):
        grant(enrol(), "petals", 9, clock.now() - timedelta(days=13))
        assert rows("SELECT 1 FROM lots WHERE state = 'pending' AND available_on <= '2026-04-01'")
        assert_clean()
    with clock.frozen(noon(LAST) + timedelta(days=1)):
        nights.run("night")
        assert_clean()
