"""Events give what their rules say: once for each id, within caps by period, pending for a time or until another event."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, events, member_changes
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from rules.errors import Refusal
from rules.events import Event
from tests.builders import STAFF, done, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import TEA_CLUB, assert_clean, dump, figures, open_shop, post, rows, said, sold, spend, take_return

WITH_EVENTS = (
    TEA_CLUB
    + """\
events:
  - {id: review, event: review, wallet: leaves, points: 30, once_per: [purchase, sku], pending: 7 days, cap: {per: month, points: 80}}
  - {id: visit, event: check-in, wallet: stamps, points: 1, cap: {per: day, points: 2}}
  - {id: survey, event: survey, wallet: petals, points: 9, pending: {until: checked}}
  - {id: survey-thanks, event: survey, wallet: leaves, points: 2}
"""
)


@pytest.fixture(autouse=True)
def _noon(app: Flask, frozen_clock: FrozenClock) -> None:
    """All of this happens at noon, unless a test moves on."""


def happen(
    member: str, event_id: str, event: str, of: str | None = None, at: datetime | None = None, **facts: Any
) -> Answer:
    return events.post(STAFF, member, Event(event_id, event, at or clock.now(), facts, of))


def gave(answer: Answer) -> list[tuple[str, int, int, str | None]]:
    return [(one["rule"], one["points"], one["pending"], one.get("because")) for one in said(answer)["points"]]


def refused(code: str, *work: Any) -> None:
    before = dump()
    with pytest.raises(Refusal) as caught:
        work[0](*work[1:])
    assert caught.value.code == code
    assert dump() == before


def test_an_event_gives_once_whoever_sends_it_again() -> None:
    ann, ben, _ = open_shop(WITH_EVENTS)
    first = happen(ann, "e1", "review", purchase="p1", sku="TEA")
    assert (first.status, gave(first)) == (201, [("review", 30, 30, None)])
    before = dump()
    again = happen(ann, "e1", "review", purchase="p1", sku="TEA")
    assert (again.status, again.body, again.replayed) == (200, first.body, True)
    assert dump() == before
    refused("event_differs", lambda: happen(ann, "e1", "review", purchase="p1", sku="CUP"))
    refused("event_differs", lambda: happen(ann, "e1", "survey", purchase="p1", sku="TEA"))
    refused("event_differs", lambda: happen(ann, "e1", "review", at=NOON - timedelta(1), purchase="p1", sku="TEA"))
    refused("facts_personal", lambda: happen(ann, "e2", "review", by="li.wei@example.com"))
    refused("facts_personal", lambda: happen(ann, "e2", "review", by="+8613912345678"))
    assert gave(happen(ben, "e1", "review", purchase="p1", sku="TEA")) == [("review", 30, 30, None)]
    assert figures(ann)["leaves"] == (0, 30, 0, 0)
    assert_clean()


def test_a_rule_gives_once_for_the_facts_that_it_names() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    happen(ann, "e1", "review", purchase="p1", sku="TEA", stars=5)
    assert gave(happen(ann, "e2", "review", purchase="p1", sku="TEA", stars=1)) == [("review", 0, 0, "once_used")]
    assert gave(happen(ann, "e3", "review", sku="TEA")) == [("review", 0, 0, "fact_missing")]
    assert gave(happen(ann, "e4", "review", purchase="p2", sku="TEA")) == [("review", 30, 30, None)]
    assert_clean()


def test_a_cap_gives_what_room_is_left_and_has_room_again_in_the_next_period() -> None:
    """The period is the one in which it happened, by the programme's clock: Shanghai is eight hours ahead."""
    ann, *_ = open_shop(WITH_EVENTS)
    last = datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC)
    with clock.frozen(last + timedelta(days=3)):
        given = [happen(ann, f"e{one}", "review", at=last, purchase=f"p{one}", sku="TEA") for one in range(4)]
        assert [gave(one)[0][1:] for one in given] == [
            (30, 30, None),
            (30, 30, None),
            (20, 20, "cap_reached"),
            (0, 0, "cap_reached"),
        ]
        after = happen(ann, "e9", "review", at=last + timedelta(seconds=1), purchase="p9", sku="TEA")
        assert gave(after) == [("review", 30, 30, None)]
        again = happen(ann, "e10", "review", at=last + timedelta(seconds=1), purchase="p3", sku="TEA")
        assert gave(again) == [("review", 30, 30, None)], "what gave nothing was not used up"
        assert_clean()


