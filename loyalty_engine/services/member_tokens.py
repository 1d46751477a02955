"""The rotating token in a member's page: proves to a till that the member is there now, and is worthless a minute later.

A token is the member's id, the number of its 30-second step since 1970, and a truncated HMAC-SHA256 of both under a
secret of the member's own; written in Crockford's base 32, 48 characters without one that reads like another.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import codes
from loyalty_engine.store import proofs
from loyalty_engine.store.session import in_transaction
from rules.errors import NotFound

STEP: Final = timedelta(seconds=30)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP_BYTES, _MAC_BYTES = 4, 10
_BYTES: Final = 16 + _STEP_BYTES + _MAC_BYTES


class Shown(NamedTuple):
    """A token, and until when a till takes it."""

    token: str
    valid_until: datetime


class Read(NamedTuple):
    """What a token says, unproved: whose it is, of which step, and the code that proves both."""

    member_id: str
    step: int
    mac: bytes


def show(member_id: str) -> Shown:
    """Return the member's token of this moment; the first time a secret is made for it."""
    secret = in_transaction(lambda connection: _secret(connection, member_id))
    step = _step(clock.now())
    body = UUID(member_id).bytes + step.to_bytes(_STEP_BYTES, "big")
    return Shown(codes.base32(body + _mac(secret, body)), _EPOCH + (step + 2) * STEP)


def _secret(connection: sa.Connection, member_id: str) -> str:
    made = secrets.token_hex(32)
    if proofs.set_secret(connection, member_id, made):
        return made
    found = proofs.secret(connection, member_id)
    if found is None:
        raise NotFound("member_not_found", "There is no such member.")
    return found


def read(token: str) -> Read | None:
    """Return what a token says without asking whether it is true; None for what can't be one."""
    data = codes.from_base32(token, _BYTES)
    if data is None:
        return None
    step = int.from_bytes(data[16:-_MAC_BYTES], "big")
    return Read(str(UUID(bytes=data[:16])), step, data[-_MAC_BYTES:])


def is_genuine(connection: sa.Connection, said: Read) -> bool:
    """Tell whether a token was made with the member's secret, at whatever time."""
    secret = proofs.secret(connection, said.member_id)
    body = UUID(said.member_id).bytes + said.step.to_bytes(_STEP_BYTES, "big")
    expected = _mac(secret or "", body)
    return hmac.compare_digest(expected, said.mac) and secret is not None


def is_good_at(said: Read, at: datetime) -> bool:
    """Tell whether a genuine token is of that moment's step, or of the one before."""
    return 0 <= _step(at) - said.step <= 1


def _step(at: datetime) -> int:
    return (at - _EPOCH) // STEP


def _mac(secret: str, body: bytes) -> bytes:
    return hmac.digest(bytes.fromhex(secret), body, sha256)[:_MAC_BYTES]
