"""Who a bearer token stands for: 256 random bits that are shown once and stored as a hash.

The text of a token is `lty_<id>_<secret>`. The id is looked up and may be kept in the process for 30 s; the secret is
compared in constant time. Source: RELIABILITY.md, Doors.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, cast, get_args

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor, Role
from loyalty_engine.services.caching import Cache
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import GONE, checked_id, no_member
from loyalty_engine.store import members, places, survivors
from loyalty_engine.store import tokens as store
from loyalty_engine.store.session import in_transaction, reading
from loyalty_engine.store.tokens import Token
from rules.errors import Conflict, Forbidden, Invalid, NotFound

ROLES: Final[tuple[Role, ...]] = get_args(Role)
OVERLAP: Final = timedelta(hours=24)
"""How long the old token still works beside the new one after a rotation."""
DOOR: Final = "door"
"""Who made the token of a member who signed in with a code."""
_TEXT: Final = re.compile(r"lty_([0-9a-f]{16})_([0-9a-f]{64})")
_UNKNOWN: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to stand for. A terminal's names its store and terminal, a service's its merchant."""

    role: Role
    name: str
    merchant_id: str | None = None
    store_id: str | None = None
    terminal_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, with the only copy of its text there will ever be."""

    token: Token
    text: str


_tokens: Cache[str, tuple[str, Token]] = Cache()


def authenticate(text: str) -> Actor | None:
    """Return who holds the token, or None: malformed, unknown, expired and revoked all look alike."""
    parts = _TEXT.fullmatch(text)
    if parts is None:
        return None
    try:
        hashed, token = _tokens.get(parts[1], lambda: _load(parts[1]))
    except NotFound:
        hashed, token = _UNKNOWN, None
    matches = hmac.compare_digest(hashed, _hash(parts[2]))
    return _actor(token) if matches and token is not None and token.is_good(clock.now()) else None


def _load(token_id: str) -> tuple[str, Token]:
    with reading() as connection:
        found = store.find(connection, token_id)
    if found is None:
        raise _no_token()
    return found


def _hash(secret: str) -> str:
    # The secret is 256 random bits: there is nothing to guess, and a slow hash would only slow every request.
    return sha256(secret.encode()).hexdigest()


def _actor(token: Token) -> Actor:
    role = cast(Role, token.role)
    return Actor(token.token_id, role, token.merchant_id, token.store_id, token.terminal_id, token.member_id)


def create(actor: Actor, new: NewToken) -> Issued:
    """Make a token; only an admin may, and one who belongs to a merchant only for that merchant."""
    return in_transaction(lambda connection: create_in(connection, actor, new))


def create_in(connection: sa.Connection, actor: Actor, new: NewToken) -> Issued:
    """Make a token in the caller's transaction. The answer holds the secret: never remember it under a key."""
    if actor.role != "admin":
        raise Forbidden("role_not_allowed", "Only an admin makes tokens.")
    merchant_id = _check(connection, new)
    if actor.merchant_id not in (None, merchant_id):
        raise Forbidden("merchant_not_allowed", "An admin of one merchant makes tokens of that merchant only.")
    token = _token(actor, new.role, new.name, new.expires_at)
    token = replace(token, merchant_id=merchant_id, store_id=new.store_id, terminal_id=new.terminal_id)
    return _issue(connection, actor, token, "token.create")


def _check(connection: sa.Connection, new: NewToken) -> str | None:
    """Check that the token names what its role needs; return its merchant."""
    wrong = Wrong()
    checking.words(wrong, "name", new.name)
    if new.role not in ROLES or new.role == "member":
        wrong.note("role", f"must be one of {', '.join(role for role in ROLES if role != 'member')}")
    if new.expires_at is not None and new.expires_at <= clock.now():
        wrong.note("expires_at", "must be in the future")
    if any((named is None) == (new.role == "terminal") for named in (new.store_id, new.terminal_id)):
        wrong.note("store_id", "a terminal's token names a store and a terminal, and no other token does")
    if new.role == "service" and new.merchant_id is None:
        wrong.note("merchant_id", "a service's token names its merchant")
    wrong.refuse_any("token_invalid", "The token")
    return _merchant_of(connection, new)


def _merchant_of(connection: sa.Connection, new: NewToken) -> str | None:
    if new.store_id is None:
        if new.merchant_id is not None and places.merchant(connection, new.merchant_id) is None:
            raise NotFound("merchant_not_found", f"There is no merchant {new.merchant_id}.")
        return new.merchant_id
    found = places.store(connection, new.store_id)
    if found is None or new.merchant_id not in (None, found.merchant_id):
        raise NotFound("store_not_found", f"There is no store {new.store_id}.")
    if new.terminal_id not in places.terminals_of(connection, new.store_id):
        raise NotFound("terminal_not_found", f"There is no terminal {new.terminal_id} in the store {new.store_id}.")
    return found.merchant_id


