"""Holds a member's points and rewards for a day after its phone was changed: whoever stole a number gets nothing at once.

Vouchers that were issued before can be used: they are in hand. Staff who know the member give rewards all the same.
"""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.actors import Actor
from loyalty_engine.store import members as store
from rules.errors import Conflict

HOLDS_FOR: Final = timedelta(hours=24)


def check(connection: sa.Connection, actor: Actor, member_id: str, now: datetime) -> None:
    """Raise `Conflict` (`phone_changed`) within a day of a change of phone, save for staff."""
    if actor.role in ("staff", "admin"):
        return
    changed_at = store.phone_changed_at(connection, member_id)
    if changed_at is not None and now < changed_at + HOLDS_FOR:
        until = (changed_at + HOLDS_FOR).isoformat(timespec="seconds")
        detail = f"The member's phone was changed: points and rewards can be used again from {until}."
        raise Conflict("phone_changed", detail)
