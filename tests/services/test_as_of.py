"""What a member had on a past day is what it had then, whatever happened since."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings

from loyalty_engine import clock
from loyalty_engine.services import as_of, balances, ledger
from rules.errors import Refusal
from tests.builders import publish
from tests.conftest import NOON, FrozenClock
from tests.histories import LEDGER, Act, History, acts, moved, source
from tests.ledger import (
    TEA_CLUB,
    assert_clean,
    enrol,
    line,
    move,
    open_shop,
    post,
    rows,
    sold,
    spend,
    take_return,
    today,
)

EXAMPLES = {"ci": 20, "thorough": 600}[os.environ.get("LOYALTY_TEST_PROFILE", "ci")]
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        FrozenClock(found, NOON)
        yield found


def now_of(member: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(balances.balances(member))
    return told


def told(member: str, day: date) -> Any:
    """Return what is said of a day, as JSON has it."""
    found = as_of.balances(member, day)
    assert found.pop("as_of") == day.isoformat()
    return json.loads(json.dumps(found))


def without_ends_by_inactivity(balances: Any) -> Any:
    """Return balances without the end of stamps, which lapse by what the member does later."""
    kept = [one | {"next_expiry": None} if one["wallet"] == "stamps" else one for one in balances["balances"]]
    return balances | {"balances": kept}


def lots_stored(member: str) -> Any:
    query = (
        "SELECT lot_id, wallet, granted, remaining, held, state, expires_on FROM lots"
        " WHERE member_id = :member AND remaining > 0 AND state <> 'expired'"
    )
    found = [
        {key: None if value is None else str(value) for key, value in row.items()} for row in rows(query, member=member)
    ]
    return sorted(found, key=lambda one: one["lot_id"])


def lots_told(member: str, day: date) -> Any:
    names = ("lot_id", "wallet", "granted", "remaining", "held", "state", "expires_on")
    told = as_of.lots(member, day)["lots"]
    found = [{name: None if one[name] is None else str(one[name]) for name in names} for one in told]
    return sorted(found, key=lambda one: one["lot_id"])


def level_of(member: str) -> Any:
    found = balances.tier(member)
    return {name: found[name] for name in ("level", "since", "review_on", "history")}


@bounded
@given(acts)
def test_every_past_day_is_as_it_was(app: Flask, stack: ExitStack, acts: list[Act]) -> None:
    stack.enter_context(clock.frozen(NOON))
    history = History(open_shop(members=2), stack)
    seen: dict[tuple[str, date], Any] = {}

    def remember() -> None:
        for member in history.members:
            seen[member, today()] = (now_of(member), lots_stored(member), level_of(member))

    history.play(acts, remember)
    assert_clean(LEDGER)
    for (member, day), (balance, lots, level) in seen.items():
        assert without_ends_by_inactivity(told(member, day)) == without_ends_by_inactivity(balance)
        assert lots_told(member, day) == lots
        then = as_of.tier(member, day)
        assert {name: then[name] for name in level} == level


def test_a_day_ends_at_midnight_in_the_zone_of_the_programme(app: Flask, stack: ExitStack) -> None:
    """In Shanghai it is the 23rd from 16:00 UTC on."""
    ann, *_ = open_shop()
    for at, points in (((15, 59, 59), 1), ((16, 0, 0), 10)):
        stack.enter_context(clock.frozen(datetime(2026, 11, 22, *at, tzinfo=UTC)))
        moved(ann, lambda posting, state, plan, points=points: ledger.grant(
            posting, state, plan, plan.programme.wallet("leaves"), points, source("gift"), "adjustment"))  # fmt: skip
    leaves = [told(ann, date(2026, 11, day))["balances"][0]["available"] for day in (21, 22, 23)]
    assert leaves == [0, 1, 11]


def test_a_late_purchase_counts_from_the_day_on_which_it_was_booked(app: Flask, stack: ExitStack) -> None:
    ann, *_ = open_shop()
    post(sold("p1", ann, at=NOON - timedelta(days=10)))
    assert told(ann, date(2026, 11, 15))["balances"][0]["available"] == 0
    assert told(ann, date(2026, 11, 22))["balances"][0]["available"] > 0


def test_before_there_was_anything_there_was_nothing(app: Flask, stack: ExitStack) -> None:
    ann, *_ = open_shop()
    post(sold("p1", ann))
    found = as_of.balances(ann, date(1999, 1, 1))
    assert {(one["available"], one["next_expiry"]) for one in found["balances"]} == {(0, None)}
    assert as_of.lots(ann, date(1999, 1, 1))["lots"] == []
    assert as_of.tier(ann, date(1999, 1, 1)) == {
        "member_id": ann,
        "as_of": "1999-01-01",
        "level": None,
        "since": None,
        "review_on": None,
        "history": [],
    }


@pytest.mark.parametrize("ask", [as_of.balances, as_of.lots, as_of.tier])
def test_a_day_to_come_and_a_member_that_is_not_there_are_refused(app: Flask, stack: ExitStack, ask: Any) -> None:
    ann, *_ = open_shop()
    assert ask(ann, date(2026, 11, 22))
    with pytest.raises(Refusal) as refused:
        ask(ann, date(2026, 11, 23))
    assert (refused.value.code, list(refused.value.errors)) == ("as_of_future", ["as_of"])
    with pytest.raises(Refusal) as refused:
        ask("01a2b3c4-0000-7000-8000-000000000000", date(2026, 11, 22))
    assert refused.value.code == "member_not_found"


def test_lots_without_a_day_are_todays(app: Flask, stack: ExitStack) -> None:
    ann, *_ = open_shop()
    post(sold("p1", ann))
    spend(ann, "leaves", 7)
    assert as_of.lots(ann, None) == as_of.lots(ann, today())
    soonest, *_ = as_of.lots(ann, None)["lots"]
    assert (soonest["wallet"], soonest["granted"] - soonest["remaining"]) == ("leaves", 7)


def test_wallets_are_those_of_the_version_that_was_in_force(app: Flask, stack: ExitStack) -> None:
    """A wallet that was given up is told as long as something is in it."""
    ann, *_ = open_shop()
    post(sold("p1", ann))
    stack.enter_context(clock.frozen(NOON + timedelta(days=1)))
    publish(TEA_CLUB.replace("zone: Asia/Shanghai", "zone: Asia/Shanghai\nlate_days: 31").replace("late_days: 30\n", "")
            .replace("  - {id: petals, name: Petals,", "  - {id: buds, name: Buds, rounding: floor, expiry: never}\n  - {id: petals, name: Petals,"))  # fmt: skip
    stack.enter_context(clock.frozen(NOON + timedelta(days=2)))
    wallets = [[one["wallet"] for one in told(ann, date(2026, 11, day))["balances"]] for day in (22, 23)]
    assert wallets == [["leaves", "petals", "stamps"], ["leaves", "buds", "petals", "stamps"]]


def test_a_move_to_another_member_changes_no_past_day(app: Flask, stack: ExitStack) -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann, line(amount=30_000)))
    before = told(ann, date(2026, 11, 22)), as_of.tier(ann, date(2026, 11, 22))
    stack.enter_context(clock.frozen(NOON + timedelta(days=3)))
    take_return("p1", "x1", {"1": 1})
    move("p1", ben)
    assert (told(ann, date(2026, 11, 22)), as_of.tier(ann, date(2026, 11, 22))) == before
    assert told(ann, date(2026, 11, 25))["balances"][0]["available"] == 0
    assert_clean()


def test_a_member_who_joined_later_had_nothing_then(app: Flask, stack: ExitStack) -> None:
    open_shop()
    late = enrol()
    assert told(late, date(2026, 11, 20))["balances"][0]["available"] == 0
