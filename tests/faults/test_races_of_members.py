"""Many clients at once on either database: caps are never overrun, an event counts once, of two merges one wins."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, events, merging
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.idempotency import remembered
from loyalty_engine.services.purchase_batches import post_many
from rules.errors import Refusal
from rules.events import Event
from tests.builders import ADMIN, STAFF
from tests.faults.test_races import SIMPLE, answers, at_once
from tests.ledger import TEA_CLUB, assert_clean, figures, line, open_shop, post, rows, said, sold, take_return

WITH_EVENTS = SIMPLE + (
    "events:\n"
    "  - {id: review, event: review, wallet: leaves, points: 30, once_per: [sku], cap: {per: ever, points: 100}}\n"
    "  - {id: survey, event: survey, wallet: leaves, points: 7, pending: {until: checked}}\n"
)


@pytest.fixture
def shop(application: Flask) -> Iterator[Flask]:
    """A shop on each database; tables are emptied by `open_shop`."""
    with application.app_context():
        yield application


def happen(member: str, event_id: str, event: str, of: str | None = None, **facts: Any) -> Answer:
    return events.post(STAFF, member, Event(event_id, event, clock.now(), facts, of))


def merge(old: str, into: str) -> Answer:
    return merging.merge(STAFF, old, into, "one person")


def test_a_members_cap_is_never_overrun(shop: Flask) -> None:
    """260 leaves a day from base and green, which ask for 150 each time."""
    ann, *_ = open_shop(TEA_CLUB)
    answers(at_once(shop, [partial(post, sold(f"p{number}", ann)) for number in range(8)]))
    days = {str(row["start"]): row["used"] for row in rows(_USED)}
    assert sum(days.values()) <= 260 * len(days)
    assert max(days.values()) == 260
    assert_clean()


_USED = "SELECT period_start AS start, used FROM cap_uses WHERE cap_id = 'leaves-a-day/day'"


def test_a_cap_over_everyone_is_never_overrun_and_used_up(shop: Flask) -> None:
    """90 petals a month for all, of which each purchase asks 30; half come by tills, half in batches."""
    members = open_shop(TEA_CLUB, members=6)
    tills = [partial(post, sold(f"p{number}", members[number % 6])) for number in range(6)]
    batch = [sold(f"b{number}", members[number % 6]) for number in range(6)]
    results = at_once(shop, [*tills, partial(post_many, ADMIN, batch)])
    assert not [one for one in results if isinstance(one, Refusal)]
    used = rows("SELECT SUM(used) AS used, COUNT(*) AS months FROM budgets")[0]
    given = rows("SELECT SUM(points) AS points FROM ledger_entries WHERE wallet = 'petals'")[0]
    assert int(given["points"]) == int(used["used"]) == 90 * used["months"]
    assert_clean()


def test_returns_that_race_purchases_give_the_budget_back_exactly(shop: Flask) -> None:
    members = open_shop(TEA_CLUB, members=4)
    for number, member in enumerate(members):
        post(sold(f"p{number}", member))
    work: list[Any] = [partial(take_return, f"p{number}", "x") for number in range(4)]
    answers(at_once(shop, work + [partial(post, sold(f"q{number}", members[number])) for number in range(4)]))
    assert all(int(row["used"]) <= 90 for row in rows("SELECT used FROM budgets"))
    assert_clean()


def test_one_event_sent_many_times_at_once_has_one_effect_and_one_answer(shop: Flask) -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    at = clock.now()
    same = partial(events.post, STAFF, ann, Event("e1", "review", at, {"sku": "TEA"}))
    given = answers(at_once(shop, [same] * 12))
    assert len({one.body for one in given}) == 1
    assert Counter(one.status for one in given) == {201: 1, 200: 11}
    assert figures(ann)["leaves"] == (30, 0, 0, 0)
    assert_clean()


def test_many_events_at_once_keep_to_once_and_to_the_cap(shop: Flask) -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    work = [partial(happen, ann, f"e{number}", "review", sku=f"S{number % 5}") for number in range(15)]
    answers(at_once(shop, work))
    assert figures(ann)["leaves"] == (100, 0, 0, 0)
    assert rows("SELECT COUNT(*) AS count FROM event_onces") == [{"count": 4}]
    assert_clean()


def test_what_waits_for_an_event_matures_once_in_whatever_order_the_two_come(shop: Flask) -> None:
    ann, *_ = open_shop(WITH_EVENTS)
    work = [partial(happen, ann, f"s{number}", "survey") for number in range(4)]
    work += [partial(happen, ann, f"c{number}", "checked", of=f"s{number % 4}") for number in range(8)]
    answers(at_once(shop, work))
    assert figures(ann)["leaves"] == (28, 0, 0, 0)
    assert_clean()


def test_takings_by_hand_never_go_below_nothing(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 100, "a start"))
    results = at_once(shop, [partial(adjustments.adjust, STAFF, ann, Adjustment("leaves", -30, "less"))] * 8)
    assert [one.code for one in results if isinstance(one, Refusal)] == ["insufficient_points"] * 5
    assert figures(ann)["leaves"] == (10, 0, 0, 0)
    assert_clean()


def test_one_adjustment_sent_with_one_key_is_made_once(shop: Flask) -> None:
    ann, *_ = open_shop(SIMPLE)

    def work(connection: sa.Connection) -> Answer:
        return adjustments.adjust_in(connection, STAFF, ann, Adjustment("leaves", 5, "sorry"))

    given = answers(at_once(shop, [partial(remembered, STAFF, "k-1", "POST", "/x", b"{}", work)] * 8))
    assert len({one.body for one in given}) == 1
    assert figures(ann)["leaves"] == (5, 0, 0, 0)
    assert_clean()


def test_of_two_merges_into_each_other_one_wins(shop: Flask) -> None:
    for _ in range(6):
        ann, ben, _ = open_shop(SIMPLE)
        post(sold("p1", ann))
        post(sold("p2", ben))
        results = at_once(shop, [partial(merge, ann, ben), partial(merge, ben, ann)])
        assert [one.code for one in results if isinstance(one, Refusal)] == ["already_merged"]
        (kept,) = (said(one)["member_id"] for one in results if isinstance(one, Answer))
        assert figures(kept)["leaves"] == (300, 0, 0, 0)
        assert_clean()


def test_merges_in_a_circle_leave_one_member_with_everything(shop: Flask) -> None:
    for _ in range(4):
        ann, ben, cleo = members = open_shop(SIMPLE)
        for number, member in enumerate(members):
            post(sold(f"p{number}", member, line(amount=1_000)))
        work = [partial(merge, ann, ben), partial(merge, ben, cleo), partial(merge, cleo, ann)]
        results = at_once(shop, work)
        left = rows("SELECT member_id FROM members WHERE status = 'active'")
        merged = sum(isinstance(one, Answer) for one in results)
        assert len(left) == 3 - merged
        assert merged >= 1
        total = rows("SELECT SUM(available) AS available FROM accounts WHERE wallet = 'leaves'")
        assert int(total[0]["available"]) == 45
        assert_clean()


def test_a_merge_that_races_purchases_returns_and_events_loses_nothing(shop: Flask) -> None:
    for turn in range(4):
        ann, ben, _ = open_shop(WITH_EVENTS)
        for number in range(4):
            post(sold(f"p{number}", ann, line(amount=1_000)))
        work: list[Any] = [partial(merge, ann, ben)]
        work += [partial(post, sold(f"q{number}", ann, line(amount=1_000))) for number in range(4)]
        work += [partial(post_many, ADMIN, [sold(f"b{number}", ann, line(amount=1_000)) for number in range(3)])]
        work += [partial(take_return, f"p{number}", "x") for number in range(3)]
        work += [partial(happen, ann, f"e{number}", "survey") for number in range(3)]
        results = at_once(shop, work)
        assert not [one for one in results if isinstance(one, Refusal)], turn
        assert figures(ann).get("leaves", (0, 0, 0, 0)) == (0, 0, 0, 0)
        kept = rows("SELECT SUM(points) AS points FROM ledger_entries WHERE wallet = 'leaves'")[0]["points"]
        available, pending, _, debt = figures(ben)["leaves"]
        assert available + pending - debt == int(kept)
        assert pending == 21
        assert rows("SELECT purchases_count FROM members WHERE member_id = :m", m=ben) == [{"purchases_count": 11}]
        assert_clean()