@pytest.mark.parametrize(("days", "pending"), [(6, 30), (7, 0), (8, 0)])
def test_points_wait_as_long_as_the_rule_says_from_the_day_it_happened(days: int, pending: int) -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    with clock.frozen(NOON + timedelta(days=days)):
        assert gave(happen(ann, "e1", "review", at=NOON, purchase="p1", sku="TEA"))[0][2] == pending
        (lot,) = rows("SELECT available_on, opened_on, expires_on FROM lots")
        assert [str(one) for one in lot.values()] == ["2026-11-29", "2026-11-22", "2027-11-30"]
        assert_clean()


def test_points_wait_for_the_event_that_names_theirs() -> None:
    ann, ben, _ = open_shop(WITH_EVENTS)
    first = happen(ann, "s1", "survey")
    assert gave(first) == [("survey", 9, 9, None), ("survey-thanks", 2, 0, None)]
    assert figures(ann) == {"petals": (0, 9, 0, 0), "leaves": (2, 0, 0, 0)}
    for event_id, event, of in (("x1", "checked", None), ("x2", "checked", "s2"), ("x3", "opened", "s1")):
        assert said(happen(ann, event_id, event, of))["matured"] == []
    assert said(happen(ben, "x1", "checked", "s1"))["matured"] == [], "it is another member's"
    done = happen(ann, "x4", "checked", "s1")
    assert said(done)["matured"] == [{"rule": "survey", "wallet": "petals", "points": 9}]
    assert figures(ann)["petals"] == (9, 0, 0, 0)
    assert happen(ann, "x4", "checked", "s1").body == done.body
    assert said(happen(ann, "x5", "checked", "s1"))["matured"] == [], "it waits no longer"
    assert happen(ann, "s1", "survey").body == first.body
    assert_clean()


def test_what_it_would_wait_for_may_have_come_first() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    happen(ann, "x1", "checked", "s1")
    assert gave(happen(ann, "s1", "survey"))[0] == ("survey", 9, 0, None)
    assert gave(happen(ann, "s2", "survey"))[0] == ("survey", 9, 9, None)
    assert figures(ann)["petals"] == (9, 9, 0, 0)
    assert_clean()


def test_what_becomes_available_pays_debt_first() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    happen(ann, "s1", "survey")
    post(sold("p1", ann, at=NOON - timedelta(days=20)))
    spend(ann, "petals", 25)
    take_return("p1", "x1")
    debt = figures(ann)["petals"][3]
    assert debt > 9
    assert said(happen(ann, "x1", "checked", "s1"))["matured"][0]["points"] == 9
    assert figures(ann)["petals"] == (0, 0, 0, debt - 9)
    assert_clean()


def test_the_version_in_force_when_it_happened_judges() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    with clock.frozen(NOON + timedelta(days=1)):
        publish(WITH_EVENTS.replace("points: 2}", "points: 5}"))
        assert gave(happen(ann, "s1", "survey", at=NOON))[1][1] == 2
        assert gave(happen(ann, "s2", "survey"))[1][1] == 5
        assert gave(happen(ann, "s3", "nothing-known")) == []
        assert_clean()


def test_events_count_for_no_tier_and_renew_nothing() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    post(sold("p1", ann))
    (before,) = rows("SELECT active_on FROM accounts WHERE wallet = 'stamps'")
    qualified = dump()["qualifying_days"]
    with clock.frozen(NOON + timedelta(days=9)):
        happen(ann, "c1", "check-in")
        assert rows("SELECT active_on FROM accounts WHERE wallet = 'stamps'") == [before]
        assert dump()["qualifying_days"] == qualified
        assert_clean()


