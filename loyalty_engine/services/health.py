"""Whether what runs beside the web keeps up: the worker's jobs, the messages on their way, the targets of webhooks.

It is looked at again after `SECONDS`, or `PATIENCE` times as long as it took, however often somebody asks: whoever watches
must not be a load, least of all when everything waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import current_app

from loyalty_engine import clock
from loyalty_engine.config import Settings
from loyalty_engine.services import webhook_positions
from loyalty_engine.services.caching import Cache
from loyalty_engine.services.jobs import status
from loyalty_engine.services.jobs.status import JobStatus
from loyalty_engine.services.webhook_positions import Position
from loyalty_engine.store import message_counts
from loyalty_engine.store.session import reading

SECONDS: Final = 10
PATIENCE: Final = 20
MOST_COUNTED: Final = message_counts.MOST
"""A count of messages that has come so far says that there are at least so many."""
_LATELY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Health:
    """How everything stands; `late` names what is behind by more than `LOYALTY_LATE_SECONDS`."""

    jobs: tuple[JobStatus, ...]
    messages: Mapping[str, int]
    """By status: all that are on their way, and of the others those of the last day. Each is counted up to `MOST_COUNTED`."""
    webhooks: tuple[Position, ...]
    late: tuple[str, ...]


_kept: Final[Cache[None, Health]] = Cache(SECONDS, patience=PATIENCE)


def recent() -> Health:
    """Return how everything stood a few seconds ago at most."""
    return _kept.get(None, now)


def now() -> Health:
    """Return how everything stands."""
    settings: Settings = current_app.extensions["loyalty_settings"]
    jobs, targets = status.all_jobs(), webhook_positions.positions()
    with reading() as connection:
        messages = message_counts.by_status(connection, clock.now() - _LATELY)
    behind = [(one.job, one.late_seconds) for one in jobs]
    behind += [(f"webhooks to {one.target}", one.oldest_seconds) for one in targets]
    late = tuple(name for name, seconds in behind if (seconds or 0) > settings.late_seconds)
    return Health(jobs, messages, targets, late)
