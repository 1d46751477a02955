"""Points that a hold kept beyond their account's end by inactivity lapse in the transaction that frees them."""

from datetime import timedelta

import pytest

from loyalty_engine import clock
from loyalty_engine.services import adjustments, redemptions
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.jobs import nights
from tests.builders import STAFF
from tests.conftest import NOON, FrozenClock
from tests.ledger import MONEY, assert_clean, figures, hold, open_shop, release

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

IDLE = MONEY.replace("expiry: {after: 12 months, at: end_of_month}", "expiry: {inactivity: 1 month}")
"""The last activity is on 22 November: 22 December is the last day."""


@pytest.mark.parametrize(("days", "left"), [(29, 500), (30, 500), (31, 0)])
@pytest.mark.parametrize("freed", ["released", "timed out"])
def test_held_points_lapse_when_they_are_freed_after_the_accounts_last_day(
    frozen_clock: FrozenClock, days: int, left: int, freed: str
) -> None:
    (ann,) = open_shop(IDLE, members=1)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 500, "for her patience"))
    held = hold(ann, 100)
    frozen_clock.set(NOON + timedelta(days=days))
    nights.run("expiry")
    assert figures(ann)["leaves"] == (left and 400, 0, 100, 0)
    if freed == "released":
        release(held)
    else:
        assert redemptions.time_out_holds(clock.now(), 10) == 1
    assert figures(ann)["leaves"] == (left, 0, 0, 0)
    assert_clean()
