"""Makes a page of a template: with its language, the programme's names, and headers that keep it to its reader."""

from typing import Any, Final

from flask import Flask, get_flashed_messages, make_response, render_template, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from loyalty_engine.portal import assets, said
from loyalty_engine.portal.languages import NAMES, language
from loyalty_engine.portal.refusals import Told, told
from loyalty_engine.portal.routes import blueprint, visitor
from loyalty_engine.portal.texts import say
from loyalty_engine.services import names
from loyalty_engine.services.names import Names
from rules.errors import Refusal

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_TABS: Final = {
    "home": "home",
    "card": "card",
    "vouchers": "vouchers",
    "history": "history",
    "why": "history",
}
"""By page, the tab that it belongs to; all others are found under "more"."""


def register(app: Flask) -> None:
    """Let templates ask for files by their content, so that a browser may keep them."""
    app.jinja_env.globals["asset"] = assets.address


def page(template: str, status: int = 200, refusal: Refusal | None = None, **values: Any) -> Response:
    """Return a page; with a `refusal` it says above the form what is wrong and what would be right."""
    spoken = language()
    shown = render_template(
        f"portal/{template}.html",
        language=spoken,
        csrf_token=generate_csrf,
        other_languages=[one for one in NAMES.items() if one[0] != spoken],
        names=page_names(),
        say=lambda key, **parts: say(spoken, key, **parts),
        day=lambda on: said.day(spoken, on),
        day_of=lambda at: said.day_of(spoken, at, page_names().time_zone),
        number=said.number,
        money=said.money,
        change=said.change,
        groups=said.groups,
        listed=lambda words: said.listed(spoken, words),
        told=told(spoken, refusal) if refusal is not None else Told("", {}),
        typed=request.form,
        flashes=get_flashed_messages(),
        signed_in=visitor() is not None,
        tab=_TABS.get(template, "more"),
        **values,
    )
    if refusal is not None and status == 200:
        status = 422
    return make_response(shown, status)


def page_names() -> Names:
    """Return the programme's names in the page's language."""
    return names.names(language())


def answer(refusal: Refusal | Any, template: str, **values: Any) -> Response | None:
    """Return the form again where it was refused; None where it went through."""
    return page(template, refusal=refusal, **values) if isinstance(refusal, Refusal) else None


@blueprint.after_request
def keep_to_its_reader(response: Response) -> Response:
    """Keep a page out of caches, frames and other pages' reach; files of the pages say for themselves how long they keep."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    if not response.headers["Cache-Control"].startswith("public"):
        response.headers["Vary"] = "Cookie, Accept-Language"
    return response
