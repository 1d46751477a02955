"""What a nightly job is: steps, each committed together with the note of how far the run is."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services import webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.store.nights import batches
from loyalty_engine.store.session import has_one_writer, snapshot
from rules.plan import Plan

Counts = Mapping[str, int]
Due = sa.Select[Any] | sa.CompoundSelect[Any]

MEMBERS_AT_ONCE: Final = 5_000
MEMBERS_AT_ONCE_ON_SQLITE: Final = 1_000
"""There a batch keeps every other writer waiting."""
NIGHT: Final = Actor(token_id="night", role="admin")  # noqa: S106 - a name, no secret


@dataclass(frozen=True, slots=True)
class Night:
    """The day that is run, the instant at which its entries are booked, and the programme in force when it began."""

    day: date
    at: datetime
    plan: Plan

    @property
    def booking(self) -> batches.Booking:
        """Return how its entries are booked."""
        return batches.Booking(self.plan.version, self.at, str(NIGHT), webhooks.outbox())


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a run: done when `position` is noted. `work` runs in the transaction that notes it."""

    position: str
    size: int = 0
    work: Callable[[sa.Connection], Counts] | None = None
    counts: Counts = field(default_factory=dict)
    """What was done already, in transactions of its own."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job by its name; `steps` takes the night and the position after which to go on."""

    name: str
    steps: Callable[[Night, str], Generator[Step]]
    total: Callable[[Night, str], int | None] = lambda night, after: None
    """How many members there are to look at, for whoever waits for it."""


def by_member(
    name: str,
    due: Callable[[Night], Due | None],
    work: Callable[[sa.Connection, Sequence[str], Night], Counts],
    at_most: int = MEMBERS_AT_ONCE,
) -> Job:
    """Return a job that does `work` on the members that `due` finds, `at_most` in a transaction, by their ids."""

    def steps(night: Night, after: str) -> Generator[Step]:
        found = due(night)
        if found is None:
            return
        size = min(at_most, MEMBERS_AT_ONCE_ON_SQLITE if has_one_writer() else MEMBERS_AT_ONCE)
        with (
            snapshot() as connection,
            closing(batches.pages(connection, batches.who(found, after or None), size)) as pages,
        ):
            for ids in pages:
                yield Step(ids[-1], len(ids), partial(_work, work, ids, night))

    def total(night: Night, after: str) -> int | None:
        found = due(night)
        if found is None:
            return 0
        with snapshot() as connection:
            return batches.count(connection, batches.who(found, after or None))

    return Job(name, steps, total)


def _work(
    work: Callable[[sa.Connection, Sequence[str], Night], Counts],
    ids: Sequence[str],
    night: Night,
    connection: sa.Connection,
) -> Counts:
    return work(connection, ids, night)


def by_calls(name: str, call: Callable[[date, int], int], limit: int = 500) -> Job:
    """Return a job that calls `call(day, limit)`, which commits by itself, until it finds fewer than `limit`."""

    def steps(night: Night, after: str) -> Generator[Step]:
        while True:
            done = call(night.day, limit)
            yield Step("calls", done, counts={"done": done})
            if done < limit:
                return

    return Job(name, steps)


def at_once(name: str, call: Callable[[date], int]) -> Job:
    """Return a job that is one call, which commits by itself and says how much it did."""

    def steps(night: Night, after: str) -> Generator[Step]:
        done = call(night.day)
        yield Step("done", done, counts={"done": done})

    return Job(name, steps)


@dataclass(frozen=True, slots=True)
class EveryMinute:
    """A job that is called at every tick with the time and how many at most; it commits by itself."""

    name: str
    call: Callable[[datetime, int], int]
    standing: Callable[[], Counts] = dict
    """What else is told of it beside how much it did."""
    by_itself: bool = False
    """Whether a worker does it in threads of its own, and not at its ticks: it asks others, who may hang."""
    is_on: Callable[[], bool] = lambda: True
    """Whether there is anything for it to do by the settings; nobody waits for it where not."""
