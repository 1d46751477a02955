"""The engine in this process, on a database that is measured."""

import resource
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import publishing
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.store.session import db

ADMIN: Final = Actor("benchmark", "admin")


@contextmanager
def engine(settings: Settings) -> Iterator[None]:
    """Run the services of these settings, with nothing remembered of another database and no connection left open."""
    app = create_app(settings)
    forget_everything()
    with app.app_context():
        yield
        db.engine.dispose()


def engine_of(database_url: str) -> AbstractContextManager[None]:
    """Run the services on a database, with all other settings as they are."""
    return engine(Settings(database_url=database_url))


def publish(database_url: str, programme: str) -> None:
    """Publish the programme that the databases of a benchmark follow."""
    with engine_of(database_url):
        publishing.publish(ADMIN, programme, None, "for a benchmark")


def peak_mib() -> float:
    """Return the most memory that this process has had at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
