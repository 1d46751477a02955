"""What a member is given ends by the level that it is given on: by an event or by hand as by a purchase."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from loyalty_engine import clock
from loyalty_engine.services import adjustments, events, manual_levels
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.manual_levels import ManualLevel
from rules.events import Event
from tests.builders import ADMIN, STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import TEA_CLUB, assert_clean, open_shop, rows

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

BY_LEVEL = TEA_CLUB.replace(
    "expiry: {after: 12 months, at: end_of_month}",
    "expiry: {by_level: {gold: {after: 36 months}}, otherwise: {after: 6 months}}",
) + ("events:\n  - {id: review, event: review, wallet: leaves, points: 30}\n")


def _event(member: str) -> None:
    events.post(ADMIN, member, Event("e1", "review", clock.now(), {}))


def _adjustment(member: str) -> None:
    adjustments.adjust(STAFF, member, Adjustment("leaves", 30, "for her patience"))


@pytest.mark.parametrize("given", [_event, _adjustment])
@pytest.mark.parametrize(("gold", "end"), [(False, "2027-05-22"), (True, "2029-11-22")])
def test_an_event_and_an_adjustment_end_by_the_level_as_a_purchase_does(
    frozen_clock: FrozenClock, given: Callable[[str], None], gold: bool, end: str
) -> None:
    (ann,) = open_shop(BY_LEVEL, members=1)
    if gold:
        done(manual_levels.put_in, STAFF, ann, ManualLevel("gold", date(2027, 12, 31), "a friend of the house"))
    frozen_clock.move(timedelta(hours=1))
    given(ann)
    (lot,) = rows("SELECT level, expires_on FROM lots")
    assert (lot["level"], str(lot["expires_on"])) == ("gold" if gold else "plain", end)
    assert_clean()


def test_an_event_from_before_an_upgrade_ends_by_the_level_of_its_day(frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(BY_LEVEL, members=1)
    done(manual_levels.put_in, STAFF, ann, ManualLevel("silver", date(2027, 12, 31), "a friend of the house"))
    frozen_clock.move(timedelta(hours=2))
    done(manual_levels.put_in, STAFF, ann, ManualLevel("gold", date(2027, 12, 31), "a friend of the house"))
    events.post(ADMIN, ann, Event("e1", "review", NOON + timedelta(hours=1), {}))
    (lot,) = rows("SELECT level, expires_on FROM lots")
    assert (lot["level"], str(lot["expires_on"])) == ("silver", "2027-05-22")
    assert_clean()
