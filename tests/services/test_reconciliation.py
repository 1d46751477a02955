"""What nobody knows is asked for by number, text and time: one match is it, and what stays open is not sent again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.channels import Ambiguous, Outcome, Outgoing
from loyalty_engine.services.circuit import Breaker, Bucket
from loyalty_engine.services.dispatch_parcels import LEASE, packed
from loyalty_engine.services.gateways import Gateway, gateways
from loyalty_engine.services.jobs import nights
from loyalty_engine.services.reconciliation import reconcile
from loyalty_engine.store import message_sending
from loyalty_engine.store.message_sending import Change
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import messages as table
from tests import sending
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import TwilioServer, older
from tests.ledger import open_shop
from tests.sending import LAPSING, agreed, planned, row, send, texting

MINUTES = timedelta(minutes=5)
HOURS = timedelta(hours=4)


@pytest.fixture
def twilio(app: Flask, frozen_clock: FrozenClock) -> Iterator[TwilioServer]:
    open_shop(sending.TELLING, members=0)
    with texting(app) as server:
        yield server


def asked() -> int:
    return reconcile(clock.now(), 500)


@dataclass
class Away:
    """A gateway that answers nothing."""

    provider: str = "twilio"
    asked: int = 0

    def send(self, outgoing: Outgoing) -> Outcome:
        """Say that nobody knows."""
        return Ambiguous("away")

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> None:
        """Count, and answer nothing."""
        self.asked += 1


def test_one_match_in_the_list_is_the_message(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    message = planned(agreed(1))
    twilio.fault = lambda form: "taken_and_500"
    send()
    frozen_clock.move(MINUTES - timedelta(seconds=1))
    assert (asked(), twilio.listed) == (0, 0)
    frozen_clock.move(timedelta(seconds=1))
    twilio.taken[0].status = "sent"
    assert asked() == 1
    assert (row(message).status, row(message).provider_id) == ("sent", twilio.taken[0].sid)
    assert asked() == 0


def test_what_another_of_our_messages_stands_for_is_no_match(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    ann = agreed(1)
    first = planned(ann, cause="a")
    send()
    second = planned(ann, cause="b")
    twilio.fault = lambda form: "500"
    send()
    frozen_clock.move(MINUTES)
    asked()
    assert (row(first).status, row(second).status) == ("accepted", "unknown")


def test_two_matches_leave_it_unknown(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    message = planned(agreed(1))
    twilio.fault = lambda form: "taken_and_500"
    send()
    twilio.take({"To": twilio.taken[0].to, "Body": twilio.taken[0].body})
    for wait in (MINUTES, HOURS, HOURS):
        frozen_clock.move(wait)
        asked()
    assert row(message).status == "unknown"


@pytest.mark.parametrize(
    ("template", "waited", "status"),
    [
        ("expiry", HOURS - timedelta(seconds=1), "unknown"),
        ("expiry", HOURS, "accepted"),
        ("expiry", HOURS + timedelta(seconds=1), "accepted"),
        ("birthday", HOURS, "unknown"),
    ],
)
def test_an_expiry_notice_that_is_not_listed_goes_once_more_after_four_hours(
    twilio: TwilioServer, frozen_clock: FrozenClock, template: str, waited: timedelta, status: str
) -> None:
    message = planned(agreed(1), template, LAPSING)
    twilio.fault = lambda form: "dropped"
    send()
    twilio.fault = lambda form: None
    frozen_clock.move(waited)
    asked()
    send()
    assert (row(message).status, len(twilio.taken)) == (status, 1 if status == "accepted" else 0)


def test_there_is_no_third_time(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    frozen_clock.move(-timedelta(hours=1))
    message = planned(agreed(1), "expiry", LAPSING)
    twilio.fault = lambda form: "dropped"
    for _ in range(4):
        send()
        frozen_clock.move(HOURS)
        asked()
    assert (row(message).status, len(twilio.asked)) == ("unknown", 2)


def test_a_list_that_cannot_be_had_is_no_reason_to_send_again(
    twilio: TwilioServer, frozen_clock: FrozenClock, app: Flask
) -> None:
    message = planned(agreed(1), "expiry", LAPSING)
    twilio.fault = lambda form: "taken_and_500"
    send()
    app.extensions["loyalty_gateways"] = {"sms": sending.gateway("http://127.0.0.1:9")}
    frozen_clock.move(HOURS)
    asked()
    assert row(message).status == "unknown"


def test_a_gateway_that_does_not_answer_is_asked_once_and_the_rest_soon_again(
    twilio: TwilioServer, frozen_clock: FrozenClock, app: Flask
) -> None:
    messages = [planned(agreed(number)) for number in range(3)]
    twilio.fault = lambda form: "taken_and_500"
    send()
    away = Away()
    app.extensions["loyalty_gateways"] = {"sms": Gateway("sms", away, breaker=Breaker(), bucket=Bucket(0))}
    frozen_clock.move(HOURS)
    assert (asked(), away.asked) == (3, 1)
    app.extensions["loyalty_gateways"] = {"sms": sending.gateway(twilio.url)}
    frozen_clock.move(MINUTES)
    assert asked() == 2
    assert sorted(row(one).status for one in messages) == ["accepted", "accepted", "unknown"]


def test_who_is_to_stop_asks_no_further(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    for number in range(3):
        planned(agreed(number))
    twilio.fault = lambda form: "dropped"
    send()
    frozen_clock.move(MINUTES)
    assert reconcile(clock.now(), 500, lambda: twilio.listed == 1) == 1
    assert (asked(), twilio.listed) == (2, 3)


def test_a_code_is_never_asked_for_by_its_text(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    sending.code(1)
    twilio.fault = lambda form: "taken_and_500"
    send()
    frozen_clock.move(HOURS)
    asked()
    (code,) = sending.rows()
    assert (code.status, twilio.listed, code.to_address) == ("unknown", 0, None)


def test_it_is_asked_for_more_rarely_and_not_for_ever(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    planned(agreed(1))
    twilio.fault = lambda form: "dropped"
    send()
    for _ in range(3 * 24 * 12):
        frozen_clock.move(MINUTES)
        asked()
    assert 5 <= twilio.listed <= 12


def hold(*, until: timedelta) -> str:
    """Claim what is due as a worker does that dies then; return its claim."""

    def work(connection: sa.Connection) -> None:
        (group,) = message_sending.due(connection, "sms", clock.now(), 10)
        message_sending.claim(connection, group, "dead/1", "twilio", clock.now(), until)

    in_transaction(work)
    return "dead/1"


@pytest.mark.parametrize(
    ("lease", "waited", "status"),
    [
        (LEASE, LEASE, "sending"),
        (LEASE, LEASE + timedelta(seconds=1), "unknown"),
        (2 * LEASE, timedelta(), "sending"),
        (timedelta(days=1), timedelta(), "unknown"),
    ],
)
def test_a_lease_that_is_over_or_that_no_clock_gave_makes_it_unknown(
    twilio: TwilioServer, frozen_clock: FrozenClock, lease: timedelta, waited: timedelta, status: str
) -> None:
    message = planned(agreed(1))
    hold(until=lease)
    frozen_clock.move(waited)
    asked()
    assert row(message).status == status
    assert send() == 0


@pytest.mark.parametrize("away", [timedelta(minutes=10), timedelta(hours=3), timedelta(days=3)])
def test_what_was_taken_is_found_however_long_nobody_looked(
    twilio: TwilioServer, frozen_clock: FrozenClock, away: timedelta
) -> None:
    message = planned(agreed(1), "expiry", LAPSING)
    in_transaction(_die_after_packing)
    twilio.take({"To": "+8613800000001", "Body": "50 Leaves lapse on 30 November 2026."})
    for wait in (away, MINUTES, HOURS, HOURS):
        frozen_clock.move(wait)
        asked()
        send()
    assert (row(message).status, len(twilio.taken)) == ("accepted", 1)


@pytest.mark.parametrize("jump", [timedelta(days=1), -timedelta(days=1)])
def test_a_clock_that_was_set_doubles_nothing(twilio: TwilioServer, frozen_clock: FrozenClock, jump: timedelta) -> None:
    message = planned(agreed(1), "expiry", LAPSING)
    twilio.fault = lambda form: "taken_and_500"
    send()
    frozen_clock.move(jump)
    older(twilio.taken[0], -jump)
    twilio.taken[0].callback = ""
    for wait in (MINUTES, HOURS, timedelta(days=1), HOURS):
        frozen_clock.move(wait)
        asked()
        send()
    assert (row(message).status, len(twilio.taken)) == ("accepted", 1)


def _die_after_packing(connection: sa.Connection) -> None:
    (group,) = message_sending.due(connection, "sms", clock.now(), 10)
    rows = message_sending.claim(connection, group, "dead/1", "twilio", clock.now(), LEASE)
    packed(connection, rows, gateways()["sms"], "dead/1", clock.now())


def test_who_comes_back_late_changes_nothing_that_somebody_else_resolved(
    twilio: TwilioServer, frozen_clock: FrozenClock
) -> None:
    known, open_ = planned(agreed(1)), planned(agreed(2), "expiry", LAPSING)
    claims = {}
    for _ in range(2):

        def work(connection: sa.Connection) -> None:
            group = message_sending.due(connection, "sms", clock.now(), 10)[0]
            claims[group.member_id] = f"late/{len(claims)}"
            message_sending.claim(connection, group, claims[group.member_id], "twilio", clock.now(), LEASE)

        in_transaction(work)
    frozen_clock.move(LEASE + timedelta(seconds=1))
    asked()
    path = f"https://loyalty.example/v1/channels/twilio/status/{known.member_id}/{known.message_id}"
    one = twilio.take({"To": "+8613800000001", "Body": "x", "StatusCallback": path})
    twilio.call_back(one, "delivered")

    def late(connection: sa.Connection) -> list[bool]:
        return [
            message_sending.change(
                connection, one.member_id, one.message_id, claims[one.member_id],
                Change("accepted", provider_id="SM-late"), clock.now(),
            )
            for one in (known, open_)
        ]  # fmt: skip

    assert in_transaction(late) == [False, True]
    assert (row(known).status, row(known).provider_id) == ("delivered", one.sid)
    assert (row(open_).status, row(open_).provider_id) == ("accepted", "SM-late")


def test_a_message_that_is_sent_once_more_is_no_longer_the_first_claims(
    twilio: TwilioServer, frozen_clock: FrozenClock
) -> None:
    message = planned(agreed(1), "expiry", LAPSING)
    twilio.fault = lambda form: "dropped"
    send()
    with_claim = sa.select(table.c.lease_owner).where(table.c.message_id == message.message_id)
    first = in_transaction(lambda connection: connection.scalar(with_claim))
    assert first is not None
    frozen_clock.move(HOURS)
    asked()
    send()
    new = Change("failed", "refused")
    late = in_transaction(
        lambda connection: message_sending.change(
            connection, message.member_id, message.message_id, first, new, clock.now()
        )
    )
    assert (late, row(message).status) == (False, "unknown")


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_both_jobs_run_by_hand(twilio: TwilioServer, frozen_clock: FrozenClock) -> None:
    planned(agreed(1))
    (done,) = nights.run("send")
    assert (done.status, done.counts) == ("done", {"done": 1})
    (looked,) = nights.run("reconcile")
    assert looked.counts == {"done": 0}
