"""Delivering webhooks: every member's events in order, signed, until they are taken; one that fails keeps nobody waiting."""

import hmac
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.channels import webhook_http
from loyalty_engine.services import member_changes, tidying, webhook_positions
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.webhook_delivery import (
    GIVEN_UP_AFTER,
    IN_A_ROW,
    LEASE,
    LONGEST_PAUSE,
    REST,
    Courier,
    pause_after,
)
from rules.errors import Invalid, NotFound
from tests.builders import ADMIN, STAFF
from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean, open_shop, post, rows, sold
from tests.webhooks import SECRET, Received, Receiver, cursors, deliver, listening, outbox, target, telling

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "webhooks.md"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found


@pytest.fixture
def crm(app: Flask, frozen_clock: FrozenClock, receiver: Receiver) -> Iterator[Any]:
    """A target that the settings name, and that answers."""
    found = target(receiver.url)
    with telling(app, found):
        yield found


def change(member: str, times: int = 1) -> None:
    """Let something happen to a member."""
    for number in range(times):
        member_changes.change(STAFF, member, Changes(name=f"Ann the {number}."))


def test_events_come_in_the_order_in_which_they_happened(crm: Any, receiver: Receiver) -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann))
    change(ann, 2)
    post(sold("p2", ben))
    assert deliver(crm) == len(receiver.got) == len(outbox())
    assert receiver.of(ann) == sorted(receiver.of(ann)) == [*range(1, len(receiver.of(ann)) + 1)]
    assert [one["id"] for one in receiver.events] == [
        f"{one['member_id']}.{one['event_no']}" for one in receiver.events
    ]
    (first,) = [one for one in receiver.events if one["id"] == f"{ann}.1"]
    assert first == {
        "id": f"{ann}.1", "event_no": 1, "kind": "member", "at": "2026-11-22T04:00:00Z", "member_id": ann,
        "data": {"change": "enrolled", "level": "plain"},
    }  # fmt: skip
    assert deliver(crm) == 0
    assert {one["next_at"] for one in cursors()} == {None}
    change(ann)
    assert deliver(crm) == 1
    assert_clean()


def test_more_events_than_are_sent_at_once_all_come(crm: Any, receiver: Receiver) -> None:
    (ann,) = open_shop(members=1)
    change(ann, 45)
    while deliver(crm):
        pass
    assert receiver.of(ann) == [*range(1, 47)]


def test_a_target_is_sent_the_kinds_that_it_asked_for_alone(app: Flask, receiver: Receiver, crm: Any) -> None:
    tiers = target(receiver.url, "tiers", ("tier",))
    with telling(app, tiers):
        (ann,) = open_shop(members=1)
        change(ann, 30)
        post(sold("p1", ann))
        change(ann)
        while deliver(tiers) or any(one["next_at"] for one in cursors()):
            pass
    assert [one["data"]["level"] for one in receiver.events] == ["silver"]
    assert_clean()


# The signature


def test_each_event_is_signed_with_every_secret(app: Flask, receiver: Receiver, crm: Any) -> None:
    open_shop(members=1)
    deliver(crm)
    (got,) = receiver.got
    stamp, digest = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", got.headers["Loyalty-Signature"]).groups()  # type: ignore[union-attr]
    assert int(stamp) == NOON.timestamp()
    assert digest == hmac.new(SECRET.encode(), stamp.encode() + b"." + got.body, sha256).hexdigest()
    assert (got.headers["Content-Type"], got.headers["Loyalty-Event-Id"]) == ("application/json", got.event["id"])
    both = webhook_http.signature(("a", "b"), b"{}", NOON)
    assert both.count(",v1=") == 2


