"""The queries on what is paused: one template, or everything."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement, take
from loyalty_engine.store.tables import message_pauses

EVERYTHING: Final = "everything"


@dataclass(frozen=True, slots=True)
class Pause:
    """That a template, or `everything`, is not sent for now: by whom, since when and why."""

    what: str
    paused_at: datetime
    actor: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"what": self.what, "since": self.paused_at, "by": self.actor, "reason": self.reason}


_ALL: Final = Statement(
    sa.select(*(message_pauses.c[field.name] for field in fields(Pause))).order_by(message_pauses.c.what)
)
_PUT: Final = statements.upsert(message_pauses, paused_at=take("paused_at"), actor=take("actor"), reason=take("reason"))
_DROP: Final = Statement(message_pauses.delete().where(message_pauses.c.what == sa.bindparam("name")))


def all_of(connection: sa.Connection) -> tuple[Pause, ...]:
    """Return what is paused, by name."""
    return tuple(Pause(*row) for row in _ALL.rows(connection))


def put(connection: sa.Connection, pause: Pause) -> None:
    """Pause something; a pause that is there is replaced."""
    _PUT.run(connection, what=pause.what, paused_at=pause.paused_at, actor=pause.actor, reason=pause.reason)


def drop(connection: sa.Connection, what: str) -> bool:
    """End a pause; False where there is none."""
    return _DROP.run(connection, name=what) == 1
