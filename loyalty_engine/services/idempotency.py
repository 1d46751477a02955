"""Lets a client ask again when it doesn't know whether it was heard: one effect, and the first answer again.

The key is stored last, in the commit of the effect. Whoever loses a race for it undoes all that it did, and answers
what the winner answered. Source: RELIABILITY.md, Idempotency.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import problems, races
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.store import idempotency_keys as store
from loyalty_engine.store.idempotency_keys import KeyRow
from loyalty_engine.store.session import StillInWork, in_transaction
from rules.errors import Conflict, Invalid, NotFound

KEPT_DAYS: Final = 30
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_REMEMBERED: Final = (Invalid, NotFound, Conflict)
"""Business refusals. Not whether the asker may, nor what may go better in a moment."""

Work = Callable[[sa.Connection], Answer]


@dataclass(frozen=True, slots=True)
class _Request:
    """A request by what makes it the same: client, method, path and key; and by what must not differ then."""

    scope_key: str
    body_hash: str


class _Lost(Exception):
    """Another request with this key was stored meanwhile: nothing of this one may stay."""


def remembered(actor: Actor, key: str | None, method: str, path: str, body: bytes, work: Work) -> Answer:
    """Do `work` in one transaction, once for each key of a client; without a key, do it.

    `body` is what is compared: the body as it came, or of one that may differ in a rotating code what may not. A
    refusal of `work` is remembered too, as the answer that it is, and is returned rather than raised. Raises `Invalid`
    (`idempotency_key_reused`) for a key that came with another body, and `StillInWork` when the first request with
    this key takes too long.
    """
    if key is None:
        return races.run(work)
    if not _KEY.fullmatch(key):
        raise Invalid("idempotency_key_invalid", "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    request = _request(actor, key, method, path, body)
    try:
        return races.run(lambda connection: _once(connection, request, work))
    except _Lost:
        return in_transaction(lambda connection: _replayed(connection, request))
    except _REMEMBERED as refusal:
        if isinstance(refusal, StillInWork | _Reused):
            raise
        refused = problems.answer(refusal)
        return in_transaction(lambda connection: _stored(connection, request, refused))


def _request(actor: Actor, key: str, method: str, path: str, body: bytes) -> _Request:
    scope = "\0".join((actor.token_id, method, path, key)).encode()
    return _Request(sha256(scope).hexdigest(), sha256(body).hexdigest())


class _Reused(Invalid):
    """The key belongs to another request; that is never itself remembered under the key."""


def _once(connection: sa.Connection, request: _Request, work: Work) -> Answer:
    found = store.find(connection, request.scope_key)
    if found is not None:
        return _again(found, request)
    answer = work(connection)
    if not store.claim(connection, _row(request, answer)):
        raise _Lost
    return answer


def _stored(connection: sa.Connection, request: _Request, answer: Answer) -> Answer:
    return answer if store.claim(connection, _row(request, answer)) else _replayed(connection, request)


def _row(request: _Request, answer: Answer) -> KeyRow:
    return KeyRow(request.scope_key, request.body_hash, answer.status, answer.body.decode(), clock.now())


def _replayed(connection: sa.Connection, request: _Request) -> Answer:
    found = store.find(connection, request.scope_key)
    assert found is not None, "a key that is taken has its row"
    return _again(found, request)


def _again(found: KeyRow, request: _Request) -> Answer:
    if found.body_hash != request.body_hash:
        detail = "This Idempotency-Key came with another body before: repeat that body, or take a new key."
        raise _Reused("idempotency_key_reused", detail)
    return Answer(found.status, found.body.encode(), replayed=True)


def forget_expired() -> int:
    """Forget the keys that are older than `KEPT_DAYS`; return how many."""
    return in_transaction(lambda connection: store.forget(connection, clock.now() - timedelta(days=KEPT_DAYS)))
