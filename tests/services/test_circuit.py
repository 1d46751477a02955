"""A gateway that fails is left alone for a while, and one that works is asked no more often than it may be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog import get_logger

from loyalty_engine import clock
from loyalty_engine.channels import Outgoing, Refused
from loyalty_engine.services.circuit import Breaker, Bucket
from loyalty_engine.services.dispatch_calls import Caller
from loyalty_engine.services.dispatch_parcels import LEASE, Parcel
from loyalty_engine.services.gateways import Gateway
from loyalty_engine.services.retrying import MOST_ATTEMPTS, next_try

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def nap(self, seconds: float) -> None:
        self.now += seconds


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_through_later() -> None:
    time = Time()
    breaker = Breaker(failures=3, pause=30, clock=time)
    for _ in range(2):
        breaker.failed()
    breaker.answered()
    for _ in range(2):
        breaker.failed()
    assert (breaker.state, breaker.lets_through()) == ("closed", True)
    breaker.failed()
    assert (breaker.state, breaker.lets_through(), breaker.wait_seconds) == ("open", False, 31)
    time.now = 29.9
    assert breaker.state == "open"
    time.now = 30
    assert (breaker.state, breaker.lets_through(), breaker.lets_through()) == ("half open", True, False)
    breaker.failed()
    assert breaker.state == "open"
    time.now = 60
    assert breaker.lets_through()
    breaker.answered()
    assert (breaker.state, breaker.lets_through(), breaker.lets_through()) == ("closed", True, True)


def test_a_gateway_that_says_how_long_is_left_alone_at_once() -> None:
    time = Time()
    breaker = Breaker(clock=time)
    breaker.failed(retry_after=7)
    assert breaker.state == "open"
    time.now = 7
    assert breaker.state == "half open"


@pytest.mark.parametrize("per_second", [1, 20, 200])
def test_a_bucket_lets_so_many_through_a_second(per_second: int) -> None:
    time = Time()
    bucket = Bucket(per_second, time, time.nap)
    while time.now < 10:
        assert bucket.take()
        if time.now >= 10:
            break
        taken = getattr(bucket, "counted", 0) + 1
        bucket.counted = taken  # type: ignore[attr-defined]
    assert 10 * per_second <= taken <= 11 * per_second + 1


def test_a_bucket_ends_its_wait_when_the_process_is_to_end() -> None:
    time = Time()
    bucket = Bucket(1, time, time.nap)
    assert bucket.take()
    said = iter([False, False, True])
    assert not bucket.take(lambda: next(said))


def test_each_try_waits_longer_spread_out_and_the_same_for_the_same_message() -> None:
    waits = [next_try("m-1", attempts, NOW) for attempts in range(1, MOST_ATTEMPTS)]
    assert waits == [next_try("m-1", attempts, NOW) for attempts in range(1, MOST_ATTEMPTS)]
    for attempts, at in enumerate(waits, 1):
        assert at is not None
        middle = min(timedelta(seconds=30) * 2 ** (attempts - 1), timedelta(hours=1))
        assert middle * 0.75 <= at - NOW <= middle * 1.25
    assert len({next_try(f"m-{number}", 1, NOW) for number in range(100)}) > 30
    assert next_try("m-1", MOST_ATTEMPTS, NOW) is None
    assert next_try("m-1", 1, NOW, retry_after=600) == NOW + timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class _Refusing:
    """A gateway that gives one answer."""

    answer: Refused
    provider = "smtp"

    def send(self, outgoing: Outgoing) -> Refused:
        return self.answer

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> None:
        return None


@pytest.mark.parametrize(("of_address", "state"), [(True, "closed"), (False, "open")])
def test_an_address_that_is_refused_for_now_says_nothing_of_the_gateway(of_address: bool, state: str) -> None:
    refused = Refused("451", permanent=False, of_address=of_address)
    gateway = Gateway("email", _Refusing(refused), breaker=Breaker(failures=1))
    parcel = Parcel(Outgoing("m", "1", "ann@example.com", "Hello"), (), "w/1", clock.now() + LEASE)
    assert Caller(gateway, lambda: False, get_logger()).call(parcel).outcome == refused
    assert gateway.breaker.state == state
