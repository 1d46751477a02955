"""What operators see: a request's id, one line of log without anything personal, metrics of few series, readiness."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from loyalty_engine.services import programmes, purchases, tokens
from loyalty_engine.store.session import StillInWork, Unavailable
from tests.api.conftest import CARD, Shop, purchase

pytestmark = [
    pytest.mark.usefixtures("frozen_clock"),
    pytest.mark.parametrize("application", ["sqlite"], indirect=True),
]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("sent", ["abc-1", "T7.0042~x", "x" * 64])
def test_a_sane_request_id_comes_back(shop: Shop, sent: str) -> None:
    answer = shop.nobody("GET", "/healthz", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, 'a"b', "ä", "<script>"])
def test_another_is_replaced(shop: Shop, sent: str) -> None:
    answer = shop.nobody("GET", "/healthz", headers={"X-Request-Id": sent})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_a_request_is_one_line_with_nothing_personal(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    shop.terminal("POST", "/v1/purchases", json=purchase(), headers={"X-Request-Id": "r-1"})
    shop.terminal("POST", "/v1/members/lookups?phone=13800138000", json={"phone": "+8613800138000"})
    shop.terminal("GET", f"/v1/nothing/{CARD}")
    log = capfd.readouterr().err
    first, _, third = lines(log)
    assert (first["route"], first["status"], first["request_id"]) == ("/v1/purchases", 201, "r-1")
    assert third["route"] == "unmatched"
    assert first["actor"].startswith("terminal:")
    assert first["microseconds"] > 0
    for secret in (CARD, "13800138000", "Lin", "LATTE", shop.terminal.token or ""):
        assert secret not in log


def test_a_bug_is_a_problem_without_details_and_a_line_without_data(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise ValueError(f"no card {CARD}")

    monkeypatch.setattr(purchases, "post_in", breaks)
    answer = shop.terminal("POST", "/v1/purchases", json=purchase())
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    log = capfd.readouterr().err
    bug = next(line for line in lines(log) if line["event"] == "bug")
    assert bug["kind"] == "ValueError"
    assert any("breaks" in place for place in bug["places"])
    assert CARD not in log + answer.text


@pytest.mark.parametrize(
    ("refusal", "status"),
    [(Unavailable("database_busy", "later"), 503), (StillInWork("still_in_work", "later"), 409)],
)
def test_what_may_go_better_in_a_moment_says_when(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, refusal: Exception, status: int
) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise refusal

    monkeypatch.setattr(purchases, "post_in", refuses)
    answer = shop.terminal("POST", "/v1/purchases", json=purchase())
    assert answer.status_code == status
    assert int(answer.headers["Retry-After"]) >= 1


def test_metrics_have_a_series_a_route_and_not_one_a_path(shop: Shop) -> None:
    for number in range(20):
        shop.terminal("GET", f"/v1/purchases/p-{number}")
        shop.terminal("GET", f"/v1/nothing/{number}")
        shop.nobody(f"M{number}", "/healthz")
    text = shop.nobody("GET", "/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("loyalty_requests_total")]
    assert any('route="/v1/purchases/<code:purchase_id>"' in line for line in counted)
    assert "p-1" not in text
    assert "nothing" not in text
    assert sum('method="OTHER"' in line for line in counted) == 1


def test_healthz_lives_whatever_happens(shop: Shop) -> None:
    assert shop.nobody("GET", "/healthz").json == {"status": "ok"}


def test_readyz_says_what_is_missing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = shop.nobody("GET", "/readyz")
    assert (answer.status_code, answer.json["code"]) == (503, "database_not_migrated")
    assert "loyalty db upgrade" in answer.json["detail"]
    monkeypatch.setattr("loyalty_engine.services.readiness.HEAD", None)
    assert shop.nobody("GET", "/readyz").status_code == 200
    monkeypatch.setattr(programmes, "versions", tuple)
    assert shop.nobody("GET", "/readyz").json["code"] == "no_programme"


def test_a_missing_database_is_503_and_says_what_to_do(shop: Shop, tmp_path: Any) -> None:
    from loyalty_engine import create_app
    from loyalty_engine.config import Settings

    (tmp_path / "letter.db").write_text("This is a letter and no database. " * 10)
    for url in (f"sqlite:///{tmp_path}/{file}" for file in ("empty.db", "no/such/place.db", "letter.db")):
        other: Flask = create_app(Settings(database_url=url, log_level="ERROR"))
        headers = {"Authorization": f"Bearer lty_{'0' * 16}_{'0' * 64}"}
        answer = other.test_client().get("/v1/me", headers=headers)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"]


def test_too_many_requests_say_when_to_come_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from loyalty_engine.api.refusals import TooMany

    def refuses(_: str) -> None:
        raise TooMany("too_many_requests", "Wait a moment.", 7, 60)

    monkeypatch.setattr(tokens, "authenticate", refuses)
    answer = shop.terminal("GET", "/v1/stores")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    told = [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
    assert told == ["60", "0", "7"]
