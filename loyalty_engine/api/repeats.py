"""A write that carries an `Idempotency-Key` has its effect once: RELIABILITY.md, Idempotency."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import request

from loyalty_engine.api.described import documented
from loyalty_engine.services import idempotency
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.idempotency import Work

V = TypeVar("V", bound=Callable[..., Any])

_HEADER: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "the same key and body repeat the first answer",
}


def once(actor: Actor, work: Work, compared: bytes | None = None) -> Answer:
    """Do `work` in a transaction; for a key that was seen with this body, repeat the first answer.

    `compared` stands for the body where something in it may differ in a repetition: a code that rotates.
    """
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    body = b"" if key is None else request.get_data() if compared is None else compared
    return idempotency.remembered(actor, key, request.method, request.path, body, work)


def takes_key(view: V) -> V:
    """Say in the OpenAPI document that a view's write goes through `once`."""
    documented(view, parameters=[_HEADER])
    return view
