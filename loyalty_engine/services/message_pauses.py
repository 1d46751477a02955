"""What is paused, seen by every message that is planned: kept for seconds, for each one is looked at again when sent."""

from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.caching import Cache
from loyalty_engine.store import message_pauses as store
from loyalty_engine.store.message_pauses import EVERYTHING, Pause

_kept: Final[Cache[None, frozenset[str]]] = Cache(seconds=5, size=1)


def paused(connection: sa.Connection) -> frozenset[str]:
    """Return the templates that are paused, and `everything`; what was changed elsewhere is seen within seconds."""
    return _kept.get(None, lambda: paused_now(connection))


def paused_now(connection: sa.Connection) -> frozenset[str]:
    """Return the same, looked up."""
    return frozenset(pause.what for pause in store.all_of(connection))


def is_paused(template: str, what: frozenset[str]) -> bool:
    """Tell whether a template is paused, by itself or with everything."""
    return EVERYTHING in what or template in what


def pause_of(connection: sa.Connection, what: str) -> Pause | None:
    """Return the pause of a template or of everything, or None."""
    return next((pause for pause in store.all_of(connection) if pause.what == what), None)


def forget() -> None:
    """Look again: a pause was changed in this process."""
    _kept.clear()