def test_the_example_in_the_guide_checks_signatures(receiver: Receiver, crm: Any) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - the guide's own example
    is_genuine = names["is_genuine"]
    open_shop(members=1)
    deliver(crm)
    (got,) = receiver.got
    header, now = got.headers["Loyalty-Signature"], int(NOON.timestamp())
    assert is_genuine(header, got.body, SECRET, now)
    assert is_genuine(header, got.body, SECRET, now + 300)
    assert is_genuine(f"{header},v1={'0' * 64}", got.body, SECRET, now)
    assert not is_genuine(header, got.body, SECRET, now + 301)
    assert not is_genuine(header, got.body + b" ", SECRET, now)
    assert not is_genuine(header, got.body, "another-secret-of-it", now)
    assert not is_genuine(header.replace("t=", "t=1"), got.body, SECRET, now)
    assert not is_genuine("", got.body, SECRET, now)


# Failures


def test_what_is_not_taken_is_sent_again_later_and_keeps_its_place(
    crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    (ann,) = open_shop(members=1)
    change(ann, 2)
    receiver.answer = lambda received: 503 if received.event["event_no"] == 2 else 200
    assert deliver(crm) == 1
    assert receiver.of(ann) == [1, 2]
    assert [(one["delivered"], one["attempts"], one["error"]) for one in cursors()] == [(1, 1, "it answered 503")]
    assert deliver(crm) == 0, "not before its time"
    for attempt in (2, 3):
        pause = pause_after(attempt - 1)
        assert pause is not None
        frozen_clock.move(pause - timedelta(seconds=1))
        assert (deliver(crm), receiver.of(ann).count(2)) == (0, attempt - 1)
        frozen_clock.move(timedelta(seconds=1))
        assert (deliver(crm), receiver.of(ann).count(2)) == (0, attempt)
    receiver.answer = lambda received: 200
    frozen_clock.move(LONGEST_PAUSE)
    assert deliver(crm) == 2
    assert receiver.of(ann) == [1, 2, 2, 2, 2, 3]
    assert len({one.body for one in receiver.got if one.event["event_no"] == 2}) == 1, "the same bytes every time"
    assert [(one["attempts"], one["error"], one["next_at"]) for one in cursors()] == [(0, None, None)]


def test_pauses_grow_until_three_days_are_over() -> None:
    pauses = []
    while (pause := pause_after(len(pauses) + 1)) is not None:
        pauses.append(pause)
    assert pauses[:3] == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
    assert GIVEN_UP_AFTER <= sum(pauses, timedelta()) < GIVEN_UP_AFTER + LONGEST_PAUSE


def test_after_three_days_it_is_given_up_until_somebody_replays_it(
    crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    (ann,) = open_shop(members=1)
    receiver.answer = lambda received: 400
    while any(one["next_at"] for one in cursors()):
        assert deliver(crm) == 0
        frozen_clock.move(LONGEST_PAUSE)
    assert clock.now() - NOON >= GIVEN_UP_AFTER
    change(ann)
    receiver.answer = lambda received: 200
    assert deliver(crm) == 0, "what was given up waits, with everything behind it"
    (parked,) = webhook_positions.positions()
    assert (parked.parked_members, parked.error, parked.waiting_events) == (1, "it answered 400", 0)
    assert_clean()
    assert webhook_positions.replay(ADMIN, "crm", clock.now()).members == 1
    assert deliver(crm) == 2
    assert receiver.of(ann)[-2:] == [1, 2]


def test_a_member_whose_events_fail_keeps_no_other_waiting(crm: Any, receiver: Receiver) -> None:
    ann, ben, cleo = open_shop()
    receiver.answer = lambda received: 500 if received.event["member_id"] == ann else 200
    assert deliver(crm) == 2
    assert receiver.of(ben) == receiver.of(cleo) == [1]


def test_a_bad_target_keeps_no_other_waiting_and_is_left_alone_for_a_while(
    app: Flask, crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    with listening() as broken, telling(app, crm, bad := target(broken.url, "bad")):
        broken.answer = lambda received: 500
        open_shop(members=6)
        courier = Courier(bad, "a-worker")
        assert courier.run() == 0
        assert len(broken.got) == IN_A_ROW
        assert courier.run() == 0
        assert len(broken.got) == IN_A_ROW
        frozen_clock.move(REST)
        broken.answer = lambda received: 200
        assert courier.run() == 6
        courier.close()
        assert deliver(crm) == 6


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_target_that_hangs_is_not_waited_for_for_ever(
    crm: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_http, "READ_SECONDS", 1)
    open_shop(members=1)
    go_on = Event()
    receiver.answer = lambda received: 200 if go_on.wait(10) else 500
    began = time.monotonic()
    assert deliver(crm) == 0
    assert time.monotonic() - began < 10
    go_on.set()
    assert [one["error"] for one in cursors()] == ["no answer within 1 s"]


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_target_that_is_not_there_is_a_failure_like_any_other(app: Flask, frozen_clock: FrozenClock) -> None:
    with telling(app, gone := target("http://127.0.0.1:9/hook")):
        open_shop(members=1)
        assert deliver(gone) == 0
    assert [one["error"] for one in cursors()] == ["no connection"]


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(crm: Any, receiver: Receiver, status: int) -> None:
    open_shop(members=1)
    receiver.answer = lambda received: status
    assert deliver(crm) == 0
    assert len(receiver.got) == 1
    assert [one["error"] for one in cursors()] == [f"it answered {status}"]


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_nothing_is_sent_to_where_nothing_may_be_sent_whatever_a_name_resolves_to(
    crm: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands for a name that leads to a link-local address: the address is looked at once the connection is there."""
    monkeypatch.setattr(webhook_http, "forbidden", lambda address: "an address of the test")
    open_shop(members=1)
    assert deliver(crm) == 0
    assert receiver.got == []
    assert [one["error"] for one in cursors()] == ["its name leads to an address to which nothing is sent"]


# Leases


def test_who_hung_past_its_lease_is_refused(
    app: Flask, crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    """Another one takes over while the first waits for an answer; then the first's word counts no more."""
    (ann,) = open_shop(members=1)
    change(ann)

    def hang(received: Received) -> int:
        receiver.answer = lambda received: 200
        frozen_clock.move(LEASE + timedelta(seconds=1))
        with app.app_context():
            assert deliver(crm, "another-worker") == 2
            change(ann)
        return 500

    receiver.answer = hang
    deliver(crm)
    assert [(one["delivered"], one["attempts"], one["error"]) for one in cursors()] == [(2, 0, None)]
    assert deliver(crm) == 1
    assert sorted(receiver.of(ann)) == [1, 1, 2, 3]


def test_two_do_not_send_of_one_member_at_once(app: Flask, crm: Any, receiver: Receiver) -> None:
    (ann,) = open_shop(members=1)

    def look(received: Received) -> int:
        with app.app_context():
            assert deliver(crm, "another-worker") == 0
        return 200

    receiver.answer = look
    assert deliver(crm) == 1
    assert receiver.of(ann) == [1]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(
    crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    (ann,) = open_shop(members=1)
    receiver.answer = lambda received: 500
    deliver(crm)
    receiver.answer = lambda received: 200
    frozen_clock.move(timedelta(days=-2))
    assert deliver(crm) == 1
    assert receiver.of(ann) == [1, 1]


def test_what_happens_while_an_event_is_sent_is_not_forgotten(app: Flask, crm: Any, receiver: Receiver) -> None:
    (ann,) = open_shop(members=1)

    def meanwhile(received: Received) -> int:
        receiver.answer = lambda received: 200
        with app.app_context():
            change(ann)
        return 200

    receiver.answer = meanwhile
    assert deliver(crm) == 1
    assert [one["next_at"] is None for one in cursors()] == [False]
    assert deliver(crm) == 1


# Replays


def test_a_replay_tells_again_what_happened_since_a_time(
    crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    ann, ben, _ = open_shop()
    frozen_clock.move(timedelta(hours=1))
    change(ann)
    since = clock.now()
    frozen_clock.move(timedelta(hours=1))
    change(ann, 2)
    deliver(crm)
    before = {one["id"]: one for one in receiver.events}
    receiver.got.clear()
    assert webhook_positions.replay(ADMIN, "crm", since).members == 1
    assert deliver(crm) == 3
    assert receiver.of(ann) == [2, 3, 4]
    assert all(before[one["id"]] == one for one in receiver.events)
    assert webhook_positions.replay(ADMIN, "crm", NOON - timedelta(days=1)).members == 3
    assert deliver(crm) == 6
    assert receiver.of(ben) == [1]
    assert [row["target"] for row in rows("SELECT target FROM audit_log WHERE action = 'webhooks.replay'")] == [
        "crm"
    ] * 2
    assert_clean()


def test_a_replay_makes_no_target_skip_what_it_was_not_told(crm: Any, receiver: Receiver) -> None:
    (ann,) = open_shop(members=1)
    change(ann)
    webhook_positions.replay(ADMIN, "crm", clock.now())
    assert deliver(crm) == 2


def test_a_target_that_never_was_told_anything_can_be_told_all(app: Flask, crm: Any) -> None:
    (ann,) = open_shop(members=1)
    with listening() as other, telling(app, new := target(other.url, "new")):
        assert deliver(new) == 0
        webhook_positions.replay(ADMIN, "new", NOON)
        assert deliver(new) == 1
        assert other.of(ann) == [1]


def test_a_replay_of_nobody_or_of_what_is_to_come_is_refused(crm: Any) -> None:
    open_shop(members=1)
    with pytest.raises(NotFound, match="there are: crm"):
        webhook_positions.replay(ADMIN, "erp", NOON)
    with pytest.raises(Invalid, match="a time that is past"):
        webhook_positions.replay(ADMIN, "crm", NOON + timedelta(seconds=1))
    with pytest.raises(Invalid, match="a time that is past"):
        webhook_positions.replay(ADMIN, "crm", datetime(2026, 11, 1))  # noqa: DTZ001 - that is what is refused


# The clean-up


def test_events_are_forgotten_after_thirty_days_when_every_target_was_told(
    app: Flask, crm: Any, receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    ann, ben, _ = open_shop()
    receiver.answer = lambda received: 500 if received.event["member_id"] == ben else 200
    deliver(crm)
    frozen_clock.move(timedelta(days=1))
    change(ann)
    deliver(crm)
    frozen_clock.move(timedelta(days=29))
    assert tidying.tidy()["webhook_events"] == 0
    frozen_clock.move(timedelta(seconds=1))
    assert tidying.tidy()["webhook_events"] == 2
    assert [(one["member_id"], one["event_no"]) for one in outbox()] == sorted([(ann, 2), (ben, 1)])
    assert_clean()
    change(ann)
    assert deliver(crm) == 1, "numbers go on where they were"
    with telling(app):
        frozen_clock.move(timedelta(days=40))
        tidying.tidy()
    assert outbox() == cursors() == [], "nobody is waited for whom the settings don't name any more"
    assert_clean()


# How it stands


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_who_is_behind_is_seen(
    app: Flask, crm: Any, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty_engine.api.health.readiness.check", lambda: None)
    open_shop()
    nights.run("night")
    client = app.test_client()
    frozen_clock.move(timedelta(hours=1))
    assert client.get("/readyz").json == {"status": "ready"}
    frozen_clock.move(timedelta(minutes=1))
    assert client.get("/readyz").json == {"status": "degraded", "late": ["webhooks to crm"]}
    assert client.get("/readyz").status_code == 200
    told = client.get("/metrics").text
    assert 'loyalty_webhook_waiting_events{target="crm"} 3.0' in told
    assert 'loyalty_webhook_oldest_seconds{target="crm"} 3660.0' in told
    deliver(crm)
    frozen_clock.move(timedelta(seconds=11))
    assert 'loyalty_webhook_waiting_events{target="crm"} 0.0' in client.get("/metrics").text
    assert client.get("/readyz").json == {"status": "ready"}


def test_times_of_events_are_in_utc(crm: Any, receiver: Receiver) -> None:
    open_shop(members=1)
    deliver(crm)
    assert datetime.fromisoformat(receiver.events[0]["at"]).tzinfo == UTC
