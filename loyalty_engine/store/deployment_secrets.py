"""The queries on a deployment's own secrets: each made once, by whoever needs it first."""

from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import deployment_secrets as t

_FIND: Final = Statement(sa.select(t.c.value).where(t.c.name == sa.bindparam("name")))
_MAKE: Final = statements.insert_once(t)


def find(connection: sa.Connection, name: str) -> str | None:
    """Return a secret in hexadecimal, or None."""
    row = _FIND.one(connection, name=name)
    return str(row[0]) if row else None


def make(connection: sa.Connection, name: str, value: str) -> None:
    """Keep a secret; where there is one of that name already, that one stays."""
    _MAKE.run(connection, name=name, value=value)
