"""How often a token may ask: at the limit, after it, and again when the bucket has filled."""

from dataclasses import dataclass
from typing import Any

import pytest

from loyalty_engine.api import limits
from loyalty_engine.api.limits import Limiter, Limits, asks_too_often, looks_up_too_often
from loyalty_engine.api.refusals import TooMany
from loyalty_engine.config import Settings, WrongSetting, from_environment
from tests.api.conftest import CARD, Shop, purchase


@dataclass
class Seconds:
    """A clock that is moved by hand."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def takes(limiter: Limiter, times: int, token_id: str = "t", cost: int = 1) -> int:
    """Return how many of so many attempts pass."""
    passed = 0
    for _ in range(times):
        try:
            limiter.take(token_id, cost)
        except TooMany:
            continue
        passed += 1
    return passed


def test_a_bucket_holds_a_minutes_worth_and_fills_evenly(seconds: Seconds) -> None:
    limiter = Limiter(asks_too_often, 30, seconds)
    assert takes(limiter, 40) == 30
    seconds.now += 1.999
    assert takes(limiter, 1) == 0
    seconds.now += 0.002
    assert takes(limiter, 2) == 1
    seconds.now += 20
    assert takes(limiter, 40) == 10
    seconds.now += 3600
    assert takes(limiter, 40) == 30, "it never holds more"


def test_each_token_has_its_own(seconds: Seconds) -> None:
    limiter = Limiter(asks_too_often, 2, seconds)
    assert (takes(limiter, 3, "a"), takes(limiter, 3, "b")) == (2, 2)


def test_it_says_when_to_come_back_and_then_lets_one_pass(seconds: Seconds) -> None:
    limiter = Limiter(asks_too_often, 7, seconds)
    takes(limiter, 7)
    with pytest.raises(TooMany) as refused:
        limiter.take("t")
    assert (refused.value.code, refused.value.limit, refused.value.retry_after) == ("too_many_requests", 7, 9)
    seconds.now += refused.value.retry_after
    assert takes(limiter, 2) == 1


def test_what_is_charged_may_be_more_than_there_is(seconds: Seconds) -> None:
    limiter = Limiter(looks_up_too_often, 60, seconds)
    for _ in range(4):
        limiter.charge("t", 20)
    assert takes(limiter, 1, cost=0) == 0
    seconds.now += 19.5
    assert takes(limiter, 1, cost=0) == 0
    seconds.now += 0.5
    assert takes(limiter, 1, cost=0) == 1
    assert takes(limiter, 1) == 0


def test_nought_is_no_limit(seconds: Seconds) -> None:
    limiter = Limiter(asks_too_often, 0, seconds)
    limiter.charge("t", 1_000)
    assert takes(limiter, 1_000) == 1_000


def test_full_buckets_are_forgotten(seconds: Seconds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_LOOKS_FOR_FULL", 10)
    limiter = Limiter(asks_too_often, 60, seconds)
    for number in range(10):
        limiter.take(f"early-{number}")
    seconds.now += 1
    takes(limiter, 60, "busy")
    assert set(limiter._levels) == {"busy"}
    assert takes(limiter, 1, "busy") == 0


def limited(shop: Shop, monkeypatch: pytest.MonkeyPatch, clock: Seconds, **rates: int) -> None:
    found = Limits(Settings(**{"rate_requests": 0, "rate_lookups": 0} | rates), clock)
    monkeypatch.setitem(shop.app.extensions, "loyalty_limits", found)


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_token_that_asks_too_often_is_told_to_wait_and_others_are_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seconds: Seconds
) -> None:
    limited(shop, monkeypatch, seconds, rate_requests=3)
    assert [shop.staff("GET", "/v1/stores").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = shop.staff("GET", "/v1/stores")
    assert refused.json["code"] == "too_many_requests"
    assert refused.content_type == "application/problem+json"
    told = [refused.headers[name] for name in ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining")]
    assert told == ["20", "3", "0"]
    assert shop.admin("GET", "/v1/stores").status_code == 200
    seconds.now += 20
    assert shop.staff("GET", "/v1/stores").status_code == 200


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_refusal_for_asking_too_often_is_not_remembered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seconds: Seconds
) -> None:
    limited(shop, monkeypatch, seconds, rate_requests=1)
    shop.terminal("POST", "/v1/members/lookups", json={"card": CARD})
    headers = {"Idempotency-Key": "k"}
    assert shop.terminal("POST", "/v1/purchases", json=purchase(), headers=headers).status_code == 429
    seconds.now += 60
    assert shop.terminal("POST", "/v1/purchases", json=purchase(), headers=headers).status_code == 201


MISSES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("terminal", "POST", "/v1/members/lookups", {"phone": "+8613800138999"}),
    ("terminal", "POST", "/v1/members/lookups", {"card": "6300000000000095"}),
    ("terminal", "POST", "/v1/quotes", purchase(member={"card": "6300000000000095"})),
    ("terminal", "PUT", "/v1/purchases/T7-20261122-0042/member", {"member": {"card": "6300000000000095"}}),
    ("member", "POST", "/v1/me/claims", {"claim_code": "ZZZZ-ZZZZ-ZZZZ"}),
]


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("role", "method", "path", "body"), MISSES)
@pytest.mark.parametrize("key", [False, True])
def test_who_tries_out_numbers_is_stopped_soon(
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    seconds: Seconds,
    role: str,
    method: str,
    path: str,
    body: dict[str, Any],
    key: bool,
) -> None:
    shop.terminal("POST", "/v1/purchases", json=purchase(member=None))
    limited(shop, monkeypatch, seconds, rate_lookups=60)
    headers = [{"Idempotency-Key": f"k{number}"} if key else {} for number in range(5)]
    found = [getattr(shop, role)(method, path, json=body, headers=sent) for sent in headers]
    assert [answer.status_code for answer in found][-1] == 429, [answer.json for answer in found]
    assert [answer.status_code for answer in found][:3] == [404] * 3
    assert found[-1].json["code"] == "too_many_lookups"
    lookup = getattr(shop, role)(method, path, json=body)
    assert lookup.status_code == 429
    seconds.now += 60
    assert getattr(shop, role)(method, path, json=body).status_code == 404


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_sale_is_taken_also_from_a_till_that_looked_up_too_often(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seconds: Seconds
) -> None:
    limited(shop, monkeypatch, seconds, rate_lookups=3)
    found = [shop.terminal("POST", "/v1/members/lookups", json={"card": CARD}).status_code for _ in range(4)]
    assert found == [200, 200, 200, 429]
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).status_code == 201


def test_rates_are_settings() -> None:
    assert (from_environment({}).rate_requests, from_environment({}).rate_lookups) == (30_000, 600)
    set_so = from_environment({"LOYALTY_RATE_REQUESTS": "0", "LOYALTY_RATE_LOOKUPS": "1000000"})
    assert (set_so.rate_requests, set_so.rate_lookups) == (0, 1_000_000)


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "1000001", "９", "9" * 5000])
def test_a_rate_that_is_none_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(WrongSetting, match="LOYALTY_RATE_LOOKUPS"):
        from_environment({"LOYALTY_RATE_LOOKUPS": text})
