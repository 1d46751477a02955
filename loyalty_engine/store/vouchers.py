"""Vouchers, the codes that lead to them, and what limits how many there are: stock, and each member's uses.

Every change of a voucher's state is an UPDATE that asks for the state before it, so that of two clients one wins.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store import statements, survivors
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import (
    ledger_entries,
    limit_uses,
    lot_changes,
    lots,
    redemption_keys,
    redemptions,
    reward_stock,
    voucher_codes,
    vouchers,
)
from rules.lots import Spent

Values = dict[str, Any]


class Place(NamedTuple):
    """Where a code leads to."""

    member_id: str
    voucher_id: str


NOWHERE: Final = Place("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000")
"""Where a code leads that nobody has: looked up all the same, so that it takes as long."""

USABLE: Final = 500
"""So many of a member's vouchers a quote looks at."""

_member = sa.bindparam("member_id", type_=vouchers.c.member_id.type)
_voucher = sa.bindparam("voucher_id", type_=vouchers.c.voucher_id.type)
_COLUMNS: Final = vouchers.columns.keys()
_insert_voucher = statements.insert(vouchers)
_insert_code = statements.insert(voucher_codes)
_select_code = Statement(
    sa.select(voucher_codes.c.member_id, voucher_codes.c.voucher_id).where(voucher_codes.c.code == sa.bindparam("code"))
)
_one = sa.select(vouchers).where(vouchers.c.member_id == _member, vouchers.c.voucher_id == _voucher)
_select_voucher = Statement(_one)
_lock_voucher = Statement(_one.with_for_update())
_usable = Statement(
    sa.select(vouchers)
    .where(vouchers.c.member_id == _member, sa.or_(vouchers.c.status == "issued", vouchers.c.status == "held"))
    .order_by(vouchers.c.voucher_id)
    .limit(USABLE)
)
_open_stock = statements.insert_once(reward_stock)
_take_stock = Statement(
    reward_stock.update()
    .where(
        reward_stock.c.reward_id == sa.bindparam("reward"),
        reward_stock.c.issued < sa.bindparam("stock", type_=sa.BigInteger),
    )
    .values(issued=reward_stock.c.issued + 1)
)
_give_stock = Statement(
    reward_stock.update()
    .where(reward_stock.c.reward_id == sa.bindparam("reward"))
    .values(issued=reward_stock.c.issued - 1)
)
_issued = sa.select(reward_stock.c.issued).where(reward_stock.c.reward_id == sa.bindparam("reward"))
_stock = Statement(_issued)
_lock_stock = Statement(_issued.with_for_update())
_limit = (
    limit_uses.c.member_id == sa.bindparam("member_key", type_=limit_uses.c.member_id.type),
    limit_uses.c.limit_id == sa.bindparam("limit"),
    limit_uses.c.period_start == sa.bindparam("start", type_=sa.Date),
)
_used = Statement(sa.select(limit_uses.c.used).where(*_limit))
_use = statements.upsert(limit_uses, used=statements.add("used"))
_give_use = Statement(limit_uses.update().where(*_limit).values(used=limit_uses.c.used - 1))
_spent_on = Statement(
    sa.select(lots.c.lot_id, lot_changes.c.taken, lots.c.expires_on)
    .select_from(ledger_entries)
    .join(
        lot_changes,
        sa.and_(lot_changes.c.member_id == ledger_entries.c.member_id, lot_changes.c.seq == ledger_entries.c.seq),
    )
    .join(lots, sa.and_(lots.c.member_id == lot_changes.c.member_id, lots.c.lot_id == lot_changes.c.lot_id))
    .where(
        ledger_entries.c.member_id == sa.bindparam("member_id", type_=ledger_entries.c.member_id.type),
        ledger_entries.c.kind == "redemption",
        ledger_entries.c.source_kind.in_([sa.bindparam("source_kind"), sa.bindparam("held_kind")]),
        ledger_entries.c.source_id == sa.bindparam("source_id"),
        lot_changes.c.taken > 0,
    )
)
_insert_redemption = statements.insert(redemptions)
_insert_redemption_key = statements.insert(redemption_keys)
_restore_redemption = Statement(
    redemptions.update()
    .where(
        redemptions.c.member_id == sa.bindparam("member_key", type_=redemptions.c.member_id.type),
        redemptions.c.redemption_id == sa.bindparam("redemption_key", type_=redemptions.c.redemption_id.type),
    )
    .values(restored=redemptions.c.captured)
)


def insert(connection: sa.Connection, rows: Sequence[Values]) -> None:
    """Write new vouchers with their codes; a code that somebody else drew at the same moment is a `Duplicate`."""
    codes = ("code", "member_id", "voucher_id")
    _insert_code.many(connection, [{name: row[name] for name in codes} for row in rows])
    _insert_voucher.many(connection, rows)


def place_of(connection: sa.Connection, code: str) -> Place | None:
    """Return where a code leads to."""
    row = _select_code.one(connection, code=code)
    return Place(*row) if row else None


def find(connection: sa.Connection, place: Place, locked: bool = False) -> Values | None:
    """Return a voucher; `locked` holds its row for the rest of the transaction."""
    statement = _lock_voucher if locked else _select_voucher
    row = statement.one(connection, member_id=place.member_id, voucher_id=place.voucher_id)
    return _values(row) if row else None


def first_issued(connection: sa.Connection, row: Values) -> Values:
    """Return a voucher as it was issued before merges gave it, under its code, from member to member."""
    if row["source_kind"] != survivors.MERGE:
        return row
    family = survivors.family(connection, row["member_id"])
    same = (vouchers.c.code == row["code"], vouchers.c.source_kind != survivors.MERGE)
    query = sa.select(vouchers).where(vouchers.c.member_id.in_(family), *same)
    return dict(connection.execute(query).mappings().one())


