"""Messages go out once each: claimed, committed, handed over, written down; what went wrong is told from what may have."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from loyalty_engine import clock
from loyalty_engine.channels import twilio_http
from loyalty_engine.services import member_changes
from loyalty_engine.services.circuit import Breaker
from loyalty_engine.services.dispatch import LANES, send_due
from loyalty_engine.services.gateways import PAGE
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.retrying import MOST_ATTEMPTS
from loyalty_engine.store import message_sending
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db, in_transaction
from loyalty_engine.store.tables import messages as table
from tests import sending
from tests.builders import STAFF
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import TwilioServer
from tests.ledger import open_shop
from tests.sending import agreed, planned, row, send, texting
from tests.sending_faults import plan_many


@pytest.fixture
def twilio(app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    monkeypatch.setattr(twilio_http, "READ_SECONDS", 0.3)
    open_shop(sending.TELLING, members=0)
    with texting(app) as server:
        yield server


def test_a_message_that_is_due_goes_out_once(twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    assert (send(), send()) == (1, 0)
    (taken,) = twilio.taken
    assert (taken.to, taken.body) == ("+8613800000001", "Happy birthday, Ann! 50 Leaves.")
    assert taken.callback.endswith(f"/v1/channels/twilio/status/{message.member_id}/{message.message_id}")
    now = row(message)
    assert (now.status, now.provider, now.provider_id, now.attempts, now.segments) == (
        "accepted", "twilio", taken.sid, 1, 1,
    )  # fmt: skip


def test_what_falls_due_together_is_one_text_and_rises_together(twilio: TwilioServer) -> None:
    ann = agreed(1)
    first, second = planned(ann), planned(ann, "anniversary", {"years": 3})
    other = planned(ann, "sale", {})
    assert send() == 3
    assert Counter(one.body for one in twilio.taken) == {
        "Happy birthday, Ann! 50 Leaves. 3 years with us, Ann.": 1,
        "A sale, Ann! Reply STOP to opt out": 1,
    }
    lead, follower = sorted((row(first), row(second)), key=lambda one: one.merged_into is not None)
    assert (follower.merged_into, follower.provider_id) == (lead.message_id, lead.provider_id)
    together = next(one for one in twilio.taken if one.message_id == lead.message_id)
    twilio.call_back(together, "delivered")
    assert [row(one).status for one in (first, second, other)] == ["delivered", "delivered", "accepted"]


def test_a_code_goes_first_and_is_forgotten_once_it_is_sent(twilio: TwilioServer) -> None:
    planned(agreed(1))
    sending.code(2)
    assert send_due("w", 1) == 1
    (taken,) = twilio.taken
    assert "012345" in taken.body
    (kept,) = (one for one in sending.rows() if one.purpose == "code")
    assert (kept.status, kept.to_address, kept.places) == ("accepted", None, "{}")


def test_who_withdrew_before_the_call_is_not_written_to(twilio: TwilioServer) -> None:
    ann = agreed(1)
    message = planned(ann)
    member_changes.put_consent(STAFF, ann, GivenConsent("sms", "greeting", False, clock.now(), "asked"))
    send()
    assert twilio.asked == []
    assert row(message).status == "cancelled"


def test_consent_is_looked_at_again_before_the_call(twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE consents SET given = false")
    send()
    assert twilio.asked == []
    assert (row(message).status, row(message).reason) == ("suppressed", "no_consent")


def test_what_was_due_before_a_down_time_waits_for_the_end_of_the_quiet_hours(
    twilio: TwilioServer, frozen_clock: FrozenClock
) -> None:
    message = planned(agreed(1))
    frozen_clock.set(datetime(2026, 11, 22, 19, 0, tzinfo=UTC))
    send()
    assert twilio.asked == []
    now = row(message)
    assert (now.status, now.send_at, now.attempts) == ("planned", datetime(2026, 11, 23, 2, 0, tzinfo=UTC), 0)
    frozen_clock.set(now.send_at)
    assert send() == 1
    assert row(message).status == "accepted"


@pytest.mark.parametrize(
    ("fault", "status", "reason", "error"),
    [
        ("dropped", "unknown", None, "connection_lost"),
        ("taken_and_dropped", "unknown", None, "connection_lost"),
        ("hangs", "unknown", None, "time_out"),
        ("taken_and_hangs", "unknown", None, "time_out"),
        ("500", "unknown", None, "500"),
        ("taken_and_500", "unknown", None, "20500"),
        ("503", "unknown", None, "503"),
        ("broken_json", "unknown", None, "answer_not_read"),
        ("half_an_answer", "unknown", None, "answer_not_read"),
        ("unknown_code", "failed", "refused", "99999"),
        ("html", "failed", "refused", "403"),
        ("refused", "failed", "refused", "21211"),
        ("429", "planned", None, "20429"),
        ("called_back_first", "delivered", None, None),
        ("called_back_first_and_dropped", "delivered", None, None),
        ("called_back_twice", "delivered", None, None),
        ("called_back_shuffled", "delivered", None, None),
    ],
)
def test_each_fault_leaves_what_is_known(
    twilio: TwilioServer, fault: str, status: str, reason: str | None, error: str | None
) -> None:
    message = planned(agreed(1))
    twilio.fault = lambda form: fault
    assert send() == 1
    now = row(message)
    for _ in range(500):
        if now.status == status:
            break
        now = row(message)
    assert (now.status, now.reason, now.provider_error) == (status, reason, error)
    assert len(twilio.asked) == 1
    assert send() == 0


def test_a_gateway_that_is_not_there_is_asked_again_later(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    message = planned(agreed(1))
    there = current_app.extensions["loyalty_gateways"]
    current_app.extensions["loyalty_gateways"] = {"sms": sending.gateway("http://127.0.0.1:9")}
    assert send() == 1
    now = row(message)
    assert (now.status, now.provider_error) == ("planned", "not_connected")
    assert timedelta(seconds=22) < now.send_at - clock.now() < timedelta(seconds=38)
    current_app.extensions["loyalty_gateways"] = there
    frozen_clock.set(now.send_at - timedelta(seconds=1))
    assert send() == 0
    frozen_clock.set(now.send_at)
    assert send() == 1
    assert (row(message).status, row(message).attempts) == ("accepted", 2)


def test_a_gateway_that_never_takes_it_is_given_up(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    message = planned(agreed(1))
    twilio.fault, twilio.retry_after = lambda form: "429", 0
    tries = 0
    while row(message).status == "planned":
        frozen_clock.set(max(row(message).send_at, clock.now()))
        tries += send()
    assert (row(message).status, row(message).reason, tries) == ("failed", "gave_up", MOST_ATTEMPTS)


def test_who_is_asked_to_wait_waits_at_least_so_long(twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    twilio.fault, twilio.retry_after = lambda form: "429", 600
    send()
    assert row(message).send_at == clock.now() + timedelta(seconds=600)


def test_what_would_come_too_late_is_not_tried_again(twilio: TwilioServer) -> None:
    message = planned(agreed(1), send_by=clock.now() + timedelta(seconds=20))
    twilio.fault = lambda form: "429"
    send()
    assert (row(message).status, row(message).reason) == ("expired", "too_late")


@pytest.mark.parametrize(("seconds", "status"), [(-1, "expired"), (0, "accepted"), (1, "accepted")])
def test_a_message_goes_out_up_to_its_end(
    twilio: TwilioServer, frozen_clock: FrozenClock, seconds: int, status: str
) -> None:
    message = planned(agreed(1), send_by=clock.now() + timedelta(minutes=5))
    frozen_clock.move(timedelta(minutes=5) - timedelta(seconds=seconds))
    send()
    assert row(message).status == status


def test_nobody_outside_the_test_list_is_written_to(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop(sending.TELLING, members=0)
    with texting(app, only_to=frozenset({sending.phone(2)})) as server:
        ann, ben = planned(agreed(1)), planned(agreed(2))
        send()
    assert [one.to for one in server.taken] == [sending.phone(2)]
    assert [(row(one).status, row(one).reason) for one in (ann, ben)] == [
        ("suppressed", "not_in_test_list"), ("accepted", None),
    ]  # fmt: skip


def test_a_circuit_opens_and_leaves_messages_planned(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop(sending.TELLING, members=0)
    time = [0.0]
    breaker = Breaker(failures=3, pause=30, clock=lambda: time[0])
    with texting(app, breaker=breaker) as server:
        server.fault = lambda form: "500"
        plan_many(100)
        send()
        asked = len(server.asked)
        assert 3 <= asked <= 3 + LANES * PAGE, "those that were under way already end"
        statuses = Counter(one.status for one in sending.rows())
        assert statuses == {"unknown": asked, "planned": 100 - asked}
        assert breaker.state == "open"
        frozen_clock.move(timedelta(minutes=1))
        assert send_due("w", 500) == 0
        time[0] = 30
        send()
        assert len(server.asked) == asked + 1, "one is let through, and is answered badly again"
        server.fault = lambda form: None
        frozen_clock.move(timedelta(minutes=1))
        time[0] = 60
        send()
        assert Counter(one.status for one in sending.rows()) == {"unknown": asked + 1, "accepted": 99 - asked}


def test_a_worker_that_is_told_to_stop_hands_nothing_more_over(twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    said = iter([False, False, True])
    assert send_due("w", 500, lambda: next(said, True)) == 1
    assert twilio.asked == []
    assert (row(message).status, row(message).attempts) == ("planned", 0)


def test_a_text_that_was_not_taken_goes_out_as_one_again(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    ann = agreed(1)
    first, second = planned(ann), planned(ann, "anniversary", {"years": 3})
    twilio.fault, twilio.retry_after = lambda form: "429", 0
    send()
    now = [row(one) for one in (first, second)]
    assert [(one.status, one.merged_into) for one in now] == [("planned", None)] * 2
    assert now[0].send_at == now[1].send_at
    twilio.fault = lambda form: None
    frozen_clock.set(now[0].send_at)
    assert (send(), len(twilio.taken)) == (2, 1)


@pytest.mark.parametrize("stopped", ["planned", "held", "suppressed"])
def test_a_word_of_one_text_raises_nothing_that_went_out_in_none(
    twilio: TwilioServer, frozen_clock: FrozenClock, stopped: str
) -> None:
    ann = agreed(1)
    first, second = planned(ann), planned(ann, "anniversary", {"years": 3})
    send()
    lead, follower = sorted((row(first), row(second)), key=lambda one: one.merged_into is not None)
    stop = table.update().where(table.c.message_id == follower.message_id).values(status=stopped)
    in_transaction(lambda connection: connection.execute(stop))
    twilio.call_back(twilio.taken[0], "delivered")
    assert (row(lead).status, row(follower).status) == ("delivered", stopped)


def test_who_is_at_the_end_of_the_tries_takes_nobody_along(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    ann = agreed(1)
    old, new = planned(ann), planned(ann, "anniversary", {"years": 3})
    tried = table.update().where(table.c.message_id == old.message_id).values(attempts=MOST_ATTEMPTS - 1)
    in_transaction(lambda connection: connection.execute(tried))
    twilio.fault = lambda form: "429"
    send()
    assert [(row(one).status, row(one).merged_into) for one in (old, new)] == [("failed", None), ("planned", None)]


@pytest.mark.parametrize(
    ("statement", "index"), [("_others_due", "ix_messages_due"), ("_codes_due", "ix_messages_urgent")]
)
def test_what_is_due_is_read_in_the_order_of_its_index(
    twilio: TwilioServer, frozen_clock: FrozenClock, statement: str, index: str
) -> None:
    """A million greetings of one morning are due at the same moment: sorting them for each page would take all day."""
    planned(agreed(1))
    with db.engine.connect() as connection:
        (one,) = connection.execute(sa.select(table)).mappings()
        many = [{**one, "message_id": new_id(), "cause_id": f"of-{number}"} for number in range(2_000)]
        connection.execute(table.insert(), many)
        connection.execute(sa.text("ANALYZE messages"))
        found = plan_of(connection, getattr(message_sending, statement)._clause)
    assert index in found
    assert "sort" not in found.lower()
    assert "temp b-tree" not in found.lower()


def plan_of(connection: sa.Connection, query: sa.Select[Any]) -> str:
    """Return how the database reads a page of what is due."""
    written = query.compile(connection)
    given = written.construct_params({"of_channel": "sms", "now": "2026-11-22 00:00:00.000000", "most": 10})
    explain = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + str(written), given))
