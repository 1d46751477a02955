"""A write that carries an `Idempotency-Key` has its effect once: RELIABILITY.md, Idempotency."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from flask import request

from loyalty_engine.api.described import documented
from loyalty_engine.api.responses import answer
from loyalty_engine.services import idempotency
from loyalty_engine.services.actors import Actor
from rules.errors import Invalid

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
_HEADER: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "the same key and body repeat the first answer",
}


def once_a_key(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a view that answers a write repeat its first answer for a key that it has seen."""

    @wraps(view)
    def once(actor: Actor, *args: Any, **kwargs: Any) -> Any:
        key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return view(actor, *args, **kwargs)
        if _KEY.fullmatch(key) is None:
            raise Invalid("idempotency_key_invalid", "An Idempotency-Key has 1 to 200 visible ASCII characters.")
        work = lambda: answer(view(actor, *args, **kwargs))  # noqa: E731
        return idempotency.remembered(actor, key, request.method, request.path, request.get_data(), work)

    documented(once, parameters=[_HEADER])
    return once
