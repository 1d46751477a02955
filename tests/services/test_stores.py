"""Merchants, stores, groups and tills: put again and again, and seen by purchases."""

import pytest
from flask import Flask

from loyalty_engine.services import audit_log, stores
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.imports.records import NewStore
from loyalty_engine.services.stores import Place, place
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import reading
from rules.errors import Conflict, Invalid, NotFound
from tests.builders import ADMIN, open_store

OTHER = Actor("other", "admin", "other")


@pytest.fixture(autouse=True)
def _a_store(app: Flask) -> None:
    open_store()


def seen(store_id: str) -> Place | None:
    with reading() as connection:
        return place(connection, store_id)


def test_a_purchase_sees_the_stores_merchant_groups_and_zone() -> None:
    stores.put_group(ADMIN, "city", ["s-1"])
    stores.put_group(ADMIN, "airports", [])
    assert seen("s-1") == Place("tea-house", frozenset({"city"}), "Asia/Shanghai", None)
    assert seen("s-2") is None


def test_a_purchase_sees_a_change_at_once_in_this_process() -> None:
    assert seen("s-1") is not None
    stores.put_group(ADMIN, "city", ["s-1"])
    stores.put_store(ADMIN, Store("s-1", "tea-house", "Moved", "Europe/Paris"))
    assert seen("s-1") == Place("tea-house", frozenset({"city"}), "Europe/Paris", None)


def test_putting_again_changes_what_is_said_and_adds_nothing() -> None:
    open_store()
    stores.put_store(ADMIN, Store("s-1", "tea-house", "A new name"))
    page, _ = stores.stores(ADMIN)
    assert list(page) == [Store("s-1", "tea-house", "A new name")]
    assert stores.terminals(ADMIN, "s-1") == ("t-1",)


def test_a_group_holds_what_was_put_last() -> None:
    open_store("s-2")
    stores.put_group(ADMIN, "city", ["s-1"])
    stores.put_group(ADMIN, "city", ["s-2"])
    assert stores.groups() == {"city": ["s-2"]}
    with pytest.raises(Invalid, match="s-9"):
        stores.put_group(ADMIN, "city", ["s-1", "s-9"])


def test_a_store_keeps_its_merchant() -> None:
    stores.put_merchant(ADMIN, Merchant("other", "Other"))
    with pytest.raises(Conflict) as refused:
        stores.put_store(ADMIN, Store("s-1", "other", "Taken over"))
    assert refused.value.code == "store_id_taken"


def test_a_store_needs_its_merchant() -> None:
    with pytest.raises(NotFound):
        stores.put_store(ADMIN, Store("s-2", "nobody", "Store"))


def test_another_merchants_things_are_not_there() -> None:
    stores.put_merchant(ADMIN, Merchant("other", "Other"))
    assert stores.merchants(OTHER) == (Merchant("other", "Other"),)
    assert stores.stores(OTHER) == ((), None)
    for act in (
        lambda: stores.store(OTHER, "s-1"),
        lambda: stores.terminals(OTHER, "s-1"),
        lambda: stores.put_terminal(OTHER, "s-1", "t-9"),
        lambda: stores.put_store(OTHER, Store("s-9", "tea-house", "Store")),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (Store("s 2", "tea-house", "Store"), "store_id"),
        (Store("s" * 65, "tea-house", "Store"), "store_id"),
        (Store("s-2", "tea-house", " "), "name"),
        (Store("s-2", "tea-house", "a\x00b"), "name"),
        (Store("s-2", "tea-house", "Store", "Mars/Olympus"), "time_zone"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(given: Store, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        stores.put_store(ADMIN, given)
    assert list(refused.value.errors) == [field]


def test_many_stores_come_with_their_tills_in_one_go() -> None:
    given = [NewStore(f"n-{number:03}", f"Store {number}", ("till",), "America/New_York") for number in range(457)]
    for _ in range(2):
        stores.put_new_stores(ADMIN, "tea-house", given)
    first, cursor = stores.stores(ADMIN, limit=300)
    rest, end = stores.stores(ADMIN, after=cursor or "", limit=300)
    assert (len(first), len(rest), end) == (300, 158, None)
    assert stores.terminals(ADMIN, "n-456") == ("till",)


def test_every_act_is_in_the_audit_log_newest_first() -> None:
    entries, cursor = audit_log.entries(limit=2)
    assert [entry.action for entry in entries] == ["terminal.put", "store.put"]
    older, end = audit_log.entries(limit=2, before=cursor)
    assert [(entry.action, entry.actor) for entry in older] == [("merchant.put", "admin:admin-of-tests")]
    assert end is None
    with pytest.raises(Invalid):
        audit_log.entries(before="yesterday")
