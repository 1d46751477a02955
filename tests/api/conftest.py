"""A shop with a programme, and a caller for each role: what every test of the API begins with."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loyalty_engine.services import enrolment, tokens
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.tokens import NewToken
from tests import builders
from tests.api.documented import assert_documented

CARD = "6300000000000012"


@dataclass
class Caller:
    """Who calls, with the token of a role."""

    client: FlaskClient
    token: str | None
    actor_id: str | None = None

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        """Call as this role; `json`, `data` and `headers` as in Flask's own client."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.client.open(
            path,
            method=method,
            buffered=True,
            headers=headers | options.pop("headers", {}),
            **options,
        )
        assert_documented(self.client.application, method, path, answer)
        return answer


@dataclass
class Shop:
    """The application, its callers by role, and one member."""

    app: Flask
    member_id: str
    callers: dict[str, Caller]

    def __getattr__(self, role: str) -> Caller:
        return self.callers[role]


@pytest.fixture
def shop(application: Flask) -> Shop:
    """A merchant with a store and a till, a published programme, a member with a card, and a token of each role."""
    with application.app_context():
        builders.publish()
        builders.open_store()
        enrolled = builders.done(enrolment.enrol_in, builders.ADMIN, NewMember(cards=(CARD,), name="Lin Wei"))
        member_id = _member_id(enrolled.body)
        secrets = _secrets(member_id)
    client = application.test_client()
    callers = {role: Caller(client, secret) for role, secret in secrets.items()}
    return Shop(application, member_id, callers | {"nobody": Caller(client, None)})


def _member_id(body: bytes) -> str:
    found: str = json.loads(body)["member_id"]
    return found


def _secrets(member_id: str) -> dict[str, str]:
    places: dict[str, dict[str, str]] = {
        "terminal": {"store_id": "s-1", "terminal_id": "t-1"},
        "service": {"merchant_id": "tea-house"},
    }
    roles = ("terminal", "service", "staff", "marketer", "analyst", "admin")
    made = {
        role: tokens.create(builders.ADMIN, NewToken(role, f"a {role}", **places.get(role, {}))).text  # type: ignore[arg-type]
        for role in roles
    }
    return made | {"member": tokens.for_member(builders.STAFF, member_id).text}


def purchase(**changes: Any) -> dict[str, Any]:
    """Return the body of a good purchase, with `changes`; a change to `...` takes the field out."""
    body: dict[str, Any] = {
        "purchase_id": "T7-20261122-0042",
        "member": {"card": CARD},
        "occurred_at": "2026-11-22T11:41:00+08:00",
        "receipt": {"number": "0042", "business_day": "2026-11-22"},
        "channel": "store",
        "currency": "CNY",
        "lines": [line("1")],
        "order_discount": "5.00",
        "tenders": [{"kind": "card", "amount": "35.00"}],
        "vouchers": [],
        "coupon_codes": [],
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def line(line_id: str, **changes: Any) -> dict[str, Any]:
    """Return a good line, with `changes`."""
    body: dict[str, Any] = {
        "line_id": line_id,
        "sku": "LATTE-L",
        "category": "coffee",
        "brand": "house",
        "tags": ["hot"],
        "quantity": 2,
        "amount": "40.00",
        "discount": "6.00",
        "tax": "2.26",
        "facts": {},
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}
