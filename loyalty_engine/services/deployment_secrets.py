"""Secrets that a deployment makes for itself on first use and keeps: what signs its tokens, and hides phones in keys."""

import hmac
import secrets
from functools import partial
from hashlib import sha256
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.caching import Cache
from loyalty_engine.store import deployment_secrets as store
from loyalty_engine.store.session import in_transaction, reading

PHONES: Final = "phones"
_BYTES: Final = 32

_kept: Cache[str, bytes] = Cache(seconds=None, size=100)


def secret(connection: sa.Connection, name: str) -> bytes:
    """Return the secret of that name, 32 random bytes; of two that make it at once both get the one that is kept.

    It is made in the caller's transaction: where it may be the first time, that one must be able to write.
    """
    found = _kept.get(name, lambda: _committed(name))
    if found:
        return found
    _kept.forget(name)
    store.insert_once(connection, name, secrets.token_bytes(_BYTES))
    made = store.find(connection, name)
    assert made is not None, "it was inserted just now, or by somebody else before"
    return made


def prepare(*names: str) -> None:
    """Have secrets at hand before a transaction begins: inside one, the first look takes a connection beside its own."""
    for name in names:
        if not _kept.get(name, partial(_committed, name)):
            _kept.forget(name)
            in_transaction(partial(store.insert_once, name=name, value=secrets.token_bytes(_BYTES)))
            _kept.get(name, partial(_committed, name))


def _committed(name: str) -> bytes:
    """Return what is there for everybody: what this transaction made may still be undone, and must not be kept."""
    with reading() as connection:
        return store.find(connection, name) or b""


def phone_digest(connection: sa.Connection, phone: str) -> str:
    """Return what stands for a telephone number where the number itself must not stand."""
    return hmac.new(secret(connection, PHONES), phone.encode(), sha256).hexdigest()
