"""Several workers send beside each other while the gateway and they themselves fail: nothing goes out twice."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from loyalty_engine.channels import twilio_http
from loyalty_engine.services.circuit import Breaker, Bucket
from loyalty_engine.services.gateways import Gateway
from tests import sending, sending_faults
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import TwilioServer
from tests.ledger import open_shop
from tests.sending import rows, texting
from tests.sending_faults import Chaos, Mortal, plan_many, through_the_days, work_until_nothing_is_due

pytestmark = pytest.mark.postgresql


@pytest.fixture
def twilio(
    postgresql_application: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TwilioServer]:
    monkeypatch.setattr(twilio_http, "READ_SECONDS", 0.2)
    with postgresql_application.app_context():
        open_shop(sending.TELLING, members=0)
        with texting(postgresql_application) as server:
            server.hang_seconds, server.retry_after = 0.4, 30
            yield server


def use(app: Flask, chaos: Chaos) -> None:
    there: dict[str, Gateway] = app.extensions["loyalty_gateways"]
    mortal = Mortal(there["sms"].channel, chaos)
    breaker = Breaker(failures=1_000_000, clock=lambda: 0.0)
    # A breaker that never opens: what is tried here is what happens to each call.
    breaker.failed = lambda retry_after=None: None  # type: ignore[method-assign]
    app.extensions["loyalty_gateways"] = {"sms": Gateway("sms", mortal, breaker=breaker, bucket=Bucket(0))}


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_the_work_and_double_nothing(
    twilio: TwilioServer, postgresql_application: Flask, workers: int
) -> None:
    plan_many(120)
    work_until_nothing_is_due(postgresql_application, workers)
    assert Counter(one.message_id for one in twilio.taken) == Counter({row.message_id: 1 for row in rows()})
    assert {row.status for row in rows()} == {"accepted"}


@pytest.mark.parametrize(("workers", "messages"), [(2, 150), (4, 150)])
def test_nothing_goes_out_twice_whatever_fails(
    twilio: TwilioServer, postgresql_application: Flask, frozen_clock: FrozenClock, workers: int, messages: int
) -> None:
    chaos = Chaos(random.Random(workers), 0.97)
    twilio.fault = chaos.of_server
    use(postgresql_application, chaos)
    plan_many(messages)
    through_the_days(postgresql_application, frozen_clock, workers)
    assert chaos.injected.total() >= messages - 10
    assert chaos.injected["killed_after"] + chaos.injected["killed_before"] >= 2
    sending_faults.assert_agrees(twilio)


def test_a_doubled_text_would_be_seen(twilio: TwilioServer, postgresql_application: Flask, monkeypatch: Any) -> None:
    plan_many(3)
    work_until_nothing_is_due(postgresql_application, 1)
    form = {"To": twilio.taken[0].to, "Body": twilio.taken[0].body, "StatusCallback": twilio.taken[0].callback}
    twilio.take(form)
    assert list(sending_faults.doubled(twilio).values()) == [2]
