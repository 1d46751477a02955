"""Secrets of this deployment, so that what is stored as a digest can't be found out by trying every phone or code."""

import hmac
import secrets
from hashlib import sha256

import sqlalchemy as sa

from loyalty_engine.services.caching import Cache
from loyalty_engine.store import deployment_secrets as store
from loyalty_engine.store.session import reading

_secrets: Cache[str, bytes] = Cache(seconds=None)


def secret(connection: sa.Connection, name: str) -> bytes:
    """Return the 32 bytes of that name; made in the caller's transaction when it is asked for first."""
    try:
        return _secrets.get(name, lambda: _committed(name))
    except LookupError:
        store.make(connection, name, secrets.token_hex(32))
        found = store.find(connection, name)
        assert found is not None, "it was made just now"
        return bytes.fromhex(found)


def _committed(name: str) -> bytes:
    """Return a secret that is there for good: one of a transaction that may be undone must not be remembered."""
    with reading() as connection:
        found = store.find(connection, name)
    if found is None:
        raise LookupError(name)
    return bytes.fromhex(found)


def phone_digest(connection: sa.Connection, phone: str) -> str:
    """Return what stands for a telephone number where the number itself must not be kept."""
    return hmac.new(secret(connection, "phones"), phone.encode(), sha256).hexdigest()
