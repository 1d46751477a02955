"""One-time codes: six digits that a member was sent, good for five minutes, five tries, and one use.

A try is counted in a transaction of its own before the code is looked at, so that neither a refusal nor many guesses at
once get more tries than five. A code that was right is used up in the transaction of what it proves.
"""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.store import proofs
from loyalty_engine.store.proofs import Code
from loyalty_engine.store.session import in_transaction
from rules.errors import Forbidden

GOOD_FOR: Final = timedelta(minutes=5)
TRIES: Final = 5
REDEMPTION: Final = "redemption"
"""What a code is for: one that was sent for something else proves nothing here."""
_REMEDY: Final = {"proof.code": ["send the member another code, or scan the token"]}


class Right(NamedTuple):
    """A code that was right when it was tried; `use` it in the transaction of what it proves."""

    member_id: str
    purpose: str
    code_hash: str


def make(connection: sa.Connection, member_id: str, purpose: str) -> str:
    """Make a code in place of the earlier one, and return it: it is stored as a hash, and can't be read again."""
    code = f"{secrets.randbelow(10**6):06d}"
    now = clock.now()
    stored = Code(_hash(member_id, purpose, code), TRIES, now + GOOD_FOR)
    proofs.put_code(connection, member_id, purpose, stored, now)
    return code


def attempt(member_id: str, purpose: str, code: str) -> Right:
    """Try a code, outside any transaction. Raises `Forbidden`: `code_wrong`, `code_expired`, `code_tries_used_up`."""
    found = in_transaction(lambda connection: _tried(connection, member_id, purpose))
    hashed = _hash(member_id, purpose, code)
    if isinstance(found, Forbidden):
        raise found
    if not hmac.compare_digest(found.code_hash, hashed):
        raise _wrong(found.tries_left)
    return Right(member_id, purpose, hashed)


def _tried(connection: sa.Connection, member_id: str, purpose: str) -> Code | Forbidden:
    now = clock.now()
    counted = proofs.take_try(connection, member_id, purpose, now)
    found = proofs.find_code(connection, member_id, purpose)
    if counted and found is not None:
        return found
    if found is None:
        return _wrong(0)
    if found.expires_at <= now:
        minutes = int(GOOD_FOR.total_seconds()) // 60
        return Forbidden("code_expired", f"This code was good for {minutes} minutes: send another one.", _REMEDY)
    return Forbidden("code_tries_used_up", f"The code was tried {TRIES} times: send another one.", _REMEDY)


def use(connection: sa.Connection, right: Right) -> None:
    """Use up a code that was right; of two that do so at once, one is refused with `code_wrong`."""
    if not proofs.use_code(connection, *right, now=clock.now()):
        raise _wrong(0)


def check(member_id: str, purpose: str, code: str) -> None:
    """Try a code and use it up, where it proves nothing that has a transaction of its own."""
    right = attempt(member_id, purpose, code)
    in_transaction(lambda connection: use(connection, right))


def _wrong(tries_left: int) -> Forbidden:
    rest = f"{tries_left} more tries" if tries_left else "send another one"
    return Forbidden("code_wrong", f"This is not the code that was sent, or it was used already: {rest}.", _REMEDY)


def _hash(member_id: str, purpose: str, code: str) -> str:
    return sha256(f"{member_id}:{purpose}:{code}".encode()).hexdigest()