def for_member(actor: Actor, member_id: str, expires_at: datetime | None = None) -> Issued:
    """Make a token with which a member sees its own data; staff and admins may."""
    if actor.role not in ("staff", "admin"):
        raise Forbidden("role_not_allowed", "Only staff and admins make a member's token.")
    actor.check_everywhere()
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("token_invalid", "The token would have ended already.", {"expires_at": ["must be in the future"]})

    def work(connection: sa.Connection) -> Issued:
        known = survivors.of(connection, checked_id(member_id))
        if members.status(connection, known) in (None, *GONE):
            raise no_member()
        token = replace(_token(actor, "member", "a member", expires_at), member_id=known)
        return _issue(connection, actor, token, "token.create")

    return in_transaction(work)


def _token(actor: Actor, role: Role, name: str, expires_at: datetime | None) -> Token:
    made = secrets.token_hex(8)
    return Token(made, role, name, None, None, None, None, clock.now(), str(actor), expires_at, None)


def _issue(connection: sa.Connection, actor: Actor, token: Token, action: str) -> Issued:
    secret = secrets.token_hex(32)
    store.insert(connection, token, _hash(secret))
    place = {"merchant": token.merchant_id, "store": token.store_id, "terminal": token.terminal_id}
    told = {"role": token.role, **place, "member": token.member_id, "expires_at": token.expires_at}
    audit_log.record(connection, actor, action, token.token_id, told)
    return Issued(token, f"lty_{token.token_id}_{secret}")


def rotate(actor: Actor, token_id: str, overlap: timedelta = OVERLAP) -> Issued:
    """Make a token in the place of another, which goes on working for `overlap` and no longer than it would have."""
    if overlap < timedelta(0) or overlap > timedelta(days=30):
        raise Invalid("token_invalid", "The overlap is too long.", {"overlap": ["must be between 0 and 30 days"]})

    def work(connection: sa.Connection) -> Issued:
        now = clock.now()
        old, end = _managed(connection, actor, token_id), now + overlap
        if not old.is_good(now) or not store.end(connection, token_id, min(end, old.expires_at or end)):
            raise Conflict("token_ended", "This token has ended or was revoked; make a new one.")
        fresh = replace(old, token_id=secrets.token_hex(8), created_at=now, created_by=str(actor))
        return _issue(connection, actor, fresh, "token.rotate")

    issued = in_transaction(work)
    _tokens.forget(token_id)
    return issued


def revoke(actor: Actor, token_id: str) -> None:
    """End a token at once here, and within 30 s in other processes. Revoking again changes nothing."""

    def work(connection: sa.Connection) -> None:
        _managed(connection, actor, token_id)
        if store.revoke(connection, token_id, clock.now()):
            audit_log.record(connection, actor, "token.revoke", token_id)

    in_transaction(work)
    _tokens.forget(token_id)


def revoke_members(connection: sa.Connection, member_id: str, but: str | None = None) -> int:
    """End all tokens of a member, save one, in the caller's transaction; return how many there were."""
    ended = store.revoke_members(connection, member_id, clock.now(), but or "")
    _tokens.clear()
    return ended


def session_in(connection: sa.Connection, member_id: str, device: str, expires_at: datetime) -> Issued:
    """Make the token of a member who signed in on a device, in the caller's transaction."""
    made = Token(
        secrets.token_hex(8), "member", device, None, None, None, member_id, clock.now(), "door", expires_at, None
    )
    return _issue(connection, _actor(made), made, "session.open")


def end_session(member_id: str, token_id: str) -> bool:
    """End a token of that member's; False where there is none that works."""

    def work(connection: sa.Connection) -> bool:
        found = store.find(connection, token_id)
        if found is None or found[1].member_id != member_id or not store.revoke(connection, token_id, clock.now()):
            return False
        audit_log.record(connection, _actor(found[1]), "session.end", token_id, {"member": member_id})
        return True

    ended = in_transaction(work)
    _tokens.forget(token_id)
    return ended


def _managed(connection: sa.Connection, actor: Actor, token_id: str) -> Token:
    """Return a token that the actor may change: a member's for staff, any other of its merchant for an admin."""
    found = store.find(connection, token_id)
    if found is None:
        raise _no_token()
    token = found[1]
    if token.role != "member" and actor.merchant_id not in (None, token.merchant_id):
        raise _no_token()
    if actor.role != "admin" and not (actor.role == "staff" and token.role == "member"):
        raise Forbidden("role_not_allowed", "Only an admin changes tokens.")
    if token.role == "member":
        actor.check_everywhere()
    return token


def _no_token() -> NotFound:
    return NotFound("token_not_found", "There is no such token.")


def listing(actor: Actor, after: str = "", limit: int = 100) -> tuple[tuple[Token, ...], str | None]:
    """Return a page of the tokens that the actor may see, members' own aside, and the cursor for the next page."""
    with reading() as connection:
        page = store.some(connection, actor.merchant_id, after, limit + 1)
    return page[:limit], page[limit - 1].token_id if len(page) > limit else None


def any_there() -> bool:
    """Tell whether a token was ever made: a new installation has none."""
    with reading() as connection:
        return store.any_there(connection)
