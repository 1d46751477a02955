"""Whether the outbox of webhooks is whole: invariant 14, as far as what is kept can tell.

Events that everybody was told of are forgotten after 30 days, the oldest first; and where no target is set none are
written. So what can be proved is that a member's events have no gap through the last one that its row counts.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check
from loyalty_engine.store.audits.rows import Span
from loyalty_engine.store.tables import ledger_entries, members, webhook_cursors, webhook_events

_m, _e, _c = members.c, webhook_events.c, webhook_cursors.c
OF_ENTRIES = ("accrual", "redemption", "expiry")


def checks() -> tuple[Check, ...]:
    """Return the checks that are one query each."""
    return (
        Check(14, "webhook_events", "a member's events have no gap through the last one", ("member_id",), _gaps()),
        Check(14, "webhook_cursors", "what a target still has to be told is kept", ("member_id", "target"), _lost()),
    )


def _gaps() -> sa.Select[Any]:
    own = (
        sa.select(
            _e.member_id,
            sa.func.count().label("events"),
            sa.func.min(_e.event_no).label("first"),
            sa.func.max(_e.event_no).label("last"),
        )
        .group_by(_e.member_id)
        .subquery()
    )
    there = own.c.last - own.c.first + 1
    return (
        sa.select(
            own.c.member_id,
            own.c.events.label(f"{FOUND}events"),
            there.label(f"{EXPECTED}events"),
            own.c.last.label(f"{FOUND}last"),
            _m.last_event.label(f"{EXPECTED}last"),
        )
        .where(_m.member_id == own.c.member_id, sa.or_(own.c.events != there, own.c.last != _m.last_event))
        .order_by(own.c.member_id)
    )


def _lost() -> sa.Select[Any]:
    first = (
        sa.select(sa.func.min(_e.event_no))
        .where(_e.member_id == _c.member_id)
        .correlate(webhook_cursors)
        .scalar_subquery()
    )
    waits = sa.or_(_c.next_at.is_not(None), _c.error.is_not(None))
    forgotten = sa.and_(
        waits, _c.delivered < _m.last_event, sa.func.coalesce(first, _m.last_event + 1) > _c.delivered + 1
    )
    return (
        sa.select(
            _c.member_id,
            _c.target,
            _c.delivered.label(f"{FOUND}delivered"),
            _m.last_event.label(f"{FOUND}last"),
            first.label(f"{FOUND}oldest"),
        )
        .where(_m.member_id == _c.member_id, sa.or_(forgotten, _c.delivered > _m.last_event))
        .order_by(_c.member_id, _c.target)
    )


def any_there(connection: sa.Connection) -> bool:
    """Tell whether there is any event."""
    return bool(connection.scalar(sa.select(sa.exists().select_from(webhook_events))))


def events_of(connection: sa.Connection, span: Span) -> Iterator[Any]:
    """Yield (member, number, kind, payload) of the events that tell of entries."""
    columns = (_e.member_id, _e.event_no, _e.kind, _e.payload)
    query = sa.select(*columns).where(span.of(webhook_events), _e.kind.in_(OF_ENTRIES))
    return iter(connection.execution_options(yield_per=1_000).execute(query))


def entries_of(connection: sa.Connection, span: Span) -> Iterator[Any]:
    """Yield (member, seq, kind, wallet, points, available) of the entries of members who have events."""
    row = ledger_entries.c
    told = sa.exists().where(_e.member_id == row.member_id)
    columns = (row.member_id, row.seq, row.kind, row.wallet, row.points, row.available)
    return iter(
        connection.execution_options(yield_per=1_000).execute(sa.select(*columns).where(span.of(ledger_entries), told))
    )
