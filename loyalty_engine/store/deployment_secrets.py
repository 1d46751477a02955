"""The queries on the secrets that a deployment made for itself."""

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import deployment_secrets

_FIND = Statement(sa.select(deployment_secrets.c.value).where(deployment_secrets.c.name == sa.bindparam("name")))
_INSERT = statements.insert_once(deployment_secrets)


def find(connection: sa.Connection, name: str) -> bytes | None:
    """Return a secret, or None where it was not made yet."""
    row = _FIND.one(connection, name=name)
    return bytes.fromhex(row[0]) if row else None


def insert_once(connection: sa.Connection, name: str, value: bytes) -> None:
    """Keep a secret, unless one of that name is there."""
    _INSERT.run(connection, name=name, value=value.hex())
