"""The outbox of webhooks: everything that happens to a member is in it, once, in order, and nothing personal."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, cards, events, manual_levels, member_changes, merging, redemptions
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.manual_levels import ManualLevel
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.reviews import review_day
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.services.voucher_endings import expire_due, release_held
from loyalty_engine.services.voucher_redeeming import hold_in, redeem_in
from loyalty_engine.store.session import db, in_transaction
from rules.events import Event
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, TILL, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    capture,
    dump,
    enrol,
    hold,
    line,
    open_shop,
    post,
    redeem,
    redeem_reward,
    release,
    rows,
    sold,
    take_return,
    today,
    voucher_codes,
)
from tests.nights import SILENT_CLUB, by_hand, grant, noon, restore, take_back, use
from tests.webhooks import cursors, outbox, target, telling

CRM = target("http://127.0.0.1:9/hook")
WITH_EVENT = REWARDED + "events:\n  - {id: review, event: review, wallet: leaves, points: 30}\n"


@pytest.fixture(autouse=True)
def told(app: Flask, frozen_clock: FrozenClock) -> Iterator[None]:
    with telling(app, CRM):
        yield


def said(member: str) -> list[str]:
    """Return what a member's events tell of, in their order."""
    found = [(one["kind"], one["payload"]) for one in outbox() if one["member_id"] == member]
    return [f"{kind} {what.get('entry') or what.get('change') or what.get('level')}" for kind, what in found]


def test_without_a_target_nothing_is_written(app: Flask) -> None:
    with telling(app):
        (ann,) = open_shop(WITH_EVENT, members=1)
        post(sold("p1", ann))
        redeem(ann, 20)
        redeem_reward(ann, "cake", "a gift")
        in_transaction(partial(redeem_in, actor=ADMIN, code=voucher_codes(ann)[0], purchase_id=None, store_id=None))
        member_changes.change(STAFF, ann, Changes(name="Ann"))
    assert outbox() == cursors() == []
    assert rows("SELECT last_event FROM members") == [{"last_event": 0}]


def test_what_tills_do_is_told_in_its_order() -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    post(sold("p1", ann))
    redeem(ann, 20)
    capture(hold(ann, 20))
    release(hold(ann, 30))
    take_return("p1", "x1", {"1": 1})
    events.post(STAFF, ann, Event("e1", "review", NOON, {}))
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 5, "why"))
    assert said(ann) == [
        "member enrolled",
        "accrual accrual", "accrual accrual", "accrual accrual", "tier silver",
        "redemption redemption",
        "redemption hold", "redemption redemption",
        "redemption hold", "redemption release",
        "accrual reversal", "accrual reversal", "accrual reversal",
        "accrual accrual",
        "accrual adjustment",
    ]  # fmt: skip
    entries = rows("SELECT seq, kind, wallet, points, available FROM ledger_entries ORDER BY seq")
    told = [one["payload"] for one in outbox() if one["kind"] in ("accrual", "redemption")]
    assert [{**one, "kind": one["entry"]} | {"seq": one["seq"]} for one in told] == [
        {**full, **entry} for full, entry in zip([{**one, "kind": one["entry"]} for one in told], entries, strict=True)
    ]
    assert [one["event_no"] for one in outbox()] == [*range(1, len(told) + 3)]
    assert_clean()


