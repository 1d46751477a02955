"""Writes down what a gateway answered, for every message of a text alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.channels import Accepted, Ambiguous, Refused
from loyalty_engine.services.dispatch_calls import Called, NotCalled
from loyalty_engine.services.dispatch_parcels import Parcel
from loyalty_engine.services.retrying import MOST_ATTEMPTS, next_try
from loyalty_engine.store import message_sending as store
from loyalty_engine.store.message_sending import Change
from loyalty_engine.store.messages import Message

ASK_AFTER: Final = timedelta(minutes=5)
"""How long a gateway's list gets before it is asked for a text of which nobody knows."""


def record(connection: sa.Connection, called: Sequence[Called]) -> None:
    """Change the messages of each call that are still held by the claim under which it was made."""
    now = clock.now()
    for one in called:
        for row in one.parcel.says:
            store.change(connection, row.member_id, row.message_id, one.parcel.claim, _change(one, row, now), now)


def _change(called: Called, row: Message, now: datetime) -> Change:
    match called.outcome:
        case Accepted(provider_id):
            return Change("accepted", provider_id=provider_id)
        case Ambiguous(code):
            return Change("unknown", error=code, lease_until=now + ASK_AFTER)
        case NotCalled(wait_seconds):
            return _later(row, now + timedelta(seconds=wait_seconds), Change("planned", counted=False))
        case Refused(code, permanent=True):
            return Change("failed", "refused", error=code)
        case Refused(code, retry_after=retry_after):
            again = _again(called.parcel, now, retry_after)
            if again is None or row.attempts >= MOST_ATTEMPTS:
                return Change("failed", "gave_up", error=code)
            return _later(row, again, Change("planned", error=code))


def _again(parcel: Parcel, now: datetime, retry_after: int | None) -> datetime | None:
    """Return when all of a text is due once more, so that it goes out as one again; a lead at its end takes none along."""
    going_on = [row for row in parcel.says if row.attempts < MOST_ATTEMPTS]
    return next_try(going_on[0].message_id, going_on[0].attempts, now, retry_after) if going_on else None


def _later(row: Message, again: datetime, new: Change) -> Change:
    if row.send_by is not None and again > row.send_by:
        return Change("expired", "too_late", error=new.error, counted=new.counted)
    return Change(new.status, send_at=again, error=new.error, counted=new.counted)
