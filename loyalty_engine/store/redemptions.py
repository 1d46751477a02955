"""The queries on redemptions: what was asked for, what is held for it, and from which lots its points came."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements, survivors
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import ledger_entries, lot_changes, lots, purchases, redemption_keys, redemptions
from rules.lots import Spent


@dataclass(frozen=True, slots=True)
class Redemption:
    """One use of points; `points` were asked for, `captured` of them are spent, `restored` of those came back."""

    member_id: str
    redemption_id: str
    status: str
    wallet: str | None
    points: int
    captured: int
    restored: int
    reward: str | None
    posting_id: str | None
    held_seq: int | None
    """The entry that holds its points; None where they were spent at once."""
    version: int
    store_id: str | None
    proof: str | None
    asked_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    actor: str


_ID: Final = redemptions.c.member_id.type
_COLUMNS: Final = [redemptions.c[field.name] for field in fields(Redemption)]
_insert = statements.insert(redemptions)
_insert_key = statements.insert(redemption_keys)
_owner = Statement(
    sa.select(redemption_keys.c.member_id).where(
        redemption_keys.c.redemption_id == sa.bindparam("redemption_id", type_=_ID)
    )
)
_one = Statement(
    sa.select(*_COLUMNS).where(
        redemptions.c.member_id == sa.bindparam("member_id", type_=_ID),
        redemptions.c.redemption_id == sa.bindparam("redemption_id", type_=_ID),
    )
)
_CHANGED: Final = ("status", "captured", "restored", "posting_id", "ended_at")
_update = Statement(
    redemptions.update()
    .where(
        redemptions.c.member_id == sa.bindparam("member_key", type_=_ID),
        redemptions.c.redemption_id == sa.bindparam("redemption_key", type_=_ID),
    )
    .values({name: sa.bindparam(name, type_=redemptions.c[name].type) for name in _CHANGED})
)
_is_due = sa.and_(
    # Written out, so that PostgreSQL sees that the index on what is held will do.
    redemptions.c.status == sa.literal_column("'held'"),
    redemptions.c.expires_at <= sa.bindparam("now", type_=redemptions.c.expires_at.type),
)
_due = Statement(
    sa.select(redemptions.c.member_id, redemptions.c.redemption_id)
    .where(_is_due)
    .order_by(redemptions.c.expires_at)
    .limit(sa.bindparam("at_most", type_=sa.Integer))
)
_due_of_member = Statement(
    sa.select(*_COLUMNS)
    .where(redemptions.c.member_id == sa.bindparam("member_id", type_=_ID), _is_due)
    .order_by(redemptions.c.expires_at)
)
_held_of_member = Statement(
    sa.select(*_COLUMNS)
    .where(redemptions.c.member_id == sa.bindparam("member_id", type_=_ID), redemptions.c.status == "held")
    .order_by(redemptions.c.redemption_id)
)
_held_parts = Statement(
    sa.select(lots.c.lot_id, lot_changes.c.held, lots.c.expires_on)
    .join_from(
        lot_changes,
        lots,
        sa.and_(lots.c.member_id == lot_changes.c.member_id, lots.c.lot_id == lot_changes.c.lot_id),
    )
    .where(
        lot_changes.c.member_id == sa.bindparam("member_id", type_=_ID),
        lot_changes.c.seq == sa.bindparam("seq", type_=sa.BigInteger),
    )
)
_spent_parts = Statement(
    sa.select(lots.c.lot_id, lot_changes.c.taken, lots.c.expires_on)
    .select_from(ledger_entries)
    .join(
        lot_changes,
        sa.and_(
            lot_changes.c.member_id == ledger_entries.c.member_id,
            lot_changes.c.seq == ledger_entries.c.seq,
        ),
    )
    .join(lots, sa.and_(lots.c.member_id == lot_changes.c.member_id, lots.c.lot_id == lot_changes.c.lot_id))
    .where(
        ledger_entries.c.member_id == sa.bindparam("member_id", type_=_ID),
        ledger_entries.c.source_id == sa.bindparam("redemption_id", type_=ledger_entries.c.source_id.type),
        sa.or_(ledger_entries.c.source_kind == "redemption", ledger_entries.c.source_kind == "capture"),
    )
)
_purchase_key = Statement(
    sa.select(purchases.c.purchase_key).where(
        purchases.c.member_id == sa.bindparam("member_id", type_=_ID),
        purchases.c.posting_id == sa.bindparam("posting_id", type_=_ID),
    )
)


def insert(connection: sa.Connection, new: Redemption) -> None:
    """Add a redemption, and what leads to its member; after the entry that holds its points."""
    _insert.run(connection, **{name: getattr(new, name) for name in Redemption.__slots__})
    _insert_key.run(connection, redemption_id=new.redemption_id, member_id=new.member_id)


def owner(connection: sa.Connection, redemption_id: str) -> str | None:
    """Return whose redemption it is; None where there is none."""
    row = _owner.one(connection, redemption_id=redemption_id)
    return row[0] if row else None


def find(connection: sa.Connection, member_id: str, redemption_id: str) -> Redemption | None:
    """Return a member's redemption, or None; read it after the member's row is locked in order to change it."""
    row = _one.one(connection, member_id=member_id, redemption_id=redemption_id)
    return Redemption(*row) if row else None


def update(connection: sa.Connection, changed: Redemption) -> None:
    """Write what may change of a redemption: status, captured, restored, the purchase it paid, and its end."""
    values = {name: getattr(changed, name) for name in _CHANGED}
    _update.run(connection, member_key=changed.member_id, redemption_key=changed.redemption_id, **values)


def due(connection: sa.Connection, now: datetime, at_most: int) -> list[tuple[str, str]]:
    """Return (member, redemption) of holds whose time is over, the longest over first."""
    return [(row[0], row[1]) for row in _due.rows(connection, now=now, at_most=at_most)]


def due_of(connection: sa.Connection, member_id: str, now: datetime) -> list[Redemption]:
    """Return one member's holds whose time is over."""
    return [Redemption(*row) for row in _due_of_member.rows(connection, member_id=member_id, now=now)]


def held_of(connection: sa.Connection, member_id: str) -> list[Redemption]:
    """Return one member's open holds."""
    return [Redemption(*row) for row in _held_of_member.rows(connection, member_id=member_id)]


def held_parts(connection: sa.Connection, held: Redemption) -> tuple[Spent, ...]:
    """Return which points of which lots are held for a redemption."""
    return tuple(_parts(_held_parts.rows(connection, member_id=held.member_id, seq=held.held_seq)))


def spent_parts(connection: sa.Connection, spent: Redemption) -> tuple[Spent, ...]:
    """Return which points of which lots a redemption has spent; its entry may be a merged member's."""
    rows = _spent_parts.rows(connection, member_id=spent.member_id, redemption_id=spent.redemption_id)
    if not rows:
        earlier = survivors.family(connection, spent.member_id)[1:]
        ways = (_spent_parts.rows(connection, member_id=one, redemption_id=spent.redemption_id) for one in earlier)
        rows = next(filter(None, ways), [])
    return tuple(_parts(rows))


def _parts(rows: list[statements.Row]) -> Iterator[Spent]:
    return (Spent(*row) for row in rows)


def purchase_key(connection: sa.Connection, paid: Redemption) -> str | None:
    """Return the key of the purchase that a redemption paid; None where it is bound to none."""
    if paid.posting_id is None:
        return None
    row = _purchase_key.one(connection, member_id=paid.member_id, posting_id=paid.posting_id)
    return row[0] if row else None
