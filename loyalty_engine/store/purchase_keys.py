"""Which purchase a till's number, a receipt or a claim code names, and purchases that no member's tables hold yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import (
    cards,
    claim_codes,
    parked_purchases,
    phones,
    purchase_aliases,
    purchase_keys,
    receipts,
    stores,
    waiting_returns,
)

Values = dict[str, Any]

WAITING = ""
"""The fingerprint of a purchase that is known only by a return that came before it."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """Where a purchase is: with a member under `posting_id`, or parked where both are None."""

    fingerprint: str
    member_id: str | None
    posting_id: str | None


def named_by_a_number() -> sa.ColumnElement[bool]:
    """Return the condition that a parked purchase says by which card or phone its member was named."""
    named = parked_purchases.c.named_member
    return sa.and_(named.is_not(None), named.not_like('{"member_id":%'))


_insert_key = statements.insert_once(purchase_keys)
_insert_receipt = statements.insert_once(receipts)
_by_key = purchase_keys.c.purchase_key == sa.bindparam("purchase_key")
_key_columns = (purchase_keys.c.fingerprint, purchase_keys.c.member_id, purchase_keys.c.posting_id)
_select_key = Statement(sa.select(*_key_columns).where(_by_key))
_lock_key = Statement(sa.select(*_key_columns).where(_by_key).with_for_update())
_set_key = Statement(
    purchase_keys.update()
    .where(purchase_keys.c.purchase_key == sa.bindparam("key"))
    .values(
        {
            name: sa.bindparam(name, type_=purchase_keys.c[name].type)
            for name in ("fingerprint", "member_id", "posting_id")
        }
    )
)
_insert_alias = statements.insert_once(purchase_aliases)
_alias = Statement(
    sa.select(purchase_aliases.c.first_key).where(purchase_aliases.c.purchase_key == sa.bindparam("purchase_key"))
)
_receipt = Statement(sa.select(receipts.c.purchase_key).where(receipts.c.receipt_key == sa.bindparam("receipt_key")))
_release_receipt = Statement(receipts.delete().where(receipts.c.receipt_key == sa.bindparam("receipt_key")))
_card = Statement(sa.select(cards.c.member_id, cards.c.status).where(cards.c.number == sa.bindparam("number")))
_phone = Statement(sa.select(phones.c.member_id).where(phones.c.phone == sa.bindparam("phone")))
_insert_parked = statements.insert(parked_purchases)
_insert_claim_code = statements.insert(claim_codes)
_claim_code = Statement(
    sa.select(claim_codes.c.purchase_key).where(claim_codes.c.claim_code == sa.bindparam("claim_code"))
)
_PARKED_COLUMNS = parked_purchases.columns.keys()
_parked = Statement(sa.select(parked_purchases).where(parked_purchases.c.purchase_key == sa.bindparam("purchase_key")))
_settle_parked = Statement(
    parked_purchases.update()
    .where(parked_purchases.c.purchase_key == sa.bindparam("key"))
    .values(status="posted", named_member=None)
)
_forget_names = Statement(
    parked_purchases.update()
    .where(
        parked_purchases.c.status == "unresolved",
        parked_purchases.c.received_at < sa.bindparam("before", type_=parked_purchases.c.received_at.type),
        named_by_a_number(),
    )
    .values(named_member=None)
)
_insert_waiting = statements.insert_once(waiting_returns)
_WAITING_COLUMNS = waiting_returns.columns.keys()
_waiting = Statement(
    sa.select(waiting_returns)
    .where(waiting_returns.c.purchase_key == sa.bindparam("purchase_key"))
    .order_by(waiting_returns.c.received_at, waiting_returns.c.return_reference)
)
_drop_waiting = Statement(
    waiting_returns.delete().where(waiting_returns.c.purchase_key == sa.bindparam("purchase_key"))
)


def purchase_key(store: str, purchase_id: str) -> str:
    """Return the key of a till's purchase number, which is unique per store."""
    return f"{store}/{purchase_id}"


def claim_key(connection: sa.Connection, key: str, row: KeyRow) -> bool:
    """Take a purchase's key for the first time; False where it was taken before."""
    values = {"fingerprint": row.fingerprint, "member_id": row.member_id, "posting_id": row.posting_id}
    return _insert_key.run(connection, purchase_key=key, **values) == 1


def add_alias(connection: sa.Connection, key: str, first_key: str) -> None:
    """Remember another number of a purchase: a till that retried under a new one prints and returns by that."""
    _insert_alias.run(connection, purchase_key=key, first_key=first_key)


def first_key(connection: sa.Connection, key: str) -> str:
    """Return the key that a purchase was posted under, where `key` is another number of it; else `key`.

    A number under which a purchase was posted leads to that one.
    """
    own = find(connection, key)
    if own is not None and own.fingerprint != WAITING:
        return key
    row = _alias.one(connection, purchase_key=key)
    return row[0] if row else key


def claim_receipt(connection: sa.Connection, receipt_key: str, key: str) -> bool:
    """Take a receipt for a purchase; False where it was taken before."""
    return _insert_receipt.run(connection, receipt_key=receipt_key, purchase_key=key) == 1


def release_receipt(connection: sa.Connection, receipt_key: str) -> None:
    """Give back a receipt that was taken in this transaction for a purchase that is there without it."""
    _release_receipt.run(connection, receipt_key=receipt_key)


def add_keys(connection: sa.Connection, keys: Sequence[Values], receipt_rows: Sequence[Values]) -> None:
    """Take many keys and receipts that were seen to be free."""
    _add_key.many(connection, keys)
    _add_receipt.many(connection, receipt_rows)


_add_key = statements.insert(purchase_keys)
_add_receipt = statements.insert(receipts)


