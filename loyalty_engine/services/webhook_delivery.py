"""Tells targets what happened: each member's events in their order, each until it is taken, none kept waiting by another.

A cursor is claimed and the claim committed before anything is sent, so that a process that hung finds its cursor taken
and its word refused. What was sent and not settled is sent again, under the same id: at least once, not exactly once.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.channels.webhook_http import CONNECT_SECONDS, READ_SECONDS, Sender
from loyalty_engine.config.webhooks import WebhookTarget
from loyalty_engine.services import webhooks
from loyalty_engine.store import webhook_queue as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import StillInWork, in_transaction, reading
from loyalty_engine.store.webhook_queue import Claimed, Event

LEASE: Final = timedelta(minutes=1)
FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=2)
GIVEN_UP_AFTER: Final = timedelta(days=3)
IN_A_ROW: Final = 3
"""After so many failures without a delivery between them a target is left alone for `REST`."""
REST: Final = timedelta(seconds=30)

_MEMBERS: Final = 200
_EVENTS: Final = 20
_A_CALL: Final = timedelta(seconds=CONNECT_SECONDS + READ_SECONDS)
_encode = msgspec.json.Encoder().encode


def _pauses() -> Iterator[timedelta]:
    pause, waited = FIRST_PAUSE, timedelta()
    while waited < GIVEN_UP_AFTER:
        yield pause
        waited += pause
        pause = min(2 * pause, LONGEST_PAUSE)


_PAUSES: Final = tuple(_pauses())


def pause_after(attempts: int) -> timedelta | None:
    """Return how long an event that failed so many times waits; None when that was the last time."""
    return _PAUSES[attempts - 1] if attempts <= len(_PAUSES) else None


def body_of(member_id: str, event: Event) -> bytes:
    """Return what is sent of an event: the same bytes every time."""
    told = {
        "id": f"{member_id}.{event.event_no}",
        "kind": event.kind,
        "at": event.at,
        "member_id": member_id,
        "event_no": event.event_no,
        "data": msgspec.Raw(event.payload.encode()),
    }
    return _encode(told)


def deliver_due(_now: datetime, limit: int) -> int:
    """Go once through what every target waits for, at most `limit` members of each; return how many events were taken."""
    taken = 0
    for target in webhooks.targets():
        with closing(Courier(target, new_id())) as courier:
            taken += courier.run(limit)
    return taken


class Courier:
    """Delivers to one target, in one thread."""

    def __init__(self, target: WebhookTarget, owner: str) -> None:
        self._target = target
        self._owner = owner
        self._sender = Sender(target)
        self._failed = 0
        self._rests_until = clock.now()

    def run(self, limit: int = _MEMBERS, stopping: Callable[[], bool] = lambda: False) -> int:
        """Deliver what is due, of at most `limit` members; return how many events were taken.

        A target that fails again and again rests for a while: its members keep their places.
        """
        now = clock.now()
        if now < self._rests_until <= now + REST:
            return 0
        with reading() as connection:
            due = store.due(connection, self._target.name, now, _lengths(), limit)
        random.shuffle(due)  # several workers begin in different places
        taken = 0
        for member_id in due:
            if stopping():
                break
            taken += self._visit(member_id)
            if self._failed >= IN_A_ROW:
                self._failed, self._rests_until = 0, clock.now() + REST
                break
        return taken

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def _visit(self, member_id: str) -> int:
        """Deliver some of a member's events, up to the first that isn't taken."""
        try:
            claimed, events = in_transaction(partial(self._claim, member_id=member_id))
        except StillInWork:
            return 0
        if claimed is None:
            return 0
        ends = clock.now() + LEASE - _A_CALL
        delivered, taken, error = claimed.delivered, 0, None
        for event in events:
            if event.kind in self._target.kinds:
                if clock.now() > ends:
                    break
                error = self._sender.send(f"{member_id}.{event.event_no}", body_of(member_id, event), clock.now())
                if error is not None:
                    break
                taken += 1
            delivered = event.event_no
        self._failed = self._failed + 1 if error is not None else 0
        in_transaction(partial(self._settle, claimed=claimed, delivered=delivered, error=error))
        return taken

    def _claim(self, connection: sa.Connection, member_id: str) -> tuple[Claimed | None, list[Event]]:
        claimed = store.claim(connection, member_id, self._target.name, self._owner, clock.now(), _lengths())
        if claimed is None:
            return None, []
        return claimed, store.events(connection, member_id, claimed.delivered, _EVENTS)

    def _settle(self, connection: sa.Connection, claimed: Claimed, delivered: int, error: str | None) -> bool:
        """Note how far it came; an event that failed for days is parked with everything behind it."""
        attempts = 0
        if error is not None:
            attempts = claimed.attempts + 1 if delivered == claimed.delivered else 1
        pause = pause_after(attempts) if attempts else timedelta()
        until = None if pause is None else clock.now() + pause
        return store.settle(connection, claimed, self._target.name, self._owner, delivered, until, attempts, error)


def _lengths() -> store.Lengths:
    return store.Lengths(LEASE, LONGEST_PAUSE)
