"""Tills' clocks differ: a return is dated by the till that takes it, and never before its purchase."""

from datetime import datetime, timedelta

import pytest

from loyalty_engine.services import returns
from loyalty_engine.services.intake import ReturnRequest
from tests.builders import ADMIN, done
from tests.conftest import NOON
from tests.ledger import assert_clean, leaves, open_shop, post, rows, sold

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

SOLD_AT = NOON - timedelta(hours=2)


@pytest.mark.parametrize(
    ("said", "booked"),
    [
        (SOLD_AT - timedelta(seconds=1), SOLD_AT),
        (SOLD_AT, SOLD_AT),
        (SOLD_AT + timedelta(seconds=1), SOLD_AT + timedelta(seconds=1)),
    ],
)
@pytest.mark.parametrize("first", ["purchase", "return"])
def test_a_return_happened_when_its_till_says_but_not_before_its_purchase(
    said: datetime, booked: datetime, first: str
) -> None:
    (ann,) = open_shop(members=1)
    request = ReturnRequest("p1", "x1", None, store="s-1", occurred_at=said)
    if first == "return":
        done(returns.take_in, ADMIN, request)
    post(sold("p1", ann, at=SOLD_AT))
    done(returns.take_in, ADMIN, request)
    (kept,) = rows("SELECT occurred_at FROM purchase_returns")
    assert str(kept["occurred_at"])[:19].replace("T", " ") == f"{booked:%Y-%m-%d %H:%M:%S}"
    assert leaves(ann)[0] == 0
    assert_clean()
