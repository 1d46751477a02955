"""Whether this process can do its work: the database answers, its schema is this code's, a programme is published."""

from loyalty_engine.services import programmes
from loyalty_engine.store import revisions
from loyalty_engine.store.session import reading
from migrations import HEAD
from rules.errors import Busy


def check() -> None:
    """Raise `Busy`, with what an operator has to do, where something is missing."""
    with reading() as connection:
        present = revisions.present(connection)
    if present != HEAD:
        detail = f"The database is at revision {present or 'none'}, not {HEAD}."
        raise Busy("database_not_migrated", f"{detail} Run `loyalty db upgrade`.")
    if not programmes.versions():
        raise Busy("no_programme", "No programme has been published: run `loyalty programme publish FILE`.")
