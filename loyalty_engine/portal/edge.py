"""What the pages share with the application's other edges, and can't import from them: how often, and what is logged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from flask import current_app, request

from loyalty_engine.services.actors import Actor
from loyalty_engine.services.addresses import address_of
from loyalty_engine.services.settings import settings

KEY: Final = "loyalty_portal_edge"


@dataclass(frozen=True, slots=True)
class Edge:
    """Each is called inside a request; `asks`, `looks_up` and `exports` raise a `Refusal` where it is too often."""

    colour: str
    """The shop's colour, `#rrggbb`."""
    known: Callable[[Actor], None]
    """Notes who asks, for the log."""
    asks: Callable[[Actor], None]
    """Counts a request."""
    looks_up: Callable[[Actor], None]
    """Counts a look-up of something that can be guessed."""
    missed: Callable[[Actor], None]
    """Counts that a look-up found nothing."""
    exports: Callable[[Actor], None]
    """Counts that somebody takes everything along."""
    bug: Callable[[Exception], None]
    """Logs what nobody expected."""


def edge() -> Edge:
    """Return that of the application that answers."""
    return cast(Edge, current_app.extensions[KEY])


def address() -> str:
    """Return where the request comes from, as the caps on codes count it."""
    forwarded = request.headers.get("X-Forwarded-For")
    return address_of(request.remote_addr, forwarded, settings().trusted_proxies)
