"""Holds a till's count of its day against what has come, so that receipts that were lost on the way are seen.

Source: API.md, Tills. Purchases count as they were sold, whatever came back, on the till's day: the receipt's business
day, or without one the day in the programme's time zone. Imported ones count as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_documents import decode, encode_json, receipt_day
from loyalty_engine.services.sites import site_of
from loyalty_engine.store import store_days as store_queries
from loyalty_engine.store.session import in_transaction, reading
from loyalty_engine.store.store_days import Parked, Reported
from rules.errors import Invalid, NotFound
from rules.money import format_amount, parse_amount
from rules.periods import business_day
from rules.programme import Programme

_FIRST: Final = date(1900, 1, 1)
_LAST: Final = date(2199, 12, 31)
_NAMED: Final = 20
"""How many purchases that wait for staff are named."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What the till counted: purchases as they were sold, and what they come to, in major units."""

    purchases: int
    total: str


def put(actor: Actor, store: str, day: date, counted: Counted) -> Answer:
    """Keep what the till counted in a transaction of its own. See `put_in`."""
    return in_transaction(partial(put_in, actor=actor, store=store, day=day, counted=counted))


def put_in(connection: sa.Connection, actor: Actor, store: str, day: date, counted: Counted) -> Answer:
    """Keep what the till counted, in place of what it said before, and answer with what differs.

    Raises `Invalid` for what can't be right, and `NotFound` for another till's or merchant's store.
    """
    _check_place(connection, actor, store)
    _check_day(day)
    now = clock.now()
    programme = plan_for(connection, now).programme
    reported = Reported(counted.purchases, _checked(programme, day, counted, now), now)
    store_queries.put(connection, store, day, reported, str(actor))
    if actor.role in ("staff", "admin"):
        told = {"purchases": counted.purchases, "total": counted.total}
        audit_log.record(connection, actor, "store_day.put", f"{store}/{day.isoformat()}", told)
    return Answer(200, _answer(connection, programme, store, day))


def find(actor: Actor, store: str, day: date) -> bytes:
    """Return what has come of a day, beside what the till counted, as the JSON that is answered."""
    with reading() as connection:
        _check_place(connection, actor, store)
        _check_day(day)
        return _answer(connection, plan_for(connection, clock.now()).programme, store, day)


def _check_place(connection: sa.Connection, actor: Actor, store: str) -> None:
    if actor.role == "terminal" and store != actor.store_id:
        raise NotFound("store_not_found", f"There is no store {store}.")
    site_of(connection, actor, store)


def _check_day(day: date) -> None:
    if not _FIRST <= day <= _LAST:
        said = {"day": [f"write a day from {_FIRST} to {_LAST}"]}
        raise Invalid("store_day_invalid", f"{day} is out of range: days are from {_FIRST} to {_LAST}.", said)


def _checked(programme: Programme, day: date, counted: Counted, now: datetime) -> int:
    """Return the total in minor units; raises `Invalid` with everything that is wrong."""
    wrong = Wrong()
    total = 0
    try:
        total = parse_amount(counted.total, programme.money)
    except ValueError as error:
        wrong.note("total", str(error))
    if counted.purchases < 0:
        wrong.note("purchases", "must not be negative")
    # A store may lie east of the programme's zone.
    if day > business_day(now, programme.time_zone) + timedelta(days=1):
        wrong.note("day", "lies in the future")
    wrong.refuse_any("store_day_invalid", "The day")
    return total


def _answer(connection: sa.Connection, programme: Programme, store: str, day: date) -> bytes:
    sums = {"posted": store_queries.posted(connection, store, day), "unclaimed": (0, 0), "unresolved": (0, 0)}
    waiting: list[dict[str, Any]] = []
    for one, total in _parked(connection, programme, store, day):
        count, so_far = sums[one.status]
        sums[one.status] = count + 1, so_far + total
        if one.status == "unresolved" and len(waiting) < _NAMED:
            waiting.append({"purchase_id": one.purchase_key.partition("/")[2], "reason": one.reason})
    ours = sum(count for count, _ in sums.values()), sum(total for _, total in sums.values())
    said = store_queries.find(connection, store, day)
    words = partial(_words, currency=programme.money)
    told = {
        "store": store,
        "day": day.isoformat(),
        "currency": programme.money,
        "till": words(said.purchases, said.total_minor) if said else None,
        "ours": words(*ours),
        "by_status": {status: words(*sums[status]) for status in sums},
        "difference": words(said.purchases - ours[0], said.total_minor - ours[1]) if said else None,
        "unresolved": waiting,
        "reported_at": said.reported_at.isoformat() if said else None,
    }
    return encode_json(told).encode()


def _words(count: int, total: int, currency: str) -> dict[str, Any]:
    return {"purchases": count, "total": format_amount(total, currency)}


def _parked(connection: sa.Connection, programme: Programme, store: str, day: date) -> Iterator[tuple[Parked, int]]:
    """Yield the parked purchases of the till's day, each with what it comes to."""
    starts_at = datetime.combine(day, time(), programme.time_zone)
    for one in store_queries.parked(connection, store, starts_at):
        if (receipt_day(one.facts) or business_day(one.occurred_at, programme.time_zone)) == day:
            facts = decode(one.facts)
            yield one, max(0, sum(line.amount_minor for line in facts.lines) - facts.order_discount_minor)
