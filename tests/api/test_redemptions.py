"""Points over HTTP: used, held, captured, released; repeated; refused with what would work; a till's quote of them."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine import clock
from loyalty_engine.api.limits import Limits
from loyalty_engine.config import Settings
from loyalty_engine.services import one_time_codes
from loyalty_engine.store.session import in_transaction
from tests import builders
from tests.api.conftest import CARD, Caller, Shop, line, purchase
from tests.conftest import FrozenClock
from tests.ledger import assert_clean

MONEY = builders.PROGRAMME.replace(
    "{id: leaves, name: {en: Leaves}}",
    '{id: leaves, name: {en: Leaves}, worth: "0.01", spending: {minimum: 100, multiple: 50, share_of_purchase: 50%,'
    " proof: {above: 1000, by: [token, code]}}}",
)
PATH = "/v1/redemptions"


@pytest.fixture
def rich(shop: Shop, frozen_clock: FrozenClock) -> Shop:
    """A shop where leaves are cents, and its member has 5,000 of them."""
    with shop.app.app_context():
        builders.publish(MONEY)
    big = purchase(purchase_id="big", receipt=..., lines=[line("1", amount="5000.00")], order_discount=..., tenders=...)
    assert shop.terminal("POST", "/v1/purchases", json=big).json["points"][0]["points"] == 5000
    return shop


def asked(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"member": {"card": CARD}, "wallet": "leaves", "points": 300}
    return {name: value for name, value in (body | changes).items() if value is not ...}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    found: dict[str, Any] = answer.json
    return found


def available(shop: Shop) -> int:
    found: int = shop.member("GET", "/v1/me/balances").json["balances"][0]["available"]
    return found


def test_points_are_used_and_looked_at_again(rich: Shop) -> None:
    answer = rich.terminal("POST", PATH, json=asked(purchase_total="6.00"))
    assert answer.status_code == 201
    told = answer.json
    assert (told["status"], told["points"], told["captured"], told["worth"]) == ("captured", 300, 300, "3.00")
    assert (told["store"], told["member_id"], told["purchase_id"]) == ("s-1", rich.member_id, None)
    assert told["balances"][0]["available"] == 4700
    for role in ("terminal", "service", "staff", "admin"):
        assert rich.callers[role]("GET", f"{PATH}/{told['redemption_id'].upper()}").json == told
    with rich.app.app_context():
        assert_clean()


def test_points_are_held_captured_for_less_and_released(rich: Shop) -> None:
    held = rich.terminal("POST", PATH, json=asked(capture=False)).json
    assert (held["status"], held["expires_at"]) == ("held", (clock.now() + timedelta(minutes=15)).isoformat())
    assert (held["balances"][0]["available"], held["balances"][0]["held"]) == (4700, 300)
    path = f"{PATH}/{held['redemption_id']}"
    captured = rich.terminal("POST", f"{path}/capture", json={"points": 200})
    assert (captured.status_code, captured.json["status"], captured.json["worth"]) == (200, "captured", "2.00")
    assert captured.json["balances"][0]["available"] == 4800
    assert rich.terminal("POST", f"{path}/capture", json={"points": 200}).json == captured.json
    problem(rich.terminal("POST", f"{path}/capture"), 409, "redemption_captured")
    problem(rich.terminal("POST", f"{path}/release"), 409, "redemption_captured")
    other = rich.service("POST", PATH, json=asked(capture=False, store="s-1")).json
    released = rich.service("POST", f"{PATH}/{other['redemption_id']}/release")
    assert (released.status_code, released.json["status"]) == (200, "released")
    assert rich.terminal("POST", f"{PATH}/{other['redemption_id']}/release", json={}).json == released.json
    problem(rich.terminal("POST", f"{PATH}/{other['redemption_id']}/capture", json={}), 409, "redemption_released")


def test_a_hold_that_is_over_is_refused(rich: Shop, frozen_clock: FrozenClock) -> None:
    held = rich.terminal("POST", PATH, json=asked(capture=False)).json
    frozen_clock.move(timedelta(minutes=15))
    problem(rich.terminal("POST", f"{PATH}/{held['redemption_id']}/capture"), 409, "hold_expired")


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"points": 0}, 422, "invalid_fields", "points"),
        ({"points": -300}, 422, "invalid_fields", "points"),
        ({"points": 10**9 + 1}, 422, "invalid_fields", "points"),
        ({"points": "300"}, 422, "invalid_fields", "points"),
        ({"points": 1.5}, 422, "invalid_fields", "points"),
        ({"points": ...}, 422, "invalid_fields", "points"),
        ({"wallet": ...}, 422, "invalid_fields", "wallet"),
        ({"member": ...}, 422, "invalid_fields", "member"),
        ({"member": {}}, 422, "invalid_fields", "member"),
        ({"member": {"card": CARD, "phone": "+8613800138000"}}, 422, "invalid_fields", "member"),
        ({"reward": "cake"}, 422, "invalid_fields", "body"),
        ({"capture": "no"}, 422, "invalid_fields", "capture"),
        ({"purchase_total": "1e9"}, 422, "invalid_fields", "purchase_total"),
        ({"proof": {}}, 422, "invalid_fields", "proof.code"),
        ({"poins": 3}, 422, "invalid_fields", "poins"),
        ({"reason": "a gift"}, 422, "gift_not_allowed", "reason"),
        ({"points": ..., "wallet": ..., "reward": "cake", "reason": "a gift"}, 422, "gift_not_allowed", "reason"),
        ({"points": ..., "wallet": ..., "reward": "cake"}, 404, "reward_unknown", None),
        ({"points": 50}, 422, "points_below_minimum", "points"),
        ({"points": 310}, 422, "points_not_a_multiple", "points"),
        ({"purchase_total": "5.99"}, 422, "points_over_share", "points"),
        ({"wallet": "beans"}, 404, "wallet_not_found", "wallet"),
        ({"points": 5050, "proof": {"code": "000000"}}, 403, "code_wrong", "proof.code"),
        ({"points": 1050}, 403, "proof_needed", "proof"),
        ({"member": {"card": "6300000000000095"}}, 404, "unknown_card", None),
        ({"member": {"token": "x"}}, 404, "unknown_token", None),
        ({"store": "s-2"}, 403, "other_store", None),
    ],
)
def test_bad_input_is_refused_with_what_would_work_and_changes_nothing(
    rich: Shop, changes: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    told = problem(rich.terminal("POST", PATH, json=asked(**changes)), status, code)
    assert field is None or field in told["errors"]
    assert available(rich) == 5000


def test_what_is_not_there_says_what_is(rich: Shop) -> None:
    for points in (1000, 1000, 1000, 1000, 900):
        assert rich.terminal("POST", PATH, json=asked(points=points)).status_code == 201
    told = problem(rich.terminal("POST", PATH, json=asked(points=150)), 409, "insufficient_points")
    assert told["errors"] == {"points": ["ask for 100 at most"]}
    assert "100 are available" in told["detail"]


def test_a_redemption_is_repeated_under_its_key_and_points_are_used_once(rich: Shop) -> None:
    key = {"Idempotency-Key": "till-1-77"}
    first = rich.terminal("POST", PATH, json=asked(), headers=key)
    again = rich.terminal("POST", PATH, json=asked(), headers=key)
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert available(rich) == 4700
    problem(rich.terminal("POST", PATH, json=asked(points=350), headers=key), 422, "idempotency_key_reused")
    path, key = f"{PATH}/{first.json['redemption_id']}/release", {"Idempotency-Key": "till-1-78"}
    refused = rich.terminal("POST", path, headers=key)
    problem(refused, 409, "redemption_captured")
    assert rich.terminal("POST", path, headers=key).data == refused.data


def _token(shop: Shop) -> str:
    found: str = shop.member("GET", "/v1/me/card").json["token"]
    return found


def test_a_repetition_may_show_the_members_next_token_and_needs_no_new_code(
    rich: Shop, frozen_clock: FrozenClock
) -> None:
    key = {"Idempotency-Key": "till-1-79"}
    first = rich.terminal("POST", PATH, json=asked(points=2000, member={"token": _token(rich)}), headers=key)
    assert first.status_code == 201
    frozen_clock.move(timedelta(minutes=5))
    again = rich.terminal("POST", PATH, json=asked(points=2000, member={"token": _token(rich)}), headers=key)
    assert again.data == first.data
    with rich.app.app_context():
        code = in_transaction(lambda to: one_time_codes.make(to, rich.member_id, one_time_codes.REDEMPTION))
    key = {"Idempotency-Key": "till-1-80"}
    wrong = asked(points=2000, proof={"code": f"{(int(code) + 1) % 10**6:06d}"})
    problem(rich.terminal("POST", PATH, json=wrong, headers=key), 403, "code_wrong")
    right = asked(points=2000, proof={"code": code})
    done = rich.terminal("POST", PATH, json=right, headers=key)
    assert done.status_code == 201
    assert rich.terminal("POST", PATH, json=right, headers=key).data == done.data
    assert available(rich) == 1000


def test_the_members_page_shows_a_token_that_tills_take(rich: Shop, frozen_clock: FrozenClock) -> None:
    card = rich.member("GET", "/v1/me/card").json
    assert card["number"] == CARD
    assert (
        rich.terminal("POST", "/v1/members/lookups", json={"token": card["token"]}).json["member_id"] == rich.member_id
    )
    bought = rich.terminal("POST", "/v1/purchases", json=purchase(member={"token": card["token"]}))
    assert (bought.status_code, bought.json["member_id"]) == (201, rich.member_id)
    frozen_clock.move(timedelta(minutes=2))
    for path, body in (
        ("/v1/members/lookups", {"token": card["token"]}),
        (PATH, asked(member={"token": card["token"]})),
    ):
        problem(rich.terminal("POST", path, json=body), 404, "expired_token")
    assert rich.terminal("POST", "/v1/purchases", json=purchase(member={"token": card["token"]})).data == bought.data


def test_a_quote_says_that_a_tender_in_points_fits_no_redemption(rich: Shop) -> None:
    tenders = [{"kind": "points", "amount": "1.00"}, {"kind": "card", "amount": "34.00"}]
    body = purchase(purchase_id="p-2", receipt=..., occurred_at="2026-11-22T12:00:00+08:00", tenders=tenders)
    quoted, posted = (rich.terminal("POST", f"/v1/{what}", json=body).json for what in ("quotes", "purchases"))
    assert (quoted["reason"], posted["reason"]) == ("points_tender_unmatched", "points_tender_unmatched")


def test_a_quote_says_how_many_points_could_be_used(rich: Shop) -> None:
    quoted = rich.terminal("POST", "/v1/quotes", json=purchase()).json["spendable"]
    assert quoted == [
        {
            "wallet": "leaves",
            "points": 1750,
            "worth": "17.50",
            "minimum": 100,
            "multiple": 50,
            "proof_above": 1000,
            "proof_by": ["code", "token"],
        }
    ]
    assert rich.terminal("POST", "/v1/quotes", json=purchase(member=...)).json["spendable"] == []
    small = purchase(lines=[line("1", amount="1.98")], order_discount=..., tenders=...)
    assert rich.terminal("POST", "/v1/quotes", json=small).json["spendable"][0]["points"] == 0


def test_a_purchase_paid_with_points_is_bound_also_in_a_batch_and_a_return_gives_them_back(rich: Shop) -> None:
    held = rich.terminal("POST", PATH, json=asked(capture=False)).json["redemption_id"]
    tenders = [{"kind": "points", "amount": "3.00", "reference": held}, {"kind": "card", "amount": "32.00"}]
    batch = {"purchases": [purchase(tenders=tenders), purchase(tenders=tenders)]}
    results = rich.terminal("POST", "/v1/purchases/batch", json=batch).json["results"]
    assert [one["status"] for one in results] == [201, 200]
    found = rich.terminal("GET", f"{PATH}/{held}").json
    assert (found["status"], found["captured"], found["purchase_id"]) == ("captured", 300, "T7-20261122-0042")
    back = rich.terminal(
        "POST",
        "/v1/purchases/T7-20261122-0042/returns",
        json={"return_reference": "R-1", "lines": [{"line_id": "1", "quantity": 1}]},
    ).json
    assert back["restored"] == [{"wallet": "leaves", "points": 150}]
    another = purchase(purchase_id="p-2", receipt=..., tenders=tenders, occurred_at="2026-11-22T12:00:00+08:00")
    waits = rich.terminal("POST", "/v1/purchases", json=another)
    assert (waits.status_code, waits.json["reason"]) == (202, "points_tender_unmatched")
    accepted = rich.staff("POST", "/v1/purchases/p-2/acceptance", json={"reason": "the till's fault", "store": "s-1"})
    assert accepted.status_code == 201
    with rich.app.app_context():
        assert_clean()


def test_unknown_bodies_of_capture_and_release_are_refused(rich: Shop) -> None:
    held = rich.terminal("POST", PATH, json=asked(capture=False)).json["redemption_id"]
    for body in ({"points": 0}, {"points": -1}, {"poins": 1}, {"points": True}):
        problem(rich.terminal("POST", f"{PATH}/{held}/capture", json=body), 422, "invalid_fields")
    problem(rich.terminal("POST", f"{PATH}/{held}/release", json={"points": 1}), 422, "invalid_fields")
    problem(
        rich.terminal("POST", f"{PATH}/{held}/capture", data=b"[]", headers={"Content-Type": "application/json"}),
        422,
        "invalid_fields",
    )
    problem(rich.terminal("POST", f"{PATH}/{held}/capture", json={"points": 350}), 422, "capture_exceeds_hold")
    assert rich.terminal("GET", f"{PATH}/{held}").json["status"] == "held"


def test_another_stores_till_sees_nothing_of_it_and_another_merchants_can_do_nothing(rich: Shop) -> None:
    held = rich.terminal("POST", PATH, json=asked(capture=False)).json["redemption_id"]
    with rich.app.app_context():
        builders.open_store("s-2", "t-2")
        builders.open_store("s-9", "t-9", "cake-house")
    other, stranger = (_till(rich, store, terminal) for store, terminal in (("s-2", "t-2"), ("s-9", "t-9")))
    problem(other("GET", f"{PATH}/{held}"), 404, "redemption_not_found")
    for method, path in (("GET", ""), ("POST", "/capture"), ("POST", "/release")):
        problem(stranger(method, f"{PATH}/{held}{path}"), 404, "redemption_not_found")
    assert other("POST", f"{PATH}/{held}/capture").json["captured"] == 300


def _till(shop: Shop, store: str, terminal: str) -> Caller:
    body = {"role": "terminal", "name": "till", "store_id": store, "terminal_id": terminal}
    return Caller(shop.terminal.client, shop.admin("POST", "/v1/tokens", json=body).json["token"])


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_whoever_tries_out_phones_by_redeeming_is_stopped_soon(
    rich: Shop, monkeypatch: pytest.MonkeyPatch, key: bool
) -> None:
    limits = Limits(Settings(rate_requests=0, rate_lookups=60), lambda: 0.0)
    monkeypatch.setitem(rich.app.extensions, "loyalty_limits", limits)
    body = asked(member={"phone": "+8613800138999"})
    headers = [{"Idempotency-Key": f"k{number}"} if key else {} for number in range(4)]
    assert rich.terminal("POST", PATH, json=asked()).status_code == 201
    found = [rich.terminal("POST", PATH, json=body, headers=sent).status_code for sent in headers]
    assert found == [404] * 4
    problem(rich.terminal("POST", PATH, json=body), 429, "too_many_lookups")
