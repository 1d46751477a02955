"""Changes the state of a voucher, and tells the outbox of webhooks of it: one way for all who do."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services import webhooks
from loyalty_engine.store import members
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.vouchers import Place, Values

_FREED: Final = "released"
"""What is told of a voucher that is as it was when it was issued."""


def change(
    connection: sa.Connection, place: Place, was: Collection[str], values: Values, told: str | None = None
) -> bool:
    """Change a voucher that is in one of the states `was`; False where it isn't.

    `told` is what webhooks are told where the new state alone doesn't say it.
    """
    return _changed(connection, place, told, partial(store.change, connection, place, was, **values))


def free(connection: sa.Connection, place: Place, now: datetime, **values: Any) -> bool:
    """Change a held voucher whose time is over at `now`; False for any other."""
    return _changed(connection, place, None, partial(store.free, connection, place, now, **values))


def _changed(connection: sa.Connection, place: Place, told: str | None, make: Callable[[], bool]) -> bool:
    if not webhooks.targets():
        return make()
    # The member comes first, as in every other transaction on it.
    members.lock(connection, place.member_id)
    if not make():
        return False
    row = store.find(connection, place)
    assert row is not None, "no voucher is ever deleted"
    said = told or (_FREED if row["status"] == "issued" else row["status"])
    webhooks.emit(connection, place.member_id, "voucher", webhooks.voucher_data(row, said))
    return True
