"""The queries on idempotency keys: each a request that had its effect, with the answer to repeat."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import idempotency_keys as t


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A request by its scope, with the hash of its body and the answer that it got."""

    scope_key: str
    body_hash: str
    status: int
    body: str
    created_at: datetime


_FIND: Final = Statement(
    sa.select(t.c.scope_key, t.c.body_hash, t.c.status, t.c.body, t.c.created_at).where(
        t.c.scope_key == sa.bindparam("scope_key")
    )
)
_CLAIM: Final = statements.insert_once(t)
_FORGET: Final = Statement(sa.delete(t).where(t.c.created_at < sa.bindparam("before", type_=t.c.created_at.type)))


def find(connection: sa.Connection, scope_key: str) -> KeyRow | None:
    """Return what was answered to the request of that scope, or None."""
    found = _FIND.one(connection, scope_key=scope_key)
    return KeyRow(*found) if found else None


def claim(connection: sa.Connection, row: KeyRow) -> bool:
    """Store an answer under its key; False where the key is taken. Waits for another that is about to commit it."""
    values = {name: getattr(row, name) for name in KeyRow.__slots__}
    return _CLAIM.run(connection, **values) == 1


def forget(connection: sa.Connection, before: datetime) -> int:
    """Delete the keys that were made before an instant; return how many there were."""
    return _FORGET.run(connection, before=before)
