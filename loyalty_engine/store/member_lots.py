"""Reads a member's lots for those who look at them, and what of one has lapsed."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import ledger_entries, lot_changes, lots


class StoredLot(NamedTuple):
    """A lot as it is stored."""

    lot_id: str
    wallet: str
    source_kind: str
    source_id: str
    granted: int
    remaining: int
    held: int
    state: str
    opened_on: date
    available_on: date
    expires_on: date | None
    level: str | None


_MEMBER = sa.bindparam("member_id", type_=lots.c.member_id.type)
_LOT = sa.bindparam("lot_id", type_=lots.c.lot_id.type)
_COLUMNS = [lots.c[name] for name in StoredLot._fields]
_one = Statement(sa.select(*_COLUMNS).where(lots.c.member_id == _MEMBER, lots.c.lot_id == _LOT))
_lapsed = Statement(
    sa.select(sa.cast(sa.func.coalesce(sa.func.sum(lot_changes.c.taken), 0), sa.BigInteger))
    .join_from(
        lot_changes,
        ledger_entries,
        sa.and_(ledger_entries.c.member_id == lot_changes.c.member_id, ledger_entries.c.seq == lot_changes.c.seq),
    )
    .where(lot_changes.c.member_id == _MEMBER, lot_changes.c.lot_id == _LOT, ledger_entries.c.kind == "expiry")
)
_lapsed_of = Statement(
    sa.select(lots.c.lot_id, sa.cast(sa.func.sum(lot_changes.c.taken), sa.BigInteger))
    .join_from(
        lots, lot_changes, sa.and_(lot_changes.c.member_id == lots.c.member_id, lot_changes.c.lot_id == lots.c.lot_id)
    )
    .join(
        ledger_entries,
        sa.and_(ledger_entries.c.member_id == lot_changes.c.member_id, ledger_entries.c.seq == lot_changes.c.seq),
    )
    .where(
        lots.c.member_id == _MEMBER,
        lots.c.source_id == sa.bindparam("source"),
        lots.c.wallet == sa.bindparam("wallet"),
        ledger_entries.c.kind == "expiry",
    )
    .group_by(lots.c.lot_id)
)
_forgiven = Statement(
    sa.select(ledger_entries.c.forgiven).where(
        ledger_entries.c.member_id == _MEMBER,
        ledger_entries.c.source_kind == "return",
        ledger_entries.c.source_id == sa.bindparam("source"),
        ledger_entries.c.wallet == sa.bindparam("wallet"),
    )
)
_entry = Statement(
    sa.select(ledger_entries.c.seq).where(
        ledger_entries.c.member_id == _MEMBER,
        ledger_entries.c.source_kind == sa.bindparam("kind"),
        ledger_entries.c.source_id == sa.bindparam("source"),
    )
)


def find(connection: sa.Connection, member_id: str, lot_id: str) -> StoredLot | None:
    """Return a lot, or None."""
    row = _one.one(connection, member_id=member_id, lot_id=lot_id)
    return StoredLot(*row) if row else None


def lapsed(connection: sa.Connection, member_id: str, lot_id: str) -> int:
    """Return how many points of a lot have lapsed."""
    row = _lapsed.one(connection, member_id=member_id, lot_id=lot_id)
    return int(row[0]) if row else 0


def lapsed_of(connection: sa.Connection, member_id: str, source_id: str, wallet: str) -> list[tuple[str, int]]:
    """Return of each lot that came from a source how many points have lapsed, where any have."""
    rows = _lapsed_of.rows(connection, member_id=member_id, source=source_id, wallet=wallet)
    return [(str(lot_id), int(points)) for lot_id, points in rows]


def forgiven(connection: sa.Connection, member_id: str, wallet: str, return_id: str) -> int:
    """Return how many points of a wallet a return left to the member."""
    row = _forgiven.one(connection, member_id=member_id, source=return_id, wallet=wallet)
    return int(row[0]) if row else 0


def has_entry(connection: sa.Connection, member_id: str, source_kind: str, source_id: str) -> bool:
    """Tell whether an entry of this member comes from that source."""
    return _entry.one(connection, member_id=member_id, kind=source_kind, source=source_id) is not None


def expired(
    connection: sa.Connection, member_ids: Collection[str], before: str | None, limit: int
) -> Sequence[StoredLot]:
    """Return these members' lots that have expired, the newest first; `before` is the id of one."""
    query = sa.select(*_COLUMNS).where(among(connection, lots.c.member_id, member_ids), lots.c.state == "expired")
    if before is not None:
        query = query.where(lots.c.lot_id < before)
    rows: Sequence[Any] = connection.execute(query.order_by(lots.c.lot_id.desc()).limit(limit)).all()
    return [StoredLot(*row) for row in rows]
