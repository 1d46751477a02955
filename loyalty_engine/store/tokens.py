"""The queries on tokens, of which only the hash of the secret is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import tokens as t


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret isn't."""

    token_id: str
    role: str
    name: str
    merchant_id: str | None
    store_id: str | None
    terminal_id: str | None
    member_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, at: datetime) -> bool:
        """Tell whether the token opens doors at that instant: its end is exclusive."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


_COLUMNS: Final = [t.c[name] for name in Token.__slots__]
_ID: Final = sa.bindparam("token_id", type_=t.c.token_id.type)
_AFTER: Final = sa.bindparam("after", type_=t.c.token_id.type)
_MERCHANT: Final = sa.bindparam("merchant_id", type_=t.c.merchant_id.type)
_LIMIT: Final = sa.bindparam("limit", type_=sa.Integer)

_ONE: Final = Statement(sa.select(t.c.secret_hash, *_COLUMNS).where(t.c.token_id == _ID))
_ANY: Final = Statement(sa.select(t.c.token_id).where(t.c.member_id.is_(None)).limit(1))
_SOME: Final = Statement(
    sa.select(*_COLUMNS).where(t.c.token_id > _AFTER, t.c.member_id.is_(None)).order_by(t.c.token_id).limit(_LIMIT)
)
_SOME_OF: Final = Statement(
    sa.select(*_COLUMNS)
    .where(t.c.token_id > _AFTER, t.c.member_id.is_(None), t.c.merchant_id == _MERCHANT)
    .order_by(t.c.token_id)
    .limit(_LIMIT)
)
_OF_MEMBER: Final = Statement(
    sa.select(*_COLUMNS)
    .where(t.c.member_id == sa.bindparam("key", type_=t.c.member_id.type), t.c.revoked_at.is_(None))
    .order_by(t.c.created_at.desc(), t.c.token_id)
)
_INSERT: Final = statements.insert(t)


def _set_unless_revoked(column: str) -> Statement:
    mine = t.c.token_id == sa.bindparam("key", type_=t.c.token_id.type)
    values = {column: sa.bindparam(column, type_=t.c[column].type)}
    return Statement(t.update().where(mine, t.c.revoked_at.is_(None)).values(values))


_END: Final = _set_unless_revoked("expires_at")
_REVOKE: Final = _set_unless_revoked("revoked_at")
_REVOKE_MEMBERS: Final = Statement(
    t.update()
    .where(
        t.c.member_id == sa.bindparam("key", type_=t.c.member_id.type),
        t.c.revoked_at.is_(None),
        t.c.token_id != sa.bindparam("but", type_=t.c.token_id.type),
    )
    .values(revoked_at=sa.bindparam("revoked_at", type_=t.c.revoked_at.type))
)


def find(connection: sa.Connection, token_id: str) -> tuple[str, Token] | None:
    """Return the hash of a token's secret, in hexadecimal, and the token."""
    found = _ONE.one(connection, token_id=token_id)
    return (found[0], Token(*found[1:])) if found else None


def insert(connection: sa.Connection, token: Token, secret_hash: str) -> None:
    """Add a token."""
    values: dict[str, Any] = {name: getattr(token, name) for name in Token.__slots__}
    _INSERT.run(connection, secret_hash=secret_hash, **values)


def end(connection: sa.Connection, token_id: str, expires_at: datetime) -> bool:
    """Set when a token ends; False where it was revoked meanwhile."""
    return _END.run(connection, key=token_id, expires_at=expires_at) == 1


def revoke(connection: sa.Connection, token_id: str, revoked_at: datetime) -> bool:
    """Mark a token as revoked; False where it was already."""
    return _REVOKE.run(connection, key=token_id, revoked_at=revoked_at) == 1


def revoke_members(connection: sa.Connection, member_id: str, revoked_at: datetime, but: str) -> int:
    """Mark the tokens of a member as revoked, save the one with the id `but`; return how many weren't already."""
    return _REVOKE_MEMBERS.run(connection, key=member_id, revoked_at=revoked_at, but=but)


def of_member(connection: sa.Connection, member_id: str) -> tuple[Token, ...]:
    """Return a member's tokens that weren't revoked, newest first."""
    return tuple(Token(*row) for row in _OF_MEMBER.rows(connection, key=member_id))


def any_there(connection: sa.Connection) -> bool:
    """Tell whether there is a token, members' own aside."""
    return _ANY.one(connection) is not None


def some(connection: sa.Connection, merchant_id: str | None, after: str, limit: int) -> tuple[Token, ...]:
    """Return up to `limit` tokens with ids beyond `after`, of one merchant or of all, without members' own."""
    if merchant_id is None:
        rows = _SOME.rows(connection, after=after, limit=limit)
    else:
        rows = _SOME_OF.rows(connection, after=after, limit=limit, merchant_id=merchant_id)
    return tuple(Token(*row) for row in rows)
