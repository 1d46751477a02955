"""Sends what is due, again and again, and notes now and then how much that was: each second would be a commit too many."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from loyalty_engine import clock
from loyalty_engine.services import dispatch
from loyalty_engine.services.jobs import nights, registry
from loyalty_engine.services.jobs.runs import Done

_NOTED_EVERY: Final = timedelta(minutes=1)


class Sender:
    """The sending side of one worker."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._noted_at: datetime | None = None
        self._unnoted = 0

    def send(self, stopping: Callable[[], bool]) -> Iterator[Done]:
        """Send until nothing is due or the worker is to end; yield what was done, where it was anything."""
        sent = 0
        while more := dispatch.send_due(self._owner, nights.A_CALL, stopping):
            sent += more
            self._unnoted += more
            self._note_now_and_then()
        self._note_now_and_then()
        if sent:
            yield Done(registry.SENDING.name, nights.today(), "done", {"done": sent})

    def _note_now_and_then(self) -> None:
        """Note also while much is due: else a worker that sends for an hour would seem to have stopped."""
        if self._noted_at is None or abs(clock.now() - self._noted_at) >= _NOTED_EVERY:
            nights.note(registry.SENDING, self._unnoted, self._owner)
            self._noted_at, self._unnoted = clock.now(), 0
