"""The queries on the lists of SKUs that programmes name because they are too long to stand in the document."""

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import sku_lists as t

_LIST: Final = sa.bindparam("list_id", type_=t.c.list_id.type)
_NONE: Final = ""
"""Stands in place of a SKU in the one row of a list without any."""
_COUNT: Final = sa.func.count(sa.func.nullif(t.c.sku, _NONE))
_NAMES: Final = Statement(sa.select(t.c.list_id, _COUNT).group_by(t.c.list_id).order_by(t.c.list_id))
_SKUS: Final = Statement(sa.select(t.c.sku).where(t.c.list_id == _LIST, t.c.sku != _NONE))
_EMPTY: Final = Statement(sa.delete(t).where(t.c.list_id == _LIST))
_INSERT: Final = statements.insert(t)


def sizes(connection: sa.Connection) -> dict[str, int]:
    """Return the id of every list with the number of its SKUs, 0 for a list that was put without any."""
    return {str(list_id): int(count) for list_id, count in _NAMES.rows(connection)}


def skus(connection: sa.Connection, list_id: str) -> frozenset[str]:
    """Return the SKUs of a list; none where there is no such list."""
    return frozenset(row[0] for row in _SKUS.rows(connection, list_id=list_id))


def replace(connection: sa.Connection, list_id: str, skus: Collection[str]) -> None:
    """Let a list hold exactly `skus`, which may be none."""
    _EMPTY.run(connection, list_id=list_id)
    _INSERT.many(connection, [{"list_id": list_id, "sku": sku} for sku in skus or (_NONE,)])
