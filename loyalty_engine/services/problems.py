"""Says a refusal as a problem document (RFC 9457): one shape, whether it is answered now or repeated from a key."""

import json
from typing import Any, Final

from loyalty_engine.services.answers import Answer
from rules.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Refusal

CONTENT_TYPE: Final = "application/problem+json"
_KINDS: Final[tuple[tuple[type[Refusal], int, str], ...]] = (
    (Invalid, 422, "What was sent can't be right"),
    (NotFound, 404, "There is no such thing"),
    (Conflict, 409, "Not as things are now"),
    (Forbidden, 403, "Not allowed"),
    (Busy, 503, "Busy"),
)


def problem(refusal: Refusal) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the problem document of a refusal; `errors` (path → messages) only where there are any."""
    status, title = next((status, title) for kind, status, title in _KINDS if isinstance(refusal, kind))
    return status, document(status, title, refusal.code, refusal.detail, refusal.errors)


def document(status: int, title: str, code: str, detail: str, errors: Any = None) -> dict[str, Any]:
    """Return a problem document; for what the edge refuses by itself there is no `Refusal` to make it from."""
    said: dict[str, Any] = {"type": f"urn:loyalty-engine:problem:{code}", "title": title, "status": status}
    said |= {"code": code, "detail": detail}
    if errors:
        said["errors"] = {path: list(messages) for path, messages in errors.items()}
    return said


def answer(refusal: Refusal) -> Answer:
    """Return the refusal as the answer that a replay repeats."""
    status, body = problem(refusal)
    return Answer(status, json.dumps(body, ensure_ascii=False).encode())