def taken(
    connection: sa.Connection, keys: Sequence[str], receipt_keys: Sequence[str]
) -> tuple[set[str], set[str], set[str]]:
    """Return which of these keys, and which of these receipts, are taken, and which keys only a return has come for."""
    table = purchase_keys
    rows = connection.execute(
        sa.select(table.c.purchase_key, table.c.fingerprint).where(among(connection, table.c.purchase_key, keys))
    )
    found_keys = {key: fingerprint == WAITING for key, fingerprint in rows}
    found_receipts = connection.scalars(
        sa.select(receipts.c.receipt_key).where(among(connection, receipts.c.receipt_key, receipt_keys))
    )
    waits = {key for key, is_waiting in found_keys.items() if is_waiting}
    return set(found_keys) - waits, set(found_receipts), waits


def find(connection: sa.Connection, key: str, locked: bool = False) -> KeyRow | None:
    """Return where the purchase is; `locked` holds its row for the rest of the transaction."""
    row = (_lock_key if locked else _select_key).one(connection, purchase_key=key)
    return KeyRow(*row) if row else None


def move_key(connection: sa.Connection, key: str, row: KeyRow) -> None:
    """Say where a purchase is from now on."""
    _set_key.run(connection, key=key, fingerprint=row.fingerprint, member_id=row.member_id, posting_id=row.posting_id)


def purchase_of_receipt(connection: sa.Connection, receipt_key: str) -> str | None:
    """Return the key of the purchase that was posted with a receipt."""
    row = _receipt.one(connection, receipt_key=receipt_key)
    return row[0] if row else None


def member_of_card(connection: sa.Connection, number: str) -> tuple[str, str] | None:
    """Return the member that a card belongs to, and the card's status."""
    row = _card.one(connection, number=number)
    return (row[0], row[1]) if row else None


def member_of_phone(connection: sa.Connection, phone: str) -> str | None:
    """Return the member that a phone (E.164) belongs to."""
    row = _phone.one(connection, phone=phone)
    return row[0] if row else None


def members_of_cards(connection: sa.Connection, numbers: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the member that each of the cards belongs to, and the card's status, by number."""
    if not numbers:
        return {}
    query = sa.select(cards.c.number, cards.c.member_id, cards.c.status)
    rows = connection.execute(query.where(among(connection, cards.c.number, numbers)))
    return {number: (member_id, status) for number, member_id, status in rows}


def members_of_phones(connection: sa.Connection, numbers: Collection[str]) -> dict[str, str]:
    """Return the member that each of the phones (E.164) belongs to."""
    if not numbers:
        return {}
    query = sa.select(phones.c.phone, phones.c.member_id).where(among(connection, phones.c.phone, numbers))
    return {row[0]: row[1] for row in connection.execute(query)}


def park(connection: sa.Connection, values: Values) -> None:
    """Keep a purchase that has no member, or can't be posted yet, with the code that claims it, where one may."""
    _insert_parked.run(connection, **values)
    if values["claim_code"] is not None:
        _insert_claim_code.run(connection, claim_code=values["claim_code"], purchase_key=values["purchase_key"])


def parked(connection: sa.Connection, key: str) -> Values | None:
    """Return the parked purchase under `key`."""
    row = _parked.one(connection, purchase_key=key)
    return dict(zip(_PARKED_COLUMNS, row, strict=True)) if row else None


def parked_with(
    connection: sa.Connection, status: str, merchant_id: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[Values]:
    """Return parked purchases in `status`, oldest first, of one merchant or (None) all, after a place in that order."""
    table = parked_purchases
    query = sa.select(table).where(table.c.status == status).order_by(table.c.received_at, table.c.purchase_key)
    if merchant_id is not None:
        of_merchant = sa.select(stores.c.store_id).where(stores.c.merchant_id == merchant_id)
        query = query.where(table.c.store_id.in_(of_merchant))
    if after is not None:
        at = sa.literal(after[0], table.c.received_at.type)
        query = query.where(sa.tuple_(table.c.received_at, table.c.purchase_key) > sa.tuple_(at, sa.literal(after[1])))
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def settle_parked(connection: sa.Connection, key: str) -> None:
    """Mark a parked purchase as posted, and forget how its member was named."""
    _settle_parked.run(connection, key=key)


def forget_names(connection: sa.Connection, before: datetime) -> int:
    """Forget how members were named in purchases that came before an instant, save by their own ids; return how many."""
    return _forget_names.run(connection, before=before)


def claimed_by_code(connection: sa.Connection, claim_code: str) -> str | None:
    """Return the key of the purchase that a claim code belongs to."""
    row = _claim_code.one(connection, claim_code=claim_code)
    return row[0] if row else None


def keep_waiting(connection: sa.Connection, values: Values) -> bool:
    """Keep a return until its purchase can take it; False where the same reference waits already."""
    return _insert_waiting.run(connection, **values) == 1


def waiting(connection: sa.Connection, key: str) -> list[Values]:
    """Return the returns that wait for a purchase, in the order in which they came."""
    rows = _waiting.rows(connection, purchase_key=key)
    return [dict(zip(_WAITING_COLUMNS, row, strict=True)) for row in rows]


def move_waiting(connection: sa.Connection, key: str, to: str) -> bool:
    """Let the returns that wait under one number wait under another; tell whether there were any."""
    moved = waiting(connection, key)
    for values in moved:
        keep_waiting(connection, values | {"purchase_key": to})
    drop_waiting(connection, key)
    return bool(moved)


def drop_waiting(connection: sa.Connection, key: str) -> None:
    """Forget the returns that waited, once they are booked."""
    _drop_waiting.run(connection, purchase_key=key)
