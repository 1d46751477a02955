"""The set-based statements of the nightly runs give the rows that the ledger's moves give, lot by lot."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services.jobs import nights
from loyalty_engine.store.nights.dates import later
from loyalty_engine.store.session import db
from rules.periods import Period, plus
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, dump, open_shop
from tests.nights import LAPSING_CLUB, SILENT_CLUB, by_hand, grant, noon, restore, take_back, use

EXAMPLES = {"ci": 6, "thorough": 1_000}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

FIRST = date(2026, 1, 20)
WALLETS = ("leaves", "petals", "stamps")


@dataclass(frozen=True)
class Act:
    """What happens on a day, some days after the first one."""

    what: str
    member: int
    wallet: str
    points: int
    after: int


acts = st.builds(
    Act,
    st.sampled_from(("grant", "grant", "grant", "grant", "take_back", "spend", "hold", "night")),
    st.integers(0, 2),
    st.sampled_from(WALLETS),
    st.integers(1, 90),
    st.integers(0, 12),
)


@pytest.fixture
def frozen() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        FrozenClock(stack, noon(FIRST))
        yield stack


def _play(members: list[str], played: list[Act], stack: ExitStack) -> date:
    day = FIRST
    for one in played:
        day += timedelta(days=one.after)
        stack.enter_context(clock.frozen(noon(day)))
        member = members[one.member]
        match one.what:
            case "grant":
                grant(member, one.wallet, one.points, noon(day))
            case "take_back":
                take_back(member, one.wallet, one.points, noon(day))
            case "spend":
                use(member, one.wallet, one.points, noon(day))
            case "hold":
                use(member, one.wallet, one.points, noon(day), "hold")
            case "night":
                nights.run("night", day)
    return day


def _rows() -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows but those of jobs and of messages: nobody here has a telephone, so that none can be told."""
    found = {name: rows for name, rows in dump().items() if name not in ("job_runs", "idempotency_keys", "messages")}
    return found | {"expiry_notices": [_counted(row) for row in found["expiry_notices"]]}


def _counted(notice: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("planned" if value == "suppressed" else value for value in notice)


@bounded
@given(st.lists(acts, min_size=4, max_size=24), st.integers(0, 80), st.sampled_from((LAPSING_CLUB, SILENT_CLUB)))
def test_a_night_gives_the_rows_that_the_ledger_gives_lot_by_lot(
    app: Flask, frozen: ExitStack, played: list[Act], more: int, programme: str
) -> None:
    frozen.enter_context(clock.frozen(noon(FIRST)))
    members = open_shop(programme)
    tonight = _play(members, played, frozen) + timedelta(days=more)
    before = dump()
    before["job_runs"] = []
    restore(before)
    frozen.enter_context(clock.frozen(noon(tonight + timedelta(days=1))))
    nights.run("night", tonight)
    together = _rows()
    restore(before)
    for member in sorted(members):
        by_hand(member, tonight)
    one_by_one = _rows()
    for table, rows in one_by_one.items():
        assert together[table] == rows, table


@bounded
@given(st.lists(acts.filter(lambda one: one.what != "hold"), min_size=4, max_size=24))
def test_whatever_happens_between_nights_the_audit_finds_nothing(
    app: Flask, frozen: ExitStack, played: list[Act]
) -> None:
    frozen.enter_context(clock.frozen(noon(FIRST)))
    members = open_shop(LAPSING_CLUB)
    day = _play(members, played, frozen) + timedelta(days=70)
    frozen.enter_context(clock.frozen(noon(day)))
    nights.run("night")
    assert_clean()
    before = _rows()
    nights.run("night", day)
    assert _rows() == before


@bounded
@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)),
    st.builds(Period, st.integers(0, 60), st.sampled_from(("days", "weeks", "months", "years"))),
)
def test_the_databases_reckon_with_days_as_the_rules_do(app: Flask, day: date, period: Period) -> None:
    with db.engine.connect() as connection:
        found = connection.scalar(sa.select(later(sa.literal(day, sa.Date), period)))
    assert found == plus(day, period)
