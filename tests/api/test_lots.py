"""What staff see of lots, and giving back what has lapsed."""

from datetime import date, timedelta
from typing import Any

import pytest

from loyalty_engine.services.jobs import nights
from tests.api.conftest import Shop
from tests.builders import publish
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, figures, rows
from tests.nights import SILENT_CLUB, grant, noon, take_back

DAY = date(2026, 11, 22)
ID = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.fixture
def lapsed(frozen_clock: FrozenClock, shop: Shop) -> tuple[Shop, str]:
    """A shop whose member has a lot that has lapsed, and that lot."""
    with shop.app.app_context():
        publish(SILENT_CLUB.replace("id: plain", "id: green").replace("programme: lapsing-club", "programme: tea-club"))
        frozen_clock.set(noon(DAY + timedelta(days=1)))
        grant(shop.member_id, "leaves", 50, noon(DAY + timedelta(days=1)))
        frozen_clock.set(noon(DAY + timedelta(days=90)))
        nights.run("night")
        return shop, str(rows("SELECT lot_id FROM lots")[0]["lot_id"])


def path(shop: Shop, lot: str) -> str:
    return f"/v1/members/{shop.member_id}/lots/{lot}/reinstate"


def listed(shop: Shop, query: str = "") -> list[dict[str, Any]]:
    answer = shop.service("GET", f"/v1/members/{shop.member_id}/lots{query}")
    assert answer.status_code == 200, answer.json
    lots: list[dict[str, Any]] = answer.json["lots"]
    return lots


def test_what_has_lapsed_is_given_back_once_with_a_reason(lapsed: tuple[Shop, str]) -> None:
    shop, lot = lapsed
    assert (listed(shop), [one["lot_id"] for one in listed(shop, "/expired")]) == ([], [lot])
    answer = shop.staff("POST", path(shop, lot), json={"reason": "was in hospital"})
    assert answer.status_code == 201, answer.json
    told = answer.json
    assert (told["points"], told["paid_debt"], told["reinstates"], told["expires_on"]) == (50, 0, lot, "2027-03-22")
    (open_lot,) = listed(shop)
    assert (open_lot["lot_id"], open_lot["remaining"], open_lot["expires_on"]) == (told["lot_id"], 50, "2027-03-22")
    again = shop.staff("POST", path(shop, lot), json={"reason": "was in hospital"})
    assert (again.status_code, again.json["code"]) == (409, "lot_reinstated")
    with shop.app.app_context():
        assert_clean()
        assert rows("SELECT reason FROM ledger_entries WHERE kind = 'reinstatement'") == [{"reason": "was in hospital"}]
        assert rows("SELECT action FROM audit_log WHERE action = 'lot.reinstate'")


def test_a_repetition_with_its_key_gets_the_first_answer(lapsed: tuple[Shop, str]) -> None:
    shop, lot = lapsed
    first, again = (
        shop.staff("POST", path(shop, lot), json={"reason": "x", "days": 1}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )
    assert (again.status_code, again.data) == (201, first.data)
    assert first.json["expires_on"] == "2027-02-21"


def test_what_is_given_back_lapses_again_after_its_days(lapsed: tuple[Shop, str], frozen_clock: FrozenClock) -> None:
    shop, lot = lapsed
    shop.staff("POST", path(shop, lot), json={"reason": "x", "days": 2})
    with shop.app.app_context():
        for days, left in ((92, 50), (93, 0)):
            frozen_clock.set(noon(DAY + timedelta(days=days)))
            nights.run("night")
            assert figures(shop.member_id)["leaves"][0] == left
        assert_clean()


def test_a_debt_is_paid_first(lapsed: tuple[Shop, str], frozen_clock: FrozenClock) -> None:
    shop, lot = lapsed
    with shop.app.app_context():
        take_back(shop.member_id, "leaves", 20, noon(DAY + timedelta(days=90)))
    told = shop.staff("POST", path(shop, lot), json={"reason": "x"}).json
    assert (told["points"], told["paid_debt"], told["balances"][0]["available"]) == (50, 20, 30)
    with shop.app.app_context():
        assert_clean()


def test_only_a_lot_that_has_expired_is_given_back(lapsed: tuple[Shop, str]) -> None:
    shop, lot = lapsed
    new = shop.staff("POST", path(shop, lot), json={"reason": "x"}).json["lot_id"]
    answers = {
        new: (409, "lot_not_expired"),
        ID: (404, "lot_not_found"),
    }
    for one, expected in answers.items():
        answer = shop.staff("POST", path(shop, one), json={"reason": "x"})
        assert (answer.status_code, answer.json["code"]) == expected
    missing = shop.staff("POST", f"/v1/members/{ID}/lots/{lot}/reinstate", json={"reason": "x"})
    assert (missing.status_code, missing.json["code"]) == (404, "member_not_found")


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x", "days": 0}, {"reason": "x", "days": 3651}, {"reason": "x", "day": 1}]
)
def test_a_body_that_is_wrong_is_refused(lapsed: tuple[Shop, str], body: dict[str, Any]) -> None:
    shop, lot = lapsed
    assert shop.staff("POST", path(shop, lot), json=body).status_code == 422


def test_expired_lots_come_in_pages_newest_first(lapsed: tuple[Shop, str], frozen_clock: FrozenClock) -> None:
    shop, _ = lapsed
    with shop.app.app_context():
        for points in (1, 2):
            grant(shop.member_id, "leaves", points, noon(DAY + timedelta(days=90)))
        frozen_clock.set(noon(DAY + timedelta(days=200)))
        nights.run("night")
    listing = f"/v1/members/{shop.member_id}/lots/expired"
    first = shop.staff("GET", f"{listing}?limit=2").json
    rest = shop.staff("GET", f"{listing}?limit=2&cursor={first['next']}").json
    assert [one["granted"] for one in first["lots"] + rest["lots"]] == [2, 1, 50]
    assert rest["next"] is None
    for query, code in (("?state=gone", "invalid_fields"), ("?cursor=x", "cursor_invalid")):
        answer = shop.staff("GET", f"{listing}{query}")
        assert (answer.status_code, answer.json["code"]) == (422, code)
    assert shop.staff("GET", f"/v1/members/{ID}/lots/expired").status_code == 404
