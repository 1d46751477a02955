"""Pages for members, made on the server for a phone: a door, a card for the till, and everything that is theirs.

They stand beside the API and ask the same services; what both need of the edge (limits, logs) the application hands in.
"""

from flask import Flask

from loyalty_engine.portal import (
    assets,
    card,
    claims,
    consents,
    dates,
    door,
    errors,
    forms,
    history,
    home,
    leaving,
    more,
    pages,
    profile,
    sessions,
    vouchers,
    why,
)
from loyalty_engine.portal.edge import KEY, Edge
from loyalty_engine.portal.routes import blueprint

__all__ = ["Edge", "register"]

_PAGES = (
    errors,
    assets,
    door,
    home,
    card,
    why,
    vouchers,
    history,
    claims,
    consents,
    dates,
    profile,
    sessions,
    leaving,
    more,
)


def register(app: Flask, edge: Edge) -> None:
    """Add the members' pages to `app`; `edge` is what the application does for all its edges alike."""
    assert all(page.__doc__ for page in _PAGES), "each module of views is loaded, and so its routes are there"
    app.extensions[KEY] = edge
    forms.register(app)
    pages.register(app)
    app.register_blueprint(blueprint)
