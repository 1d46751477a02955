"""Who may pass: every route says it, and a test walks the URL map for one that doesn't.

`Authorization: Bearer <token>`, one kind of token for all: RELIABILITY.md, Doors.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec

from flask import Response, current_app, request
from flask.globals import request_ctx

from loyalty_engine.api.described import documented
from loyalty_engine.api.known import ACTOR
from loyalty_engine.api.limits import limits
from loyalty_engine.api.refusals import Unauthorized
from loyalty_engine.api.responses import respond
from loyalty_engine.api.schemas.base import invalid
from loyalty_engine.channels.twilio_words import is_signed
from loyalty_engine.config import Settings
from loyalty_engine.services import tokens
from loyalty_engine.services.actors import Actor, Role
from rules.errors import Forbidden

P = ParamSpec("P")

EVERYONE: Final = "everyone"
TWILIO: Final = "twilio"
"""Not a role: whoever signs with the secret that we share with Twilio."""
_MAX_SECRET: Final = 200


def allow(*roles: Role) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Let only holders of these roles pass; the view gets the actor as its first argument."""
    may_pass = frozenset(roles)

    def guard(view: Callable[..., Any]) -> Callable[..., Response]:
        takes_none = not _takes_query(view)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Response:
            actor = authenticated()
            if actor.role not in may_pass:
                raise Forbidden(
                    "role_not_allowed",
                    f"A {actor.role}'s token can't do this; it takes one of: {names}.",
                )
            limits().requests.take(actor.token_id)
            if takes_none and request_ctx.request.environ.get("QUERY_STRING"):
                _check_no_query()
            return respond(view(actor, *args, **kwargs))

        guarded.allowed = roles  # type: ignore[attr-defined]
        documented(guarded, security=[{"bearer": []}], description=f"For: {names}.")
        return guarded

    names = ", ".join(roles)
    return guard


def _takes_query(view: Callable[..., Any]) -> bool:
    """Tell whether a view has a schema for its query, which refuses what it doesn't know by itself."""
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())
    return any(one["in"] == "query" for one in parameters)


def _check_no_query() -> None:
    if request.args:
        raise invalid(
            {name: ["Unknown parameter: nothing may stand behind the question mark here"] for name in request.args}
        )


def public(view: Callable[P, Any]) -> Callable[P, Response]:
    """Let everybody pass, with a token or without."""

    @wraps(view)
    def open_to_all(*args: P.args, **kwargs: P.kwargs) -> Response:
        if request.method == "POST":
            _check_no_query()
        return respond(view(*args, **kwargs))

    open_to_all.allowed = (EVERYONE,)  # type: ignore[attr-defined]
    documented(open_to_all, security=[])
    return open_to_all


def from_twilio(view: Callable[P, Any]) -> Callable[P, Response]:
    """Let only forms pass that Twilio signed, for the address under which the engine is reached from outside."""

    @wraps(view)
    def signed(*args: P.args, **kwargs: P.kwargs) -> Response:
        settings: Settings = current_app.extensions["loyalty_settings"]
        query = request.query_string.decode("latin-1")
        address = f"{settings.public_url}{request.path}{'?' if query else ''}{query}"
        if not is_signed(settings.sms.token, address, request.form, request.headers.get("X-Twilio-Signature")):
            raise Forbidden("signature_invalid", "This takes what Twilio signed for this address, and nothing else.")
        return respond(view(*args, **kwargs))

    signed.allowed = (TWILIO,)  # type: ignore[attr-defined]
    documented(signed, security=[], description="For Twilio, which signs what it sends.")
    return signed


def authenticated() -> Actor:
    """Return who asks; raises `Unauthorized` where nobody does, or nobody that we know."""
    environment = request_ctx.request.environ
    scheme, _, secret = environment.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized("token_missing", "Send a token with the header Authorization: Bearer <token>.")
    actor = tokens.authenticate(secret.strip()) if len(secret) <= _MAX_SECRET and secret.isascii() else None
    if actor is None:
        raise Unauthorized("token_unknown", "This token is unknown, has expired or was revoked.")
    environment[ACTOR] = actor
    return actor
