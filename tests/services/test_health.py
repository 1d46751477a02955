"""Whoever watches is told how many messages wait, up to a number that costs nothing to count to."""

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.cli import nights
from loyalty_engine.services import health
from loyalty_engine.services.health import Health
from loyalty_engine.store import message_counts
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import messages as table
from tests import sending
from tests.conftest import FrozenClock
from tests.ledger import open_shop
from tests.sending_faults import plan_many


@pytest.mark.parametrize(
    ("status", "most", "counted"),
    [("planned", 2, 2), ("held", 2, 2), ("accepted", 2, 2), ("planned", 3, 3), ("planned", 4, 3)],
)
def test_messages_are_counted_up_to_a_number(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, status: str, most: int, counted: int
) -> None:
    open_shop(sending.TELLING, members=0)
    plan_many(3)
    in_transaction(lambda connection: connection.execute(table.update().values(status=status)))
    monkeypatch.setattr(message_counts, "MOST", most)
    assert health.now().messages == {status: counted}


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_every_state_of_a_message_is_counted(app: Flask) -> None:
    (states,) = (one for one in table.constraints if isinstance(one, sa.CheckConstraint) and "IN" in str(one.sqltext))
    named = str(states.sqltext).partition("(")[2].rstrip(")").replace("'", "").split(", ")
    assert sorted(named) == sorted((*message_counts._ON_THEIR_WAY, *message_counts._OVER))


def test_a_count_that_came_to_its_end_says_at_least() -> None:
    found = Health((), {"held": health.MOST_COUNTED - 1, "planned": health.MOST_COUNTED}, (), ())
    assert list(nights._messages(found)) == ["Messages: held 9,999, planned at least 10,000."]
