"""The nightly run over levels: reviews that are due, and everybody's level in the first night of another ladder."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import webhooks
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.store import reviews as store
from loyalty_engine.store.review_looks import Kind, midnight_after
from loyalty_engine.store.reviews import Night
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import NotFound
from rules.plan import Plan
from rules.programme import Tiers
from rules.reviews import is_other_ladder, ladder_look, removed_levels, review_look

ACTOR: Final = "system:reviews"
BATCH: Final = 5_000


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a run did: `version` judged it, and is the next run's `last_version`; `outcomes` are counted by kind."""

    version: int
    outcomes: Mapping[str, int]


def _unseen(_looked_at: int) -> None: ...


def review_day(
    day: date,
    last_version: int | None,
    advance: Callable[[int], None] = _unseen,
    *,
    batch: int = BATCH,
    now: datetime | None = None,
) -> Reviewed:
    """Do the reviews of the night in which the business day `day` begins: of windows that ended before it.

    `last_version` is the `version` that the run before this one returned (None where none is known: then everybody is
    looked at, which changes nothing that is right already). `now` is when it is booked, where that isn't the clock's time.

    Each batch of at most `batch` members is one transaction; after each commit `advance` is told how many members it
    looked at, and may raise to stop. The same call then goes on: what is done is not due any more. Twice, or two at
    once, change nothing more; missed nights are caught up by calling for each day in order, or just for the last.
    The version in force when `day` began judges, whenever the run happens.
    """
    steps = reviewing(day, last_version, batch=batch, now=now)
    while True:
        try:
            advance(next(steps))
        except StopIteration as end:
            done: Reviewed = end.value
            return done


def reviewing(
    day: date, last_version: int | None, *, batch: int = BATCH, now: datetime | None = None
) -> Generator[int, None, Reviewed]:
    """Do the same, and yield after each commit how many members were looked at: whoever stops there loses nothing."""
    at = now or clock.now()
    with reading() as connection:
        plan = _plan_of_night(connection, day)
        tiers = plan.programme.tiers
        if tiers is None:
            return Reviewed(plan.version, {})
        night = _night(connection, plan, tiers, day, at)
        everybody = is_other_ladder(_tiers_of(connection, last_version), tiers)
    zone = plan.programme.time_zone
    happens_at = partial(midnight_after, zone=zone)
    outcomes: Counter[str] = Counter()
    if everybody:
        look = Kind(False, lambda night_of, joined: ladder_look(tiers, night_of, joined), happens_at)
        yield from _go_through(night, look, batch, outcomes)
    due = Kind(True, lambda through, joined: review_look(tiers, through, day, joined), happens_at)
    while (yield from _go_through(night, due, batch, outcomes)):
        pass  # one look may make the next one due: a review that was missed for years
    return Reviewed(plan.version, dict(outcomes))


def _go_through(night: Night, kind: Kind, size: int, outcomes: Counter[str]) -> Generator[int, None, int]:
    """Look at all members once, yield after each batch its size, and return how many were looked at."""
    after: str | None = None
    looked_at = 0
    while True:
        done = in_transaction(partial(_batch, night=night, kind=kind, after=after, size=size))
        if done is None:
            return looked_at
        after, count, found = done
        outcomes.update(found)
        looked_at += count
        yield count


def _batch(
    connection: sa.Connection, night: Night, kind: Kind, after: str | None, size: int
) -> tuple[str, int, Counter[str]] | None:
    member_ids = store.lock(connection, night, kind, after, size)
    if not member_ids:
        return None
    return member_ids[-1], len(member_ids), store.decide(connection, night, kind, member_ids)


def _plan_of_night(connection: sa.Connection, day: date) -> Plan:
    """Return the plan in force when `day` began, in the programme's own time zone."""
    zone = plan_for(connection, datetime.combine(day, time(), UTC)).programme.time_zone
    return plan_for(connection, datetime.combine(day, time(), zone))


def _night(connection: sa.Connection, plan: Plan, tiers: Tiers, day: date, at: datetime) -> Night:
    removed = removed_before(connection, plan.version, tiers)
    return Night(day, tiers, removed, plan.version, at, ACTOR, webhooks.outbox())


def removed_before(connection: sa.Connection, version: int, tiers: Tiers) -> dict[str, str | None]:
    """Return the levels of versions before `version` that its ladder no longer has, each with where it leads."""
    return removed_levels(tiers, _earlier(connection, version))


def _earlier(connection: sa.Connection, version: int) -> Iterator[Tiers]:
    """Yield the ladders of older versions, the newest first."""
    for number in range(version - 1, 0, -1):
        tiers = plan_of(connection, number).programme.tiers
        if tiers is not None:
            yield tiers


def _tiers_of(connection: sa.Connection, version: int | None) -> Tiers | None:
    try:
        return plan_of(connection, version).programme.tiers if version is not None else None
    except NotFound:
        return None
