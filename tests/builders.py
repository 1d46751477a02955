"""What tests need to be there before they can begin: a programme, a merchant with a store and a till."""

from collections.abc import Callable
from functools import cache
from textwrap import dedent
from typing import Any, TypeVar

import msgspec

from loyalty_engine.services import publishing, races, stores
from loyalty_engine.services.actors import Actor
from loyalty_engine.store.places import Merchant, Store
from tests.texts import load

T = TypeVar("T")

ADMIN = Actor("admin-of-tests", "admin")
STAFF = Actor("staff-of-tests", "staff")
TILL = Actor("till-of-tests", "terminal", "tea-house", "s-1", "t-1")

PROGRAMME = dedent("""\
    programme: tea-club
    name: {en: Tea Club, zh: 茶会}
    money: CNY
    time_zone: Asia/Shanghai
    wallets:
      - {id: leaves, name: {en: Leaves}}
    accrual:
      - {id: base, wallet: leaves, earn: {points: 1, per: "1.00"}}
    tiers:
      metric: {points_of: leaves}
      window: {rolling: 12 months}
      downgrade: {steps: one}
      levels:
        - {id: green, name: {en: Green}, from: 0}
        - {id: gold, name: {en: Gold}, from: 1000}
    """)


def done(work: Callable[..., T], *given: Any, **named: Any) -> T:
    """Return what `work` (a service's `…_in`) gives in a transaction of its own."""
    return races.run(lambda connection: work(connection, *given, **named))


def publish(text: str = PROGRAMME) -> int:
    """Publish a programme as the next version, in force from now on; return the version."""
    return publishing.publish(ADMIN, _as_json(text), None, "for a test").version


@cache
def _as_json(text: str) -> bytes | str:
    """Return a good document as JSON: the same few are published by thousands of tests, and JSON is read at once."""
    data = load(text)
    return text if isinstance(data, tuple) else msgspec.json.Encoder(decimal_format="number").encode(data)


def open_store(store_id: str = "s-1", terminal_id: str = "t-1", merchant_id: str = "tea-house") -> None:
    """Open a store with one till, and its merchant where that isn't there."""
    stores.put_merchant(ADMIN, Merchant(merchant_id, merchant_id.title()))
    stores.put_store(ADMIN, Store(store_id, merchant_id, f"Store {store_id}", "Asia/Shanghai"))
    stores.put_terminal(ADMIN, store_id, terminal_id)
