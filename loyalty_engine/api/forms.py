"""In which form an answer is wanted, and the form itself: JSON, a sheet to download, or a page; none of them is kept."""

from typing import Any, Final

from flask import Response, request

from loyalty_engine.api.responses import respond

_FORMS: Final = {"application/json": "json", "text/csv": "csv", "text/html": "html"}
_PRIVATE: Final = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language", "X-Content-Type-Options": "nosniff"}


def wanted(named: str | None, *possible: str) -> str:
    """Return the form that was named, else the one that `Accept` likes best; JSON where it doesn't matter."""
    if named is not None:
        return named
    types = [kind for kind, form in _FORMS.items() if form in possible]
    best = request.accept_mimetypes.best_match(types, default=types[0])
    return _FORMS[best]


def spoken_to(named: str | None) -> str | None:
    """Return the language that was named, else the one that the client asks for; None where neither says one."""
    best = request.accept_languages.best
    return named or (best if best != "*" else None)


def json_of(told: Any) -> Response:
    """Return plain values or dataclasses as JSON."""
    return _private(respond(told))


def csv_of(sheet: bytes, name: str) -> Response:
    """Return a sheet under the name of a file; the name is ASCII without quotes."""
    response = Response(sheet, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return _private(response)


def page_of(page: str, policy: str) -> Response:
    """Return a page that may do nothing but what its policy says."""
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "no-referrer"
    return _private(response)


def _private(response: Response) -> Response:
    response.headers.extend(_PRIVATE)
    return response
