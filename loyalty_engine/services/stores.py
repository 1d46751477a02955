"""Merchants, their stores, the groups and terminals: put by an operator, looked up for every purchase."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.caching import Cache
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.imports.records import NewStore
from loyalty_engine.store import places
from loyalty_engine.store.places import Merchant as Merchant
from loyalty_engine.store.places import Store as Store
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Place:
    """What a purchase needs to know of the store where it happened."""

    merchant_id: str
    store_groups: frozenset[str]
    time_zone: str | None
    closed_at: datetime | None


_places: Cache[str, Place] = Cache()


def place(connection: sa.Connection, store_id: str) -> Place | None:
    """Return what a purchase needs to know of a store, at most 30 s old; None where there is no such store."""

    def load() -> Place:
        found = places.store(connection, store_id)
        if found is None:
            raise _no_store(store_id)
        groups = places.groups_of(connection, store_id)
        return Place(found.merchant_id, groups, found.time_zone, found.closed_at)

    try:
        return _places.get(store_id, load)
    except NotFound:
        return None


def _no_store(store_id: str) -> NotFound:
    return NotFound("store_not_found", f"There is no store {store_id}.")


def put_merchant(actor: Actor, given: Merchant) -> Merchant:
    """Add a merchant, or rename it."""
    actor.check_everywhere()
    wrong = Wrong()
    checking.code(wrong, "merchant_id", given.merchant_id)
    put = Merchant(given.merchant_id, checking.words(wrong, "name", given.name))
    wrong.refuse_any("merchant_invalid", "The merchant")

    def work(connection: sa.Connection) -> Merchant:
        places.put_merchant(connection, put)
        audit_log.record(connection, actor, "merchant.put", put.merchant_id, {"name": put.name})
        return put

    return in_transaction(work)


def merchants(actor: Actor) -> tuple[Merchant, ...]:
    """Return the merchants that the actor may see."""
    with reading() as connection:
        found = places.all_merchants(connection)
    return tuple(one for one in found if actor.merchant_id in (None, one.merchant_id))


def put_store(actor: Actor, given: Store) -> Store:
    """Add a store, or change its name, zone or closing; a store never changes its merchant."""
    return put_stores(actor, [given])[0]


def put_stores(actor: Actor, given: Sequence[Store], terminals: Collection[tuple[str, str]] = ()) -> Sequence[Store]:
    """Put many stores in one transaction, and `terminals`, each a store and an id in it."""
    for one in given:
        _own(actor, one.merchant_id)
    put = [_checked(one) for one in given]
    _check_terminals(terminals)

    def work(connection: sa.Connection) -> Sequence[Store]:
        _check_merchants(connection, put)
        places.put_stores(connection, put)
        places.add_terminals(connection, terminals)
        for one in put:
            told = {"merchant": one.merchant_id, "time_zone": one.time_zone, "closed_at": one.closed_at}
            audit_log.record(connection, actor, "store.put", one.store_id, told)
        return put

    stored = in_transaction(work)
    _places.clear()
    return stored


def put_new_stores(actor: Actor, merchant_id: str, given: Sequence[NewStore]) -> None:
    """Put the stores of an import, with their terminals, under a merchant."""
    stores = [Store(one.store, merchant_id, one.name, one.time_zone) for one in given]
    put_stores(actor, stores, [(one.store, terminal) for one in given for terminal in one.terminals])


def _checked(given: Store) -> Store:
    wrong = Wrong()
    checking.code(wrong, "store_id", given.store_id)
    name = checking.words(wrong, "name", given.name)
    if given.time_zone is not None:
        checking.time_zone(wrong, "time_zone", given.time_zone)
    wrong.refuse_any("store_invalid", f"The store {given.store_id[:64]}")
    return Store(given.store_id, given.merchant_id, name, given.time_zone, given.closed_at)


def _check_terminals(terminals: Collection[tuple[str, str]]) -> None:
    wrong = Wrong()
    for _, terminal_id in terminals:
        checking.code(wrong, "terminal_id", terminal_id)
    wrong.refuse_any("terminal_invalid", "The terminal")


def _check_merchants(connection: sa.Connection, put: Sequence[Store]) -> None:
    for merchant_id in {one.merchant_id for one in put}:
        if places.merchant(connection, merchant_id) is None:
            raise NotFound("merchant_not_found", f"There is no merchant {merchant_id}; put it first.")
    known = places.known_stores(connection, [one.store_id for one in put])
    for one in put:
        if known.get(one.store_id, one.merchant_id) != one.merchant_id:
            detail = f"The store id {one.store_id} is taken by another merchant; choose another id."
            raise Conflict("store_id_taken", detail)


def store(actor: Actor, store_id: str) -> Store:
    """Return a store; raises `NotFound`, for another merchant's too."""
    with reading() as connection:
        return _visible(connection, actor, store_id)


def stores(actor: Actor, after: str = "", limit: int = 100) -> tuple[Sequence[Store], str | None]:
    """Return a page of the stores that the actor may see, by id, and the cursor for the next page."""
    with reading() as connection:
        page = places.some_stores(connection, actor.merchant_id, after, limit + 1)
    return page[:limit], page[limit - 1].store_id if len(page) > limit else None


def put_terminal(actor: Actor, store_id: str, terminal_id: str) -> None:
    """Add a terminal to a store, if it isn't there yet."""
    _check_terminals([(store_id, terminal_id)])

    def work(connection: sa.Connection) -> None:
        _visible(connection, actor, store_id)
        places.add_terminals(connection, [(store_id, terminal_id)])
        audit_log.record(connection, actor, "terminal.put", f"{store_id}/{terminal_id}")

    in_transaction(work)


def terminals(actor: Actor, store_id: str) -> tuple[str, ...]:
    """Return the terminals of a store."""
    with reading() as connection:
        _visible(connection, actor, store_id)
        return places.terminals_of(connection, store_id)


def put_group(actor: Actor, group_id: str, store_ids: Collection[str]) -> None:
    """Let a group hold exactly these stores; rules with `store_group` see them within 30 s."""
    actor.check_everywhere()
    wrong = Wrong()
    checking.code(wrong, "group_id", group_id)
    wrong.refuse_any("group_invalid", "The group")
    chosen = frozenset(store_ids)

    def work(connection: sa.Connection) -> None:
        missing = chosen - places.known_stores(connection, chosen).keys()
        if missing:
            raise Invalid("store_not_found", f"There are no such stores: {', '.join(sorted(missing)[:10])}.")
        places.replace_group(connection, group_id, chosen)
        audit_log.record(connection, actor, "store_group.put", group_id, {"stores": len(chosen)})

    in_transaction(work)
    _places.clear()


def groups() -> dict[str, list[str]]:
    """Return every group with its stores."""
    with reading() as connection:
        return places.groups(connection)


def _visible(connection: sa.Connection, actor: Actor, store_id: str) -> Store:
    found = places.store(connection, store_id)
    if found is None or actor.merchant_id not in (None, found.merchant_id):
        raise _no_store(store_id)
    return found


def _own(actor: Actor, merchant_id: str) -> None:
    """Another merchant's things aren't there for whoever belongs to one."""
    if actor.merchant_id not in (None, merchant_id):
        raise NotFound("merchant_not_found", f"There is no merchant {merchant_id}.")
