"""Forms that only our own pages can send: each carries a secret of its browser (CSRF), and a small sealed session.

The session is opened for these pages alone: the API knows no cookies, so nothing of it can be forged this way. It holds
the form's secret, what is to be said on the next page, and, while somebody signs in, what was typed so far.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask.globals import request_ctx
from flask.sessions import NullSession, SecureCookieSessionInterface
from flask.wrappers import Request
from flask_wtf.csrf import validate_csrf
from werkzeug.wrappers import Response
from wtforms import ValidationError

from loyalty_engine.portal import cookies
from loyalty_engine.portal.routes import blueprint
from loyalty_engine.services import page_keys
from rules.errors import Forbidden, Invalid, Refusal

T = TypeVar("T")

_LONGEST: Final = 2_000


class _Sessions(SecureCookieSessionInterface):
    """No session until a page opens it."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self.make_null_session(app)

    def get_cookie_name(self, app: Flask) -> str:
        return cookies.FORM

    def get_cookie_secure(self, app: Flask) -> bool:
        return cookies.must_be_secure()

    def get_cookie_samesite(self, app: Flask) -> str:
        return "Lax"


def register(app: Flask) -> None:
    """Let `app` have sessions where a page opens one."""
    app.session_interface = _Sessions()
    # A form is as good as its browser's session: a page may lie open for hours before somebody sends it.
    app.config["WTF_CSRF_TIME_LIMIT"] = None


@blueprint.before_request
def check() -> None:
    """Open the session, and refuse a form that is not from one of our pages."""
    if current_app.secret_key is None:
        current_app.secret_key = page_keys.forms().hex()
    opened = SecureCookieSessionInterface.open_session(_interface(), current_app, request)
    request_ctx._session = opened
    if request.method == "POST" and not _is_ours():
        raise Forbidden("form_not_ours", "This form is too old, or did not come from this page; send it again.")


def _interface() -> _Sessions:
    found = current_app.session_interface
    assert isinstance(found, _Sessions), "registered with the pages"
    return found


def _is_ours() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        return False
    return True


def field(name: str) -> str:
    """Return what was typed into a field, without blanks around it; empty where it isn't there."""
    return request.form.get(name, "").strip()[:_LONGEST]


def attempt(work: Callable[..., T], *args: Any, **named: Any) -> T | Refusal:
    """Return what `work` gives, or the refusal, to be said above the form that asked."""
    try:
        return work(*args, **named)
    except Refusal as refusal:
        return refusal


def done(endpoint: str, said: str | None = None, **values: Any) -> Response:
    """Lead on after a form, so that loading the page again sends nothing twice; `said` is said there, once."""
    if said:
        flash(said)
    return redirect(url_for(f"portal.{endpoint}", **values), 303)


def begin_anew() -> None:
    """Throw away what the session holds: who signs in or out has a new secret."""
    session.clear()


def missing(name: str) -> Refusal:
    """Return the refusal of a form that a script or an old browser sent without a field."""
    return Invalid("field_missing", f"Fill in {name}.", {name: ["is required"]})
