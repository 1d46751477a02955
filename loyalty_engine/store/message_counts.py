"""How many messages are in which state: all that are on their way, and those of the rest that changed lately.

Whoever watches must not be a load: of each state no more than `MOST` are counted, by an index.
"""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.tables import messages

MOST: Final = 10_000
"""A count of so many says that there are at least so many."""
_m = messages.c
_ON_THEIR_WAY: Final = ("planned", "held", "sending", "unknown")
_OVER: Final = ("accepted", "cancelled", "delivered", "expired", "failed", "sent", "suppressed", "undelivered")


def by_status(connection: sa.Connection, since: datetime) -> dict[str, int]:
    """Return the counts by status, each up to `MOST`; of those that are over only what changed since an instant."""
    found = {one: _count(connection, one, None) for one in _ON_THEIR_WAY}
    found |= {one: _count(connection, one, since) for one in _OVER}
    return {status: count for status, count in sorted(found.items()) if count}


def _count(connection: sa.Connection, status: str, since: datetime | None) -> int:
    some = sa.select(_m.changed_at).where(_m.status == status)
    if since is not None:
        some = some.where(_m.changed_at >= since)
    return int(connection.scalar(sa.select(sa.func.count()).select_from(some.limit(MOST).subquery())) or 0)
