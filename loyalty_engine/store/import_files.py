"""The queries on how far the import of a file came, by the hash of its content and the kind of import."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import import_files as t

_FOUND: Final = Statement(
    sa.select(t.c.rows_done, t.c.totals, t.c.finished_at).where(
        t.c.file_hash == sa.bindparam("file_hash"), t.c.kind == sa.bindparam("kind")
    )
)
_PUT: Final = statements.upsert(t, rows_done=take("rows_done"), totals=take("totals"), finished_at=take("finished_at"))


def find(connection: sa.Connection, file_hash: str, kind: str) -> tuple[int, str, datetime | None] | None:
    """Return the rows that are done, the totals as JSON text and when it was finished; None for a new file."""
    row = _FOUND.one(connection, file_hash=file_hash, kind=kind)
    return None if row is None else (row[0], row[1], row[2])


def put(
    connection: sa.Connection,
    key: tuple[str, str],
    rows_done: int,
    totals: str,
    now: datetime,
    finished_at: datetime | None,
) -> None:
    """Note how far the file of `key` (its hash, the kind) came; `now` is kept as its start when it is new."""
    file_hash, kind = key
    _PUT.run(
        connection,
        file_hash=file_hash,
        kind=kind,
        rows_done=rows_done,
        totals=totals,
        started_at=now,
        finished_at=finished_at,
    )