def code_of(connection: sa.Connection, member_id: str, source_kind: str, source_id: str) -> str | None:
    """Return the code of the voucher that a source brought a member, where it did."""
    mine = (vouchers.c.member_id == member_id, vouchers.c.source_kind == source_kind, vouchers.c.source_id == source_id)
    code: str | None = connection.scalar(sa.select(vouchers.c.code).where(*mine))
    return code


def usable(connection: sa.Connection, member_id: str) -> list[Values]:
    """Return a member's vouchers that are issued or held, oldest first; `USABLE` at most."""
    return [_values(row) for row in _usable.rows(connection, member_id=member_id)]


def page(connection: sa.Connection, member_id: str, before: str | None, limit: int) -> list[Values]:
    """Return a member's vouchers, newest first, those before a voucher's id where one is given."""
    query = sa.select(vouchers).where(vouchers.c.member_id == member_id).order_by(vouchers.c.voucher_id.desc())
    if before is not None:
        query = query.where(vouchers.c.voucher_id < before)
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def _values(row: Sequence[Any]) -> Values:
    return dict(zip(_COLUMNS, row, strict=True))


def change(connection: sa.Connection, place: Place, was: Collection[str], **values: Any) -> bool:
    """Change a voucher that is in one of the states `was`; False where it isn't."""
    table = vouchers
    of_it = (table.c.member_id == place.member_id, table.c.voucher_id == place.voucher_id, table.c.status.in_(was))
    return connection.execute(table.update().where(*of_it).values(**values)).rowcount == 1


def free(connection: sa.Connection, place: Place, now: datetime, **values: Any) -> bool:
    """Change a held voucher whose time is over at `now`; False for any other."""
    row = vouchers.c
    of_it = (row.member_id == place.member_id, row.voucher_id == place.voucher_id)
    over = (row.status == "held", row.held_until <= sa.literal(now, row.held_until.type))
    return connection.execute(vouchers.update().where(*of_it, *over).values(**values)).rowcount == 1


def ended(connection: sa.Connection, before: date, limit: int) -> list[Place]:
    """Return issued vouchers whose last day was before `before`, the longest ended first."""
    row = vouchers.c
    query = sa.select(row.member_id, row.voucher_id).where(row.status == "issued", row.valid_through < before)
    found = connection.execute(query.order_by(row.valid_through, row.member_id, row.voucher_id).limit(limit))
    return [Place(*one) for one in found]


def timed_out(connection: sa.Connection, now: datetime, limit: int) -> list[Values]:
    """Return held vouchers whose time is over."""
    row = vouchers.c
    query = sa.select(vouchers).where(row.status == "held", row.held_until <= sa.literal(now, row.held_until.type))
    found = connection.execute(query.order_by(row.held_until, row.member_id, row.voucher_id).limit(limit))
    return [dict(one) for one in found.mappings()]


def take_stock(connection: sa.Connection, reward: str, stock: int) -> bool:
    """Take one of a reward's stock; False where none is left."""
    _open_stock.run(connection, reward_id=reward, issued=0)
    return _take_stock.run(connection, reward=reward, stock=stock) == 1


def give_stock_back(connection: sa.Connection, reward: str) -> None:
    """Give one back to a reward's stock."""
    _give_stock.run(connection, reward=reward)


def stock_taken(connection: sa.Connection, reward: str) -> int:
    """Return how many of a reward's stock are taken."""
    row = _stock.one(connection, reward=reward)
    return int(row[0]) if row else 0


def lock_stock(connection: sa.Connection, reward: str) -> int:
    """Lock how many of a reward's stock are taken for the rest of the transaction, and return it."""
    _open_stock.run(connection, reward_id=reward, issued=0)
    row = _lock_stock.one(connection, reward=reward)
    return int(row[0]) if row else 0


def uses(connection: sa.Connection, member_id: str, limit: str, start: date) -> int:
    """Return how often a member used a limit in the period that began on `start`."""
    row = _used.one(connection, member_key=member_id, limit=limit, start=start)
    return int(row[0]) if row else 0


def use(connection: sa.Connection, member_id: str, limit: str, start: date) -> None:
    """Count one use; the caller has locked the member and looked how many there are."""
    _use.run(connection, member_id=member_id, limit_id=limit, period_start=start, used=1)


def give_use_back(connection: sa.Connection, member_id: str, limit: str, start: date) -> None:
    """Count one use less."""
    _give_use.run(connection, member_key=member_id, limit=limit, start=start)


def spent_on(connection: sa.Connection, member_id: str, source_kind: str, source_id: str) -> list[Spent]:
    """Return from which lots the points came that were spent on something."""
    # What was held first is spent by its capture.
    held_kind = "capture" if source_kind == "redemption" else source_kind
    named = {"source_kind": source_kind, "held_kind": held_kind, "source_id": source_id}
    rows = _spent_on.rows(connection, member_id=member_id, **named)
    return [Spent(*row) for row in rows]


def insert_redemption(connection: sa.Connection, values: Values) -> None:
    """Keep that a reward was redeemed."""
    _insert_redemption.run(connection, **values)
    key = {name: values[name] for name in ("redemption_id", "member_id")}
    _insert_redemption_key.run(connection, **key)


def restore_redemption(connection: sa.Connection, member_id: str, redemption_id: str) -> None:
    """Note that all that a redemption cost came back."""
    _restore_redemption.run(connection, member_key=member_id, redemption_key=redemption_id)