def test_who_is_not_active_gets_nothing_until_then() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    first = happen(ann, "s1", "survey")
    done(member_changes.suspend_in, STAFF, ann, "looks odd")
    refused("member_not_active", lambda: happen(ann, "s2", "survey"))
    assert happen(ann, "s1", "survey").body == first.body
    done(member_changes.resume_in, STAFF, ann, "it was not")
    assert happen(ann, "s2", "survey").status == 201


def adjust(member: str, points: int, wallet: str = "leaves", **more: Any) -> Answer:
    return adjustments.adjust(STAFF, member, Adjustment(wallet, points, more.pop("reason", "an apology"), **more))


def test_points_by_hand_have_who_and_why_and_an_end() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    answer = said(adjust(ann, 50))
    assert answer["balances"][0]["available"] == 50
    adjust(ann, 7, expires_on=NOON.date())
    adjust(ann, 3, "petals")
    entry = rows("SELECT kind, actor, reason, lifetime FROM ledger_entries WHERE points = 50")[0]
    assert entry == {"kind": "adjustment", "actor": str(STAFF), "reason": "an apology", "lifetime": 50}
    ends = {row["granted"]: str(row["expires_on"]) for row in rows("SELECT granted, expires_on FROM lots")}
    assert ends == {50: "2027-11-30", 7: "2026-11-22", 3: "2027-12-31"}
    assert figures(ann)["petals"] == (3, 0, 0, 0), "the wallet's waiting time is for purchases"
    logged = rows("SELECT detail FROM audit_log WHERE action = 'member.adjust' ORDER BY at")
    assert "an apology" in logged[0]["detail"]
    adjust(ann, -55)
    left = rows("SELECT granted, remaining FROM lots WHERE wallet = 'leaves' ORDER BY granted")
    assert left == [{"granted": 7, "remaining": 0}, {"granted": 50, "remaining": 2}], "soonest end first"
    assert_clean()


@pytest.mark.parametrize(("points", "available"), [(-99, 1), (-100, 0)])
def test_never_more_is_taken_than_is_available(points: int, available: int) -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    adjust(ann, 100)
    adjust(ann, points)
    assert figures(ann)["leaves"] == (available, 0, 0, 0)
    with pytest.raises(Refusal) as caught:
        adjust(ann, -1 - available)
    assert caught.value.code == "insufficient_points"
    assert str(available) in caught.value.detail
    assert_clean()


def test_points_by_hand_pay_a_debt() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    post(sold("p1", ann))
    spend(ann, "leaves", 150)
    take_return("p1", "x1")
    adjust(ann, 100)
    assert figures(ann)["leaves"] == (0, 0, 0, 50)
    adjust(ann, 60)
    assert figures(ann)["leaves"] == (10, 0, 0, 0)
    assert_clean()


def test_what_cannot_be_right_is_refused_and_nothing_is_half_done() -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    adjust(ann, 10)
    yesterday = NOON.date() - timedelta(days=1)
    refused("adjustment_invalid", adjust, ann, 0)
    refused("adjustment_invalid", adjust, ann, 10**9 + 1)
    refused("adjustment_invalid", adjust, ann, -(10**9) - 1)
    refused("adjustment_invalid", lambda: adjust(ann, 5, expires_on=yesterday))
    refused("adjustment_invalid", lambda: adjust(ann, -5, expires_on=NOON.date()))
    refused("wallet_not_found", adjust, ann, 5, "pips")
    refused("wallet_not_found", adjust, ann, -5, "pips")
    refused("member_not_found", adjust, "01a2b3c4-0000-7000-8000-000000000000", 5)
    refused("reason_missing", lambda: adjust(ann, 5, reason=" "))
    refused("reason_personal", lambda: adjust(ann, 5, reason="asked by li@example.com"))
    refused("insufficient_points", adjust, ann, -11)
    adjust(ann, 10**9)
    assert figures(ann)["leaves"][0] == 10**9 + 10
    assert_clean()
