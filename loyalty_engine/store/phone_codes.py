"""The queries on one-time codes that were sent to telephone numbers, whether or not somebody is a member with them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import phone_codes as t


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A code as a hash; `proved_at` says that it was right, and from when on it only enrols."""

    code_hash: str
    tries_left: int
    expires_at: datetime
    proved_at: datetime | None


_PHONE: Final = sa.bindparam("phone_key", type_=t.c.phone.type)
_NOW: Final = sa.bindparam("now", type_=t.c.expires_at.type)
_this = (t.c.phone == _PHONE, t.c.code_hash == sa.bindparam("used_hash"), t.c.expires_at > _NOW)
_PUT: Final = statements.upsert(
    t, **{name: take(name) for name in ("code_hash", "tries_left", "made_at", "expires_at", "proved_at")}
)
_FIND: Final = Statement(
    sa.select(t.c.code_hash, t.c.tries_left, t.c.expires_at, t.c.proved_at).where(t.c.phone == _PHONE)
)
_TRY: Final = Statement(
    t.update()
    .where(t.c.phone == _PHONE, t.c.tries_left > 0, t.c.expires_at > _NOW)
    .values(tries_left=t.c.tries_left - 1)
)
_PROVE: Final = Statement(
    t.update()
    .where(*_this)
    .values(
        proved_at=sa.func.coalesce(t.c.proved_at, _NOW),
        expires_at=sa.case(
            (t.c.proved_at.is_(None), sa.bindparam("until", type_=t.c.expires_at.type)), else_=t.c.expires_at
        ),
        tries_left=sa.bindparam("tries", type_=t.c.tries_left.type),
    )
)
_USE: Final = Statement(t.delete().where(*_this))
_USE_NEW: Final = Statement(t.delete().where(*_this, t.c.proved_at.is_(None)))
_DROP: Final = Statement(t.delete().where(t.c.phone == _PHONE))


def put(connection: sa.Connection, phone: str, code: PhoneCode, made_at: datetime) -> None:
    """Keep a code in place of the phone's earlier one."""
    row: dict[str, Any] = {name: getattr(code, name) for name in PhoneCode.__slots__}
    _PUT.many(connection, [row | {"phone": phone, "made_at": made_at}])


def find(connection: sa.Connection, phone: str) -> PhoneCode | None:
    """Return the code that a phone was sent, or None."""
    row = _FIND.one(connection, phone_key=phone)
    return PhoneCode(*row) if row else None


def take_try(connection: sa.Connection, phone: str, now: datetime) -> bool:
    """Use up one try; False where there is no code, its time is over, or no try is left."""
    return _TRY.run(connection, phone_key=phone, now=now) == 1


def prove(connection: sa.Connection, phone: str, code_hash: str, now: datetime, until: datetime, tries: int) -> bool:
    """Let a right code enrol until then, with so many tries; False where it is gone or over."""
    return _PROVE.run(connection, phone_key=phone, used_hash=code_hash, now=now, until=until, tries=tries) == 1


def use(connection: sa.Connection, phone: str, code_hash: str, now: datetime, also_proved: bool) -> bool:
    """Use a code up; False where it is gone, over, or only enrols now and that isn't asked for. It is used once."""
    statement = _USE if also_proved else _USE_NEW
    return statement.run(connection, phone_key=phone, used_hash=code_hash, now=now) == 1


def drop(connection: sa.Connection, phone: str) -> None:
    """Forget whatever code a phone was sent."""
    _DROP.run(connection, phone_key=phone)
