"""What happens to vouchers with time: they expire after their last day, and holds that nobody ended are freed.

A worker runs these; each call takes some of what is due, in a transaction of its own, and says how many there were.
"""

from datetime import date, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import voucher_states
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_vouchers import place_in
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.session import in_transaction
from rules.periods import business_day


def expire_due(day: date, limit: int = 500) -> int:
    """Let vouchers expire whose last day was before `day`, some `limit` of them; no points come back.

    Call it until it returns less than `limit`: one that somebody used meanwhile counts as well. A held voucher expires once it is free.
    """
    return in_transaction(partial(expire_due_in, day=day, limit=limit))


def expire_due_in(connection: sa.Connection, day: date, limit: int) -> int:
    """The same, in the caller's transaction."""
    values = {"status": "expired", "ended_at": clock.now()}
    due = sorted(store.ended(connection, day, limit))
    for place in due:
        voucher_states.change(connection, place, ("issued",), values)
    return len(due)


def release_held(now: datetime, limit: int = 500) -> int:
    """Free the vouchers whose hold is over at `now`, some `limit` of them; one whose last day is past expires."""
    return in_transaction(partial(release_held_in, now=now, limit=limit))


def release_held_in(connection: sa.Connection, now: datetime, limit: int) -> int:
    """The same, in the caller's transaction."""
    due = sorted(store.timed_out(connection, now, limit), key=place_in)
    today = business_day(now, plan_for(connection, now).programme.time_zone) if due else date.min
    for row in due:
        over = row["valid_through"] is not None and row["valid_through"] < today
        values: dict[str, Any] = {"status": "expired", "ended_at": now} if over else {"status": "issued"}
        # Held anew meanwhile, it is not due any more.
        voucher_states.free(connection, place_in(row), now, held_until=None, lines=None, **values)
    return len(due)
