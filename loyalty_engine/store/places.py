"""The queries on merchants, stores, their groups and terminals."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import merchants, store_groups, stores, terminals


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who owns stores; any till of a merchant takes a return."""

    merchant_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Store:
    """A shop of a merchant. Without a time zone it goes by the programme's."""

    store_id: str
    merchant_id: str
    name: str
    time_zone: str | None = None
    closed_at: datetime | None = None


_STORE: Final = sa.bindparam("store_id", type_=stores.c.store_id.type)
_MERCHANT: Final = sa.bindparam("merchant_id", type_=merchants.c.merchant_id.type)
_GROUP: Final = sa.bindparam("group_id", type_=store_groups.c.group_id.type)
_AFTER: Final = sa.bindparam("after", type_=stores.c.store_id.type)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)
_STORE_COLUMNS: Final = [stores.c[name] for name in ("store_id", "merchant_id", "name", "time_zone", "closed_at")]

_ONE_MERCHANT: Final = Statement(
    sa.select(merchants.c.merchant_id, merchants.c.name).where(merchants.c.merchant_id == _MERCHANT)
)
_ALL_MERCHANTS: Final = Statement(
    sa.select(merchants.c.merchant_id, merchants.c.name).order_by(merchants.c.merchant_id)
)
_PUT_MERCHANT: Final = statements.upsert(merchants, name=take("name"))
_ONE_STORE: Final = Statement(sa.select(*_STORE_COLUMNS).where(stores.c.store_id == _STORE))
_SOME_STORES: Final = Statement(
    sa.select(*_STORE_COLUMNS).where(stores.c.store_id > _AFTER).order_by(stores.c.store_id).limit(_LIMIT)
)
_SOME_STORES_OF: Final = Statement(
    sa.select(*_STORE_COLUMNS)
    .where(stores.c.store_id > _AFTER, stores.c.merchant_id == _MERCHANT)
    .order_by(stores.c.store_id)
    .limit(_LIMIT)
)
_PUT_STORE: Final = statements.upsert(stores, **{name: take(name) for name in ("name", "time_zone", "closed_at")})
_ADD_TERMINAL: Final = statements.insert_once(terminals)
_TERMINALS: Final = Statement(
    sa.select(terminals.c.terminal_id).where(terminals.c.store_id == _STORE).order_by(terminals.c.terminal_id)
)
_GROUPS_OF: Final = Statement(sa.select(store_groups.c.group_id).where(store_groups.c.store_id == _STORE))
_GROUPS: Final = Statement(
    sa.select(store_groups.c.group_id, store_groups.c.store_id).order_by(
        store_groups.c.group_id, store_groups.c.store_id
    )
)
_EMPTY_GROUP: Final = Statement(sa.delete(store_groups).where(store_groups.c.group_id == _GROUP))
_ADD_TO_GROUP: Final = statements.insert(store_groups)


def merchant(connection: sa.Connection, merchant_id: str) -> Merchant | None:
    """Return a merchant, or None."""
    found = _ONE_MERCHANT.one(connection, merchant_id=merchant_id)
    return Merchant(*found) if found else None


def all_merchants(connection: sa.Connection) -> tuple[Merchant, ...]:
    """Return every merchant, by id."""
    return tuple(Merchant(*row) for row in _ALL_MERCHANTS.rows(connection))


def put_merchant(connection: sa.Connection, given: Merchant) -> None:
    """Add a merchant, or rename it."""
    _PUT_MERCHANT.run(connection, merchant_id=given.merchant_id, name=given.name)


def store(connection: sa.Connection, store_id: str) -> Store | None:
    """Return a store, or None."""
    found = _ONE_STORE.one(connection, store_id=store_id)
    return Store(*found) if found else None


def some_stores(connection: sa.Connection, merchant_id: str | None, after: str, limit: int) -> tuple[Store, ...]:
    """Return up to `limit` stores with ids beyond `after`, of one merchant or of all."""
    if merchant_id is None:
        rows = _SOME_STORES.rows(connection, after=after, limit=limit)
    else:
        rows = _SOME_STORES_OF.rows(connection, after=after, limit=limit, merchant_id=merchant_id)
    return tuple(Store(*row) for row in rows)


def known_stores(connection: sa.Connection, store_ids: Collection[str]) -> dict[str, str]:
    """Return, of the stores that are there, the merchant of each."""
    chosen = among(connection, stores.c.store_id, store_ids)
    rows = connection.execute(sa.select(stores.c.store_id, stores.c.merchant_id).where(chosen))
    return {str(store_id): str(merchant_id) for store_id, merchant_id in rows}


def put_stores(connection: sa.Connection, given: Sequence[Store]) -> None:
    """Add stores, or change their name, zone and closing; never their merchant."""
    _PUT_STORE.many(connection, [asdict(one) for one in given])


def add_terminals(connection: sa.Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """Add terminals, each a store and an id in it, that aren't there yet."""
    _ADD_TERMINAL.many(connection, [{"store_id": store, "terminal_id": terminal} for store, terminal in pairs])


def terminals_of(connection: sa.Connection, store_id: str) -> tuple[str, ...]:
    """Return the terminals of a store."""
    return tuple(row[0] for row in _TERMINALS.rows(connection, store_id=store_id))


def groups_of(connection: sa.Connection, store_id: str) -> frozenset[str]:
    """Return the groups that a store is in."""
    return frozenset(row[0] for row in _GROUPS_OF.rows(connection, store_id=store_id))


def groups(connection: sa.Connection) -> dict[str, list[str]]:
    """Return every group with its stores."""
    found: dict[str, list[str]] = {}
    for group_id, store_id in _GROUPS.rows(connection):
        found.setdefault(group_id, []).append(store_id)
    return found


def replace_group(connection: sa.Connection, group_id: str, store_ids: Collection[str]) -> None:
    """Let a group hold exactly these stores."""
    _EMPTY_GROUP.run(connection, group_id=group_id)
    _ADD_TO_GROUP.many(connection, [{"group_id": group_id, "store_id": store_id} for store_id in sorted(store_ids)])
