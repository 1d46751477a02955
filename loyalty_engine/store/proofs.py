"""The queries on what proves that a member is there: the secret of its rotating token, and one-time codes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import one_time_codes, profiles

_MEMBER: Final = sa.bindparam("member_key", type_=profiles.c.member_id.type)
_secret = Statement(sa.select(profiles.c.token_secret).where(profiles.c.member_id == _MEMBER))
_set_secret = Statement(
    profiles.update()
    .where(profiles.c.member_id == _MEMBER, profiles.c.token_secret.is_(None))
    .values(token_secret=sa.bindparam("secret", type_=profiles.c.token_secret.type))
)


def secret(connection: sa.Connection, member_id: str) -> str | None:
    """Return the secret of a member's rotating token; None where none was made."""
    row = _secret.one(connection, member_key=member_id)
    return row[0] if row else None


def set_secret(connection: sa.Connection, member_id: str, new: str) -> bool:
    """Give a member a secret; False where there is one, or nobody to have it."""
    return _set_secret.run(connection, member_key=member_id, secret=new) == 1


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was made, as a hash."""

    code_hash: str
    tries_left: int
    expires_at: datetime


_this = (one_time_codes.c.member_id == _MEMBER, one_time_codes.c.purpose == sa.bindparam("purpose_key"))
_NOW: Final = sa.bindparam("now", type_=one_time_codes.c.expires_at.type)
_put = statements.upsert(
    one_time_codes, **{name: take(name) for name in ("code_hash", "tries_left", "made_at", "expires_at")}
)
_find = Statement(
    sa.select(one_time_codes.c.code_hash, one_time_codes.c.tries_left, one_time_codes.c.expires_at).where(*_this)
)
_try = Statement(
    one_time_codes.update()
    .where(*_this, one_time_codes.c.tries_left > 0, one_time_codes.c.expires_at > _NOW)
    .values(tries_left=one_time_codes.c.tries_left - 1)
)
_use = Statement(
    one_time_codes.delete().where(
        *_this, one_time_codes.c.code_hash == sa.bindparam("used_hash"), one_time_codes.c.expires_at > _NOW
    )
)


def put_code(connection: sa.Connection, member_id: str, purpose: str, code: Code, made_at: datetime) -> None:
    """Keep a code in place of the member's earlier one for the same purpose."""
    row = {"member_id": member_id, "purpose": purpose, "made_at": made_at}
    row |= {"code_hash": code.code_hash, "tries_left": code.tries_left, "expires_at": code.expires_at}
    _put.many(connection, [row])


def find_code(connection: sa.Connection, member_id: str, purpose: str) -> Code | None:
    """Return the code that was made for a purpose, or None."""
    row = _find.one(connection, member_key=member_id, purpose_key=purpose)
    return Code(*row) if row else None


def take_try(connection: sa.Connection, member_id: str, purpose: str, now: datetime) -> bool:
    """Use up one try at a code; False where there is no code, its time is over, or no try is left."""
    return _try.run(connection, member_key=member_id, purpose_key=purpose, now=now) == 1


def use_code(connection: sa.Connection, member_id: str, purpose: str, code_hash: str, now: datetime) -> bool:
    """Use a code up; False where it is gone, its time is over, or another took its place. It is used once."""
    return _use.run(connection, member_key=member_id, purpose_key=purpose, used_hash=code_hash, now=now) == 1
