"""Lists of SKUs that programmes name because they are too long for the document (50,000 entries and more)."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.programmes import forget_lists
from loyalty_engine.store import sku_lists as store
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import NotFound

MAX_SKUS: Final = 500_000
_FEW: Final = 10


def put(actor: Actor, list_id: str, skus: Collection[str]) -> int:
    """Let a list hold exactly these SKUs; rules see it within 30 s. Return how many there are."""
    actor.check_everywhere()
    wrong = Wrong()
    checking.code(wrong, "list_id", list_id)
    chosen = frozenset(skus)
    if len(chosen) > MAX_SKUS:
        wrong.note("skus", f"must be at most {MAX_SKUS}")
    for sku in chosen:
        if len(wrong.errors.get("skus", ())) < _FEW:
            checking.words(wrong, "skus", sku, 64)
    wrong.refuse_any("sku_list_invalid", "The list")

    def work(connection: sa.Connection) -> None:
        store.replace(connection, list_id, chosen)
        audit_log.record(connection, actor, "sku_list.put", list_id, {"skus": len(chosen)})

    in_transaction(work)
    forget_lists()
    return len(chosen)


def sizes() -> dict[str, int]:
    """Return every list with the number of its SKUs."""
    with reading() as connection:
        return store.sizes(connection)


def skus(list_id: str) -> frozenset[str]:
    """Return the SKUs of a list; raises `NotFound`."""
    with reading() as connection:
        found, there = store.skus(connection, list_id), store.sizes(connection)
    if list_id not in there:
        raise NotFound("sku_list_not_found", f"There is no list {list_id}.")
    return found
