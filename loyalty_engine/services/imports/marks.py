"""Keeps in the database how far an import came, so that one that was cut off goes on instead of starting again."""

import json
from functools import partial
from typing import Final

from loyalty_engine import clock
from loyalty_engine.services.imports.sinks import Connection, Kind, Mark
from loyalty_engine.store import import_files
from loyalty_engine.store.session import in_transaction, reading

_REJECTS: Final = "rejects_length"


class StoredMarks:
    """The marks of the files that this database has seen."""

    def find(self, file_hash: str, kind: Kind, /) -> Mark | None:
        """Return how far the import of a file came; None for a new one."""
        with reading() as connection:
            found = import_files.find(connection, file_hash, kind)
        if found is None:
            return None
        rows_done, totals, finished_at = found
        said = json.loads(totals)
        return Mark(rows_done, said, finished_at, said.pop(_REJECTS, 0))

    def save(self, file_hash: str, kind: Kind, mark: Mark, connection: Connection = None, /) -> None:
        """Keep how far it came, in the caller's transaction where there is one."""
        put = partial(
            import_files.put,
            key=(file_hash, kind),
            rows_done=mark.rows_done,
            totals=json.dumps(dict(mark.totals) | ({_REJECTS: mark.rejects_length} if mark.rejects_length else {})),
            now=clock.now(),
            finished_at=mark.finished_at,
        )
        in_transaction(put) if connection is None else put(connection)
