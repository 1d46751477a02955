"""What a view returns becomes a response: bytes that a service made are sent as they are."""

from typing import Any, Final

import msgspec
from flask import Flask, Response, request

from loyalty_engine.services import problems
from loyalty_engine.services.answers import Answer

_encode = msgspec.json.Encoder().encode
_JSON: Final = "application/json"
_OWN: Final = "/v1/me"


def register(app: Flask) -> None:
    """Let no cache keep what a member is told of itself, whichever view tells it and whether or not it is refused."""
    app.after_request(_keep_own)


def _keep_own(response: Response) -> Response:
    if request.path == _OWN or request.path.startswith(f"{_OWN}/"):
        response.headers["Cache-Control"] = "no-store"
    return response


def respond(result: Any) -> Response:
    """Return the response for an `Answer`, JSON in bytes (200), plain data or a dataclass (200), or a response as it is."""
    if isinstance(result, Answer):
        response = Response(
            result.body,
            result.status,
            content_type=_JSON if result.status < 400 else problems.CONTENT_TYPE,
        )
        if result.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response
    if isinstance(result, Response):
        return result
    return Response(result if isinstance(result, bytes) else _encode(result), content_type=_JSON)


def answer(result: Any, status: int = 200) -> Answer:
    """Return what a service answered with as an `Answer`; anything but an `Answer` gets `status`."""
    return result if isinstance(result, Answer) else Answer(status, _encode(result))


def private(result: Any, status: int = 200) -> Response:
    """Return plain data or a dataclass as a response that no cache keeps: it is somebody's own."""
    response = Response(_encode(result), status, content_type=_JSON)
    response.headers["Cache-Control"] = "no-store"
    return response
