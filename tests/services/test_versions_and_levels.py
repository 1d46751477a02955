"""Levels across versions of the programme: a late purchase under an older one moves nobody down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import auditing, balances, enrolment, publishing, purchases, returns
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.intake import MemberReference, PostedPurchase, ReturnRequest
from loyalty_engine.services.purchase_documents import decode_json
from rules.facts import Line, Purchase
from tests.builders import ADMIN, PROGRAMME, TILL, done, open_store, publish
from tests.conftest import FrozenClock

PLATINUM = PROGRAMME + "    - {id: platinum, name: {en: Platinum}, from: 5000}\n"


def bought(number: str, member_id: str, amount_minor: int) -> PostedPurchase:
    purchase = Purchase(clock.now(), (Line("1", "TEA", 1, amount_minor),), "CNY")
    return PostedPurchase(number, None, None, MemberReference(member_id=member_id), None, purchase)


@pytest.fixture
def member_id(app: Flask, frozen_clock: FrozenClock) -> str:
    publish()
    open_store()
    answer = done(enrolment.enrol_in, ADMIN, NewMember())
    found: str = decode_json(answer.body.decode())["member_id"]
    return found


def test_a_late_purchase_under_an_older_version_lowers_nobody(member_id: str, frozen_clock: FrozenClock) -> None:
    late = bought("late", member_id, 1000)
    frozen_clock.move(timedelta(hours=1))
    publishing.publish(ADMIN, PLATINUM, None, "a higher level")
    frozen_clock.move(timedelta(hours=1))
    purchases.post(TILL, bought("big", member_id, 600_000))
    assert balances.tier(member_id)["level"] == "platinum"

    answer = decode_json(purchases.post(TILL, late).body.decode())

    assert answer["tier"]["upgraded"] is False
    assert balances.tier(member_id)["level"] == "platinum"
    assert auditing.audit().clean


@pytest.mark.parametrize("over", ["member", "everyone"])
@pytest.mark.parametrize(("before", "after"), [("day", "month"), ("month", "day"), ("week", "year"), ("day", "ever")])
def test_a_cap_whose_period_a_version_changes_starts_anew(
    member_id: str, frozen_clock: FrozenClock, before: str, after: str, over: str
) -> None:
    """The first of June 2026 is a Monday: a day, a week and a month begin."""
    frozen_clock.set(datetime(2026, 6, 1, 4, tzinfo=UTC))

    def capped(per: str) -> str:
        return (
            PROGRAMME
            + f"caps:\n  - {{id: most, wallet: leaves, rules: [base], per: {per}, over: {over}, points: 100}}\n"
        )

    def earned(number: str) -> int:
        answer = decode_json(purchases.post(TILL, bought(number, member_id, 8_000)).body.decode())
        return sum(one["points"] for one in answer["points"])

    publishing.publish(ADMIN, capped(before), None, "a cap")
    frozen_clock.move(timedelta(minutes=1))
    assert [earned("one"), earned("two")] == [80, 20]
    publishing.publish(ADMIN, capped(after), None, "another period")
    frozen_clock.move(timedelta(minutes=1))
    assert [earned("three"), earned("four")] == [80, 20]
    done(returns.take_in, TILL, ReturnRequest("one", "R-1", None))
    assert earned("five") == 0, "what comes back of the old period makes no room in the new one"
    assert auditing.audit().clean


def test_an_upgrade_counts_for_the_next_purchase_of_the_same_second(member_id: str) -> None:
    doubled = PROGRAMME.replace("from: 1000}", "from: 1000, multiply: 2, wallet: leaves}")
    publishing.publish(ADMIN, doubled, clock.now() + timedelta(seconds=1), "gold earns twice")
    at = clock.now() + timedelta(seconds=1)
    first, second = bought("one", member_id, 100_000), bought("two", member_id, 10_000)
    purchases.post(TILL, replace(first, purchase=replace(first.purchase, occurred_at=at)))
    answer = purchases.post(TILL, replace(second, purchase=replace(second.purchase, occurred_at=at)))
    assert decode_json(answer.body.decode())["points"] == [{"wallet": "leaves", "points": 200, "pending": 0}]
