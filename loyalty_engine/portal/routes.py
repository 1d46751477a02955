"""The blueprint of the members' pages, and who may pass: everybody, or a member that is signed in.

The member's token lies in a cookie that no script can read; whoever has none, or one that has ended, is led to the door.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast

from flask import Blueprint, g, redirect, url_for
from werkzeug.wrappers import Response

from loyalty_engine.portal import cookies
from loyalty_engine.portal.edge import edge
from loyalty_engine.services import tokens
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("portal", __name__, template_folder="templates", static_folder=None)

View = Callable[..., Any]
_MAX_SECRET: Final = 200


def everyone(view: View) -> View:
    """Let everybody see a page; whoever is signed in is known to it by `visitor`."""

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    open_to_all.allowed = ("everyone",)  # type: ignore[attr-defined]
    return open_to_all


def members_only(view: View) -> View:
    """Let only a member see a page; the view gets the actor as its first argument."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        actor = visitor()
        if actor is None:
            return to_the_door()
        edge().asks(actor)
        return view(actor, *args, **kwargs)

    guarded.allowed = ("member",)  # type: ignore[attr-defined]
    return guarded


def visitor() -> Actor | None:
    """Return the member that asks, or None; asked once a request."""
    if "portal_visitor" not in g:
        g.portal_visitor = _authenticated()
    return cast(Actor | None, g.portal_visitor)


def _authenticated() -> Actor | None:
    secret = cookies.member_token()
    actor = tokens.authenticate(secret) if secret and len(secret) <= _MAX_SECRET and secret.isascii() else None
    if actor is None or actor.role != "member":
        return None
    edge().known(actor)
    return actor


def to_the_door() -> Response:
    """Lead to the sign-in; a cookie that opens nothing any more is taken away."""
    response = redirect(url_for("portal.join"), 303)
    if cookies.member_token():
        cookies.forget_member(response)
    return response


def member_of(actor: Actor) -> str:
    """Return the member that a member's token names."""
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
