"""The queries on programme versions, of which each is written once and never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import programme_versions as t


@dataclass(frozen=True, slots=True)
class Version:
    """A published version. The first one reaches back without limit: its `effective_at` is None."""

    version: int
    effective_at: datetime | None
    published_at: datetime
    author: str
    reason: str


_COLUMNS: Final = (t.c.version, t.c.effective_at, t.c.published_at, t.c.author, t.c.reason)
_LATEST: Final = Statement(sa.select(sa.func.max(t.c.version)))
_ALL: Final = Statement(sa.select(*_COLUMNS).order_by(t.c.version))
_DOCUMENT: Final = Statement(
    sa.select(t.c.document).where(t.c.version == sa.bindparam("version", type_=t.c.version.type))
)
_LAST_DIGEST: Final = Statement(sa.select(t.c.digest).order_by(t.c.version.desc()).limit(1))
_INSERT: Final = statements.insert(t)


def latest(connection: sa.Connection) -> int:
    """Return the number of the newest version; 0 before the first."""
    found = _LATEST.one(connection)
    return int(found[0] or 0) if found else 0


def versions(connection: sa.Connection) -> tuple[Version, ...]:
    """Return every version, the first one first."""
    return tuple(Version(*row) for row in _ALL.rows(connection))


def document(connection: sa.Connection, version: int) -> str | None:
    """Return a version's document as JSON text; None where there is no such version."""
    found = _DOCUMENT.one(connection, version=version)
    return str(found[0]) if found else None


def last_digest(connection: sa.Connection) -> str | None:
    """Return the digest of the newest version; None before the first."""
    found = _LAST_DIGEST.one(connection)
    return str(found[0]) if found else None


def insert(connection: sa.Connection, version: Version, document: str, digest: str) -> None:
    """Add a version; raises `Duplicate` for a number or a time that is taken."""
    _INSERT.run(
        connection,
        version=version.version,
        document=document,
        effective_at=version.effective_at,
        published_at=version.published_at,
        author=version.author,
        reason=version.reason,
        digest=digest,
    )
