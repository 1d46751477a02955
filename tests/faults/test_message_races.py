"""Messages planned by several at once: each cause once, no limit passed, and a pause holds what was planned beside it."""

from functools import partial
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import message_stopping, redemption_codes
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal
from tests.builders import ADMIN, TILL, done
from tests.conftest import FrozenClock
from tests.faults.test_races import at_once
from tests.ledger import open_shop, rows
from tests.services.test_messages import TELLING, anna


@pytest.fixture
def member(app: Flask, frozen_clock: FrozenClock) -> str:
    open_shop(TELLING, members=0)
    return anna()


def plan(member: str, template: str, cause: str) -> Any:
    wanted = [Wanted(member, template, "occasion", cause)]
    return in_transaction(lambda to: plan_messages(to, plan_for(to, clock.now()), wanted, clock.now()))


def used() -> list[int]:
    return [row["used"] for row in rows("SELECT used FROM limit_uses ORDER BY period_start")]


def test_a_cause_that_is_planned_eight_times_at_once_is_one_message_and_one_use(app: Flask, member: str) -> None:
    found = at_once(app, [partial(plan, member, "qixi", "qixi/2026")] * 8)
    assert sorted(found) == [0] * 7 + [1]
    assert len(rows("SELECT 1 FROM messages")) == 1
    assert used() == [1]


def test_no_day_gets_more_than_its_limit_however_many_plan(app: Flask, member: str) -> None:
    at_once(app, [partial(plan, member, "long", f"{n}") for n in range(6)])
    assert len({row["send_at"] for row in rows("SELECT send_at FROM messages")}) == 6
    assert used() == [1] * 6


def test_a_phone_gets_no_more_codes_also_of_many_tills_at_once(app: Flask, member: str) -> None:
    found = at_once(app, [partial(done, redemption_codes.send_in, TILL, member)] * 8)
    assert sorted(one.code for one in found if isinstance(one, Refusal)) == ["too_many_codes"] * 5
    assert len(rows("SELECT 1 FROM messages")) == 3


def test_what_is_planned_while_a_pause_begins_and_ends_is_not_held_for_ever(app: Flask, member: str) -> None:
    def blink() -> None:
        message_stopping.pause(ADMIN, "sale", "a blink")
        message_stopping.resume(ADMIN, "sale")

    at_once(app, [blink, *(partial(plan, member, "sale", f"{n}") for n in range(6))])
    message_stopping.release_unpaused(clock.now(), 100)
    assert {row["status"] for row in rows("SELECT status FROM messages")} <= {"planned", "suppressed"}
