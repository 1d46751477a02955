"""Hands to the members' pages what the API's edge has already: limits that count for both, and one log."""

from collections.abc import Callable

from flask import request

from loyalty_engine.api import errors
from loyalty_engine.api.known import ACTOR
from loyalty_engine.api.leaving import charge_export
from loyalty_engine.api.limits import MISS_COSTS, Limiter, limits
from loyalty_engine.config import Settings
from loyalty_engine.portal import Edge
from loyalty_engine.services.actors import Actor


def edge_of(settings: Settings) -> Edge:
    """Return what the pages ask for."""
    return Edge(
        colour=settings.colour,
        known=_note,
        asks=_taking(lambda: limits().requests),
        looks_up=_taking(lambda: limits().lookups),
        missed=lambda actor: limits().lookups.charge(actor.token_id, MISS_COSTS),
        exports=charge_export,
        bug=lambda error: _forget(errors.logged(error)),
    )


def _note(actor: Actor) -> None:
    request.environ[ACTOR] = actor


def _taking(limiter: Callable[[], Limiter]) -> Callable[[Actor], None]:
    return lambda actor: limiter().take(actor.token_id)


def _forget(_document: object) -> None:
    """A page shows no problem document."""
