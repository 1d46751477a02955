"""Forgets what has had its time: keys, codes, counts at the doors, sessions, addresses, events that everybody was told of.

Everything goes some rows at a time, each lot in a transaction of its own: nobody waits for it, and it may be stopped.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import idempotency, parking, webhooks
from loyalty_engine.store import tidying as store
from loyalty_engine.store import webhook_positions
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tidying import Sweep

EVENTS_KEPT: Final = timedelta(days=30)
"""How far back webhooks can be replayed."""
_SESSIONS_KEPT: Final = timedelta(days=30)
_CODES_KEPT: Final = timedelta(days=1)
_AT_ONCE: Final = 1_000

_SWEEPS: Final = (
    ("door_counts", store.DOOR_COUNTS, timedelta()),
    ("codes", store.PHONE_CODES, _CODES_KEPT),
    ("codes", store.MEMBER_CODES, _CODES_KEPT),
    ("sessions", store.SESSIONS, _SESSIONS_KEPT),
    ("addresses", store.ADDRESSES, _CODES_KEPT),
)


def tidying() -> Iterator[tuple[str, int]]:
    """Forget it, and yield after each commit what was forgotten, and how much of it."""
    yield "keys", idempotency.forget_expired()
    yield "names", parking.forget_names()
    for what, sweep, kept in _SWEEPS:
        yield from _until_none(what, partial(_swept, sweep=sweep, kept=kept))
    yield "webhook_targets", in_transaction(_forget_targets)
    yield from _until_none("webhook_events", _forget_events)


def tidy() -> dict[str, int]:
    """Forget all of it, and return how much of what."""
    done: Counter[str] = Counter()
    for what, count in tidying():
        done[what] += count
    return dict(done)


def _until_none(what: str, some: Callable[[sa.Connection], tuple[int, bool]]) -> Iterator[tuple[str, int]]:
    more = True
    while more:
        done, more = in_transaction(some)
        yield what, done


def _swept(connection: sa.Connection, sweep: Sweep, kept: timedelta) -> tuple[int, bool]:
    done = sweep.some(connection, clock.now() - kept, _AT_ONCE)
    return done, done == _AT_ONCE


def _forget_targets(connection: sa.Connection) -> int:
    named = [target.name for target in webhooks.targets()]
    return webhook_positions.forget_targets(connection, named, clock.now() - EVENTS_KEPT)


def _forget_events(connection: sa.Connection) -> tuple[int, bool]:
    found = webhook_positions.forgettable(connection, clock.now() - EVENTS_KEPT, _AT_ONCE)
    done = sum(webhook_positions.forget(connection, member_id, through) for member_id, through in found)
    return done, len(found) == _AT_ONCE