def test_what_becomes_of_a_voucher_is_told(frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    for _ in range(3):
        redeem_reward(ann, "cake", "a gift")
    first, second, third = voucher_codes(ann)
    use = {"actor": TILL, "purchase_id": None, "store_id": None}
    in_transaction(partial(hold_in, code=first, length=timedelta(minutes=5), **use))
    frozen_clock.move(timedelta(minutes=5))
    assert release_held(clock.now()) == 1
    post(sold("p1", ann, line("cake", 1, 2000, "cake"), vouchers=(first,)))
    take_return("p1", "x1")
    in_transaction(partial(redeem_in, code=second, **use))
    in_transaction(partial(cancel_in, actor=STAFF, code=third, reason="printed twice"))
    frozen_clock.move(timedelta(days=40))
    assert expire_due(today()) == 1
    assert [one for one in said(ann) if one.startswith("voucher")] == [
        "voucher issued", "voucher issued", "voucher issued", "voucher held", "voucher released", "voucher redeemed",
        "voucher returned", "voucher redeemed", "voucher cancelled", "voucher expired",
    ]  # fmt: skip
    assert_clean()


def test_what_changes_of_a_member_is_told_by_ids_and_the_names_of_fields_alone(frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    ben = enrol(name="Ben Mallory", phone="+8613800138000", email="ben@example.com", cards=("6300000000000017",))
    redeem_reward(ben, "cake", "he is kind")
    code = voucher_codes(ben)[0]
    birthday = Birthday(2, 29, 1984, "solar", leap_month=False)
    member_changes.change(STAFF, ben, Changes(name="Benjamin Mallory", phone="+8613800138001", birthday=birthday))
    member_changes.put_consent(STAFF, ben, GivenConsent("sms", "marketing", True, NOON, "said so to Mallory"))
    done(member_changes.suspend_in, ADMIN, ben, "Mallory looks odd")
    done(member_changes.resume_in, ADMIN, ben, "Mallory is fine")
    done(cards.block_in, STAFF, "6300000000000017", "Mallory lost it")
    done(manual_levels.put_in, STAFF, ben, ManualLevel("gold", date(2027, 1, 1), "Mallory is famous"))
    merging.merge(STAFF, ben, ann, "Mallory is Ann")
    assert [one for one in said(ben) if one.startswith("member")] == [
        "member enrolled", "member changed", "member changed", "member suspended", "member resumed", "member changed",
        "member merged",
    ]  # fmt: skip
    assert [one for one in said(ann) if one[:6] in ("member", "vouche", "tier g")] == [
        "member enrolled", "tier gold", "voucher issued", "member merged_with",
    ]  # fmt: skip
    told = json.dumps([one["payload"] for one in outbox()])
    assert '"birthday", "name", "phone"' in told
    for personal in ("Mallory", "13800138", "ben@", "1984", "6300000000000017", code):
        assert personal not in told
    assert_clean({13, 14})


def test_a_batch_tells_of_each_purchase_once(app: Flask) -> None:
    ann, ben, _ = open_shop(WITH_EVENT)
    posted = [sold(f"p{number}", (ann, ben)[number % 2]) for number in range(6)]
    post_many(ADMIN, posted)
    post_many(ADMIN, posted)
    seqs = [(one["member_id"], one["payload"]["seq"]) for one in outbox() if "seq" in one["payload"]]
    assert len(seqs) == len(set(seqs)) == len(rows("SELECT 1 FROM ledger_entries"))
    assert_clean()


def test_a_target_is_woken_by_the_kinds_that_it_asked_for_alone(app: Flask) -> None:
    with telling(app, target("https://a.example/", "a", ("tier",)), target("https://b.example/", "b", ("voucher",))):
        (ann,) = open_shop(WITH_EVENT, members=1)
        assert cursors() == []
        post(sold("p1", ann))
        assert [(one["target"], one["delivered"], one["next_at"] is None) for one in cursors()] == [("a", 1, False)]
    assert_clean()


def test_a_target_that_is_new_is_told_of_what_happens_from_then_on(app: Flask) -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    late = target("https://late.example/", "late")
    with telling(app, CRM, late):
        post(sold("p1", ann))
    assert {one["target"]: one["delivered"] for one in cursors()} == {"crm": 0, "late": 1}


def _nightly(told: list[dict[str, Any]]) -> list[Any]:
    left_out = ("event_no", "at", "member_id")
    return [{name: value for name, value in one.items() if name not in left_out} for one in told]


def test_nights_tell_what_the_same_moves_one_by_one_tell(app: Flask, frozen_clock: FrozenClock) -> None:
    day = date(2026, 1, 31)
    frozen_clock.set(noon(day))
    with telling(app):
        ann, ben, _ = open_shop(SILENT_CLUB)
        for member in (ann, ben):
            for points in (10, 20, 30):
                grant(member, "petals", points, noon(day))
                grant(member, "leaves", points, noon(day))
            take_back(member, "petals", 25, noon(day))
            use(member, "leaves", 15, noon(day), "hold")
    before = dump()
    for job, tonight in (("pending", date(2026, 2, 14)), ("expiry", date(2026, 4, 1))):
        frozen_clock.set(noon(tonight))
        nights.run(job, tonight)
    by_night = outbox()
    restore(before)
    for tonight in (date(2026, 2, 14), date(2026, 4, 1)):
        for member in (ann, ben):
            with clock.frozen(noon(tonight)):
                by_hand(member, tonight)
    moved = outbox()
    assert len(by_night) == len(moved) == 2 * (3 + 2 + 2)
    times = ("booked_at", "occurred_at")
    for one, other in zip(by_night, moved, strict=True):
        assert (one["member_id"], one["event_no"]) == (other["member_id"], other["event_no"])
        assert {**one["payload"], **dict.fromkeys(times)} == {**other["payload"], **dict.fromkeys(times)}
    assert [one["kind"] for one in by_night] == [one["kind"] for one in moved]


def test_times_in_a_nights_events_are_rfc_3339(app: Flask, frozen_clock: FrozenClock) -> None:
    day = date(2026, 1, 31)
    frozen_clock.set(noon(day))
    (ann,) = open_shop(SILENT_CLUB, members=1)
    grant(ann, "leaves", 10, noon(day))
    frozen_clock.set(noon(date(2026, 4, 1)))
    nights.run("expiry")
    (lapsed,) = [one["payload"] for one in outbox() if one["kind"] == "expiry"]
    assert lapsed["booked_at"] in ("2026-04-01T04:00:00.000000Z", "2026-04-01T04:00:00Z")
    assert [one["last_event"] for one in rows("SELECT last_event FROM members")] == [3]
    assert_clean()


def test_a_review_tells_of_the_level(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, ben, _ = open_shop(REWARDED)
    post(sold("p1", ann))
    frozen_clock.move(timedelta(days=400))
    review_day(today(), None)
    assert [one for one in said(ann) if one.startswith("tier")] == ["tier silver", "tier plain"]
    assert said(ben) == ["member enrolled"]
    assert_clean()


# The audit


def test_the_audit_finds_an_outbox_that_lost_an_event(app: Flask) -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    post(sold("p1", ann))
    assert_clean()
    for broken, says in (
        ("DELETE FROM webhook_events WHERE event_no = 2", "a member's events have no gap through the last one"),
        ("DELETE FROM webhook_events WHERE event_no = 5", "a member's events have no gap through the last one"),
        ("DELETE FROM webhook_events WHERE event_no = 1", "what a target still has to be told is kept"),
        ("UPDATE webhook_cursors SET delivered = 9", "what a target still has to be told is kept"),
        (
            "UPDATE webhook_events SET payload = REPLACE(payload, '\"seq\":1,', '\"seq\":2,')",
            "an entry is told of once",
        ),
        ("UPDATE ledger_entries SET wallet = 'x' WHERE seq = 1", "an event of an entry says what the ledger says"),
    ):
        _breaks(broken, says)


def _breaks(statement: str, says: str) -> None:
    before = dump()
    _execute(statement)
    with pytest.raises(AssertionError, match=says):
        assert_clean({14})
    restore(before)


def _execute(statement: str) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_time_outs_of_holds_are_told(frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(WITH_EVENT, members=1)
    post(sold("p1", ann))
    hold(ann, 20)
    frozen_clock.move(timedelta(hours=1))
    assert redemptions.time_out_holds(clock.now(), 10) == 1
    assert said(ann)[-2:] == ["redemption hold", "redemption release"]
