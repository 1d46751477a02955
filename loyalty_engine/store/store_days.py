"""The queries on a store's day: what its till counted, and what of it has come."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.purchase_keys import purchase_key
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import parked_purchases, purchases, store_days

_AROUND: Final = timedelta(days=3)
"""How far a till's day may lie from the time of the sale."""


class Reported(NamedTuple):
    """What the till counted, and when it said so."""

    purchases: int
    total_minor: int
    reported_at: datetime


class Parked(NamedTuple):
    """A purchase of the store that is on nobody's account."""

    purchase_key: str
    status: str
    reason: str | None
    occurred_at: datetime
    facts: str


_find: Final = Statement(
    sa.select(store_days.c.purchases, store_days.c.total_minor, store_days.c.reported_at).where(
        store_days.c.store_id == sa.bindparam("store_id"), store_days.c.day == sa.bindparam("day", type_=sa.Date)
    )
)
_put: Final = statements.upsert(
    store_days, **{name: take(name) for name in ("purchases", "total_minor", "reported_at", "actor")}
)


def find(connection: sa.Connection, store: str, day: date) -> Reported | None:
    """Return what the till of a store counted on a day."""
    row = _find.one(connection, store_id=store, day=day)
    return Reported(*row) if row else None


def put(connection: sa.Connection, store: str, day: date, reported: Reported, actor: str) -> None:
    """Keep what the till counted, in place of what it said before."""
    _put.run(connection, store_id=store, day=day, actor=actor, **reported._asdict())


def posted(connection: sa.Connection, store: str, day: date) -> tuple[int, int]:
    """Return how many purchases of the till's day are posted, and what they come to; what moved counts once."""
    row, prefix = purchases.c, purchase_key(store, "")
    # Not LIKE: that minds no case on SQLite, and the collation on PostgreSQL.
    of_store = sa.func.substr(row.purchase_key, 1, len(prefix)) == prefix
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(row.total_minor), 0))
    count, total = connection.execute(query.where(row.till_day == day, of_store, row.status == "posted")).one()
    return int(count), int(total)


def parked(connection: sa.Connection, store: str, starts_at: datetime) -> Iterator[Parked]:
    """Yield the store's parked purchases of about the day that starts at `starts_at`; the caller looks at the day itself."""
    row = parked_purchases.c
    columns = [row[name] for name in Parked._fields]
    near = row.occurred_at.between(starts_at - _AROUND, starts_at + _AROUND)
    # What hasn't happened can't have been received: that is what the index goes by.
    since = row.received_at >= starts_at - _AROUND
    waits = row.status.in_(("unclaimed", "unresolved"))
    query = sa.select(*columns).where(waits, since, near, row.store_id == store).order_by(row.purchase_key)
    for found in connection.execute(query):
        yield Parked(*found)
