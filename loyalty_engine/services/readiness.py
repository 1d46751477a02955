"""Whether this process can do its work: the database answers, its schema is this code's, a programme is published."""

from functools import cache
from importlib.resources import files

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from loyalty_engine.services import programmes
from loyalty_engine.store.session import reading
from rules.errors import Busy


def check() -> None:
    """Raise `Busy`, with what an operator has to do, where something is missing."""
    with reading() as connection:
        at = MigrationContext.configure(connection).get_current_heads()
    if at != (expected := _heads()):
        detail = f"The database is at revision {', '.join(at) or 'none'}, not {', '.join(expected)}."
        raise Busy("database_not_migrated", f"{detail} Run `loyalty db upgrade`.")
    if not programmes.versions():
        raise Busy("no_programme", "No programme has been published: run `loyalty programme publish FILE`.")


@cache
def _heads() -> tuple[str, ...]:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    return tuple(ScriptDirectory.from_config(config).get_heads())
