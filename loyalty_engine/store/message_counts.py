"""How many messages are in which state: all that are on their way, and those of the rest that changed lately."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.tables import messages

_m = messages.c
_ON_THEIR_WAY: Final = ("planned", "held", "sending", "unknown")


def by_status(connection: sa.Connection, since: datetime) -> dict[str, int]:
    """Return the counts by status; of those that are over only what changed since an instant."""
    chosen = sa.or_(_m.status.in_(_ON_THEIR_WAY), _m.changed_at >= since)
    query = sa.select(_m.status, sa.func.count()).where(chosen).group_by(_m.status).order_by(_m.status)
    return {str(status): int(count) for status, count in connection.execute(query)}
