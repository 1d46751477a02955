"""Webhooks over HTTP: how far targets are, and telling one again."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import Shop, purchase
from tests.conftest import NOON
from tests.webhooks import Receiver, deliver, listening, target, telling

pytestmark = [
    pytest.mark.usefixtures("frozen_clock"),
    pytest.mark.parametrize("application", ["sqlite"], indirect=True),
]


@pytest.fixture
def receiver(shop: Shop) -> Iterator[Receiver]:
    with listening() as found, telling(shop.app, target(found.url, kinds=("accrual",))):
        yield found


def test_an_operator_sees_how_far_targets_are_and_has_one_told_again(shop: Shop, receiver: Receiver) -> None:
    assert shop.admin("GET", "/v1/webhooks").json["targets"][0]["waiting_events"] == 0
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).status_code == 201
    (before,) = shop.admin("GET", "/v1/webhooks").json["targets"]
    assert before == {
        "target": "crm", "host": receiver.url.split("/")[2], "kinds": ["accrual"], "waiting_events": 1,
        "waiting_members": 1, "oldest_seconds": 0, "parked_members": 0, "error": None,
    }  # fmt: skip
    assert "secret" not in str(before)
    with shop.app.app_context():
        assert deliver(target(receiver.url, kinds=("accrual",))) == 1
    told = shop.admin("PUT", "/v1/webhooks/crm/replay", json={"from": NOON.isoformat()})
    assert (told.status_code, told.json) == (200, {"target": "crm", "from": "2026-11-22T04:00:00Z", "members": 1})
    assert shop.admin("GET", "/v1/webhooks").json["targets"][0]["waiting_events"] == 1


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("erp", {"from": "2026-11-22T04:00:00Z"}, 404, "webhook_target_not_found"),
        ("crm", {"from": "2026-11-22T04:00:01Z"}, 422, "replay_time_invalid"),
        ("crm", {"from": "2026-11-22"}, 422, "invalid_fields"),
        ("crm", {}, 422, "invalid_fields"),
        ("crm", {"from": "2026-11-22T04:00:00Z", "until": "x"}, 422, "invalid_fields"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    shop: Shop, receiver: Receiver, name: str, body: dict[str, str], status: int, code: str
) -> None:
    refused = shop.admin("PUT", f"/v1/webhooks/{name}/replay", json=body)
    assert (refused.status_code, refused.json["code"]) == (status, code)


def test_a_target_is_set_back_by_operators_alone(shop: Shop, receiver: Receiver) -> None:
    for role in ("staff", "service", "terminal", "marketer", "analyst"):
        assert getattr(shop, role)("PUT", "/v1/webhooks/crm/replay", json={"from": NOON.isoformat()}).status_code == 403
        assert getattr(shop, role)("GET", "/v1/webhooks").status_code == 403
