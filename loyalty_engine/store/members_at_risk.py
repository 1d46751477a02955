"""Members whose level is looked at soon, in the order of their ids, and the sums that it will be judged by."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import members, qualifying_days


class Due(NamedTuple):
    """A member's level, and the day through which it is safe."""

    member_id: str
    level: str
    review_on: date
    grace_until: date | None
    by: str
    joined_on: date


def due(connection: sa.Connection, first: date, last: date, after: str | None, size: int) -> list[Due]:
    """Return at most `size` active members after one id whose review comes from `first` through `last`."""
    m = members.c
    columns = (m.member_id, m.level, m.level_review_on, m.level_grace_until, m.level_by, m.joined_on)
    soon = sa.and_(m.level_review_on.between(first, last), m.level.is_not(None), m.status == "active")
    query = sa.select(*columns).where(soon).order_by(m.member_id).limit(size)
    if after is not None:
        query = query.where(m.member_id > after)
    return [Due(*row) for row in connection.execute(query)]


def sums(connection: sa.Connection, metric: str, member_ids: Collection[str], first: date) -> dict[str, int]:
    """Return the sums of a metric from a day on; a member without any is missing."""
    q = qualifying_days.c
    query = sa.select(q.member_id, sa.func.sum(q.amount)).group_by(q.member_id)
    rows = connection.execute(
        query.where(among(connection, q.member_id, member_ids), q.metric == metric, q.day >= first)
    )
    return {str(member_id): int(amount) for member_id, amount in rows}
