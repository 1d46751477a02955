"""What went wrong, as a page: what was refused with its remedy, what isn't there, and what is our own fault."""

from http import HTTPStatus
from typing import Final

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from loyalty_engine.portal.edge import edge
from loyalty_engine.portal.languages import browsers
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.refusals import told
from loyalty_engine.portal.routes import blueprint, everyone
from rules.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Refusal, TooMany

_STATUSES: Final[tuple[tuple[type[Refusal], HTTPStatus], ...]] = (
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal."""
    return next((status for kind, status in _STATUSES if isinstance(refusal, kind)), HTTPStatus.BAD_REQUEST)


@blueprint.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    if isinstance(refusal, Busy) or refusal.code == "no_programme":
        return _bare(refusal)
    response = page("refused", status=status_of(refusal), refusal=refusal)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _bare(refusal: Refusal) -> Response:
    """Say it without a page: that would take the programme's names, or the member's language, from the database."""
    sentence = told(browsers(), refusal).sentence
    response = Response(f"{sentence}\n", HTTPStatus.SERVICE_UNAVAILABLE, content_type="text/plain; charset=utf-8")
    response.headers["Retry-After"] = "5"
    return response


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return page("not_there", status=error.code or 404)
    return page("bug", status=error.code or 500)


@blueprint.errorhandler(Exception)
def _bug(error: Exception) -> Response:
    edge().bug(error)
    return page("bug", status=500)


@blueprint.get("/my/<path:rest>")
@everyone
def elsewhere(rest: str) -> Response:
    """Say, as a page, that there is nothing at an address among these pages."""
    return page("not_there", status=404)
