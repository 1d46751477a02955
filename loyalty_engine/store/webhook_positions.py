"""How far targets of webhooks are, all members together; setting them back; and forgetting what everybody was told."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.tables import webhook_cursors, webhook_events

_c, _e = webhook_cursors.c, webhook_events.c


class Backlog(NamedTuple):
    """What a target still has to be told: events, of how many members, and since when the oldest of them waits."""

    events: int
    members: int
    oldest_at: datetime | None


class Parked(NamedTuple):
    """How many members' events were given up, and the last thing that was wrong with one of them."""

    members: int
    error: str | None


def backlog(connection: sa.Connection, target: str, kinds: Collection[str]) -> Backlog:
    """Return what a target that is told of `kinds` waits for."""
    counted = (sa.func.count(), sa.func.count(sa.distinct(_e.member_id)), sa.func.min(_e.at))
    waiting = (_c.target == target, _c.next_at.is_not(None), _e.kind.in_(tuple(kinds)))
    query = sa.select(*counted).where(*waiting, _e.member_id == _c.member_id, _e.event_no > _c.delivered)
    return Backlog(*connection.execute(query).one())


def parked(connection: sa.Connection, target: str) -> Parked:
    """Return what was given up for a target."""
    given_up = (_c.target == target, _c.next_at.is_(None), _c.error.is_not(None))
    return Parked(*connection.execute(sa.select(sa.func.count(), sa.func.max(_c.error)).where(*given_up)).one())


def members_since(connection: sa.Connection, since: datetime, after: str | None, most: int) -> list[str]:
    """Return members with events from an instant on, in the order of their ids, those after an id."""
    query = sa.select(_e.member_id).distinct().where(_e.at >= since).order_by(_e.member_id).limit(most)
    return list(connection.scalars(query if after is None else query.where(_e.member_id > after)))


def set_back(
    connection: sa.Connection, target: str, member_ids: Collection[str], since: datetime, now: datetime
) -> None:
    """Let a target be told again of what happened to these members from an instant on; whoever sends to it is refused."""
    first = (sa.func.min(_e.event_no) - 1).label("delivered")
    values = {"target": sa.literal(target), "delivered": first, "next_at": sa.literal(now, _c.next_at.type)}
    values |= {"attempts": sa.literal(0)}
    chosen = (
        sa.select(_e.member_id, *(value.label(name) for name, value in values.items()))
        .where(these(connection, _e.member_id, member_ids), _e.at >= since)
        .group_by(_e.member_id)
    )
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    offered = insert(webhook_cursors).from_select(["member_id", *values], chosen)
    earlier = sa.case((_c.delivered < offered.excluded.delivered, _c.delivered), else_=offered.excluded.delivered)
    changes = {"delivered": earlier, "next_at": offered.excluded.next_at, "attempts": 0}
    changes |= dict.fromkeys(("error", "lease_owner", "lease_until"))
    keys: Final = list(webhook_cursors.primary_key.columns)
    connection.execute(offered.on_conflict_do_update(index_elements=keys, set_=changes))


def forget_targets(connection: sa.Connection, kept: Collection[str], before: datetime) -> int:
    """Delete the cursors of targets that the settings name no longer, save those whose turn came since an instant."""
    gone = (_c.target.not_in(tuple(kept)), sa.or_(_c.next_at.is_(None), _c.next_at < before))
    return connection.execute(webhook_cursors.delete().where(*gone)).rowcount


def forgettable(connection: sa.Connection, before: datetime, most: int) -> list[tuple[str, int]]:
    """Return members with the number through which their events are older than `before` and known to every target."""
    old, kept = webhook_events.alias("old").c, webhook_events.alias("kept").c
    by_member = sa.select(
        old.member_id, sa.func.min(old.event_no).label("first"), sa.func.max(old.event_no).label("last")
    )
    one = by_member.where(old.at < before).group_by(old.member_id).subquery("one")
    young = sa.select(sa.func.min(kept.event_no) - 1).where(kept.member_id == one.c.member_id, kept.at >= before)
    waits = sa.or_(_c.next_at.is_not(None), _c.error.is_not(None))
    behind = sa.select(sa.func.min(_c.delivered)).where(_c.member_id == one.c.member_id, waits)
    limits = [
        query.correlate(one).scalar_subquery().label(name) for name, query in (("young", young), ("behind", behind))
    ]
    found = sa.select(one, *limits).subquery("found").c
    through: sa.ColumnElement[int] = found.last
    for limit in (found.young, found.behind):
        through = sa.case((limit < through, limit), else_=through)
    query = sa.select(found.member_id, through).where(through >= found.first).limit(most)
    return [(str(member_id), int(number)) for member_id, number in connection.execute(query)]


def forget(connection: sa.Connection, member_id: str, through: int) -> int:
    """Delete a member's events through a number; return how many there were."""
    gone = webhook_events.delete().where(_e.member_id == member_id, _e.event_no <= through)
    return connection.execute(gone).rowcount
