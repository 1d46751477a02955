"""The only place where what went wrong becomes an HTTP status: every error is a problem document of RFC 9457.

A refusal says its own code and detail. Anything else is a bug: it is logged with the places in the code that it came
from and without its words, which may quote what somebody sent, and the client learns no more than the request's id.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, ParamSpec

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from loyalty_engine.api.bodies import too_large
from loyalty_engine.api.known import REQUEST_ID
from loyalty_engine.api.logs import origin
from loyalty_engine.api.refusals import STATUSES, Unauthorized
from loyalty_engine.services import problems
from loyalty_engine.services.answers import Answer
from rules.errors import Busy, Refusal, TooMany
from rules.shown import clipped

P = ParamSpec("P")

RETRY_AFTER_SECONDS: Final = 1
_WORTH_RETRYING: Final = frozenset({"still_in_work"})


def register(app: Flask) -> None:
    """Answer every exception of `app` with a problem document."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def refused(refusal: Refusal) -> Response:
    """Return the problem document of a refusal, with the headers that its status asks for."""
    response = problem_response(*_problem(refusal))
    if isinstance(refusal, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="loyalty-engine"'
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = response.headers["RateLimit-Reset"] = str(refusal.retry_after)
        response.headers["RateLimit-Limit"] = str(refusal.limit)
        response.headers["RateLimit-Remaining"] = "0"
    elif isinstance(refusal, Busy) or refusal.code in _WORTH_RETRYING:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def attempted(work: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
    """Return what `work` answers; a refusal is an answer too, where there are several in one body."""
    try:
        return work(*args, **kwargs)
    except Refusal as refusal:
        status, document = _problem(refusal)
        return Answer(status, _encode(document))
    except Exception as error:  # noqa: BLE001 - one bug must not take the answers of the others with it
        return Answer(500, _encode(logged(error)))


def _problem(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    for kind, status, title in STATUSES:
        if isinstance(refusal, kind):
            return status, problems.document(status, title, refusal.code, refusal.detail, refusal.errors)
    return problems.problem(refusal)


def problem_response(status: int, document: dict[str, Any]) -> Response:
    """Return the response that carries a problem document."""
    return Response(_encode(document), status, content_type=problems.CONTENT_TYPE)


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    if isinstance(error, RequestEntityTooLarge):
        return refused(too_large(request.max_content_length or 0))
    status = HTTPStatus(error.code or 500)
    code, detail = _words(error, status)
    response = problem_response(status, problems.document(status, status.phrase, code, detail))
    response.headers.extend(
        [
            (name, value)
            for name, value in error.get_headers(None)
            if name.lower() not in ("content-type", "content-length")
        ]
    )
    return response


def _words(error: HTTPException, status: HTTPStatus) -> tuple[str, str]:
    path = clipped(request.path)
    if isinstance(error, NotFound):
        return "no_such_path", f"There is nothing at {path}: /v1/docs lists what there is."
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        return "method_not_allowed", f"{path} takes {allowed}, and no {clipped(request.method)}."
    return status.phrase.lower().replace(" ", "_").replace("'", ""), status.description or status.phrase


def _bug(error: Exception) -> Response:
    return problem_response(500, logged(error))


def logged(error: Exception) -> dict[str, Any]:
    """Log a bug; return the problem document that says no more than the request's id."""
    current_app.extensions["loyalty_log"].error("bug", request_id=request.environ.get(REQUEST_ID), **origin(error))
    detail = "Something went wrong on our side; the request had no effect unless it says otherwise when it is repeated."
    document = problems.document(500, "Internal error", "internal_error", detail)
    return document | {"request_id": request.environ.get(REQUEST_ID)}
