"""The queries on messages: planned many at once, each cause once; found, listed and counted."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import messages

OPEN: Final = ("planned", "held")
"""The states in which a message can still be stopped."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `places` is JSON text, and `to_address` stands only in codes that were not sent yet."""

    member_id: str
    message_id: str
    template: str
    purpose: str
    channel: str
    language: str
    status: str
    reason: str | None
    cause_kind: str
    cause_id: str
    places: str
    to_address: str | None
    send_at: datetime
    send_by: datetime | None
    planned_at: datetime
    changed_at: datetime
    merged_into: str | None
    attempts: int
    provider: str | None
    provider_id: str | None
    provider_error: str | None
    segments: int | None
    version: int

    def filled(self) -> Mapping[str, str | int]:
        """Return the values of the template's places."""
        found: Mapping[str, str | int] = json.loads(self.places)
        return found


COLUMNS: Final = tuple(messages.c[field.name] for field in fields(Message))
INSERTED: Final = (
    "member_id message_id template purpose channel language status reason cause_kind cause_id places to_address send_at"
    " send_by planned_at changed_at segments version"
).split()
"""The columns of a new message."""
_insert = statements.insert_once(messages, *INSERTED)


def insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write new messages, and return how many; one whose member, cause and channel are there is left as it is.

    Of many it is taken for granted that they are new: the caller has looked.
    """
    if len(rows) == 1:
        return _insert.run(connection, **rows[0])
    _insert.many(connection, rows)
    return len(rows)


def causes(
    connection: sa.Connection, member_ids: Collection[str], cause_ids: Collection[str]
) -> set[tuple[str, str, str]]:
    """Return member, kind and id of the causes that these members have messages of, on whatever channel."""
    row = messages.c
    query = sa.select(row.member_id, row.cause_kind, row.cause_id).where(
        among(connection, row.member_id, member_ids), among(connection, row.cause_id, cause_ids)
    )
    return {(str(member_id), kind, cause_id) for member_id, kind, cause_id in connection.execute(query)}


def causes_since(connection: sa.Connection, member_id: str, kind: str, prefix: str, since: datetime) -> int:
    """Return how many messages of a kind of cause, whose id begins with `prefix`, were planned for a member since."""
    row = messages.c
    of_them = (row.member_id == member_id, row.cause_kind == kind, row.cause_id.startswith(f"{prefix}/"))
    query = sa.select(sa.func.count()).where(*of_them, row.planned_at > sa.literal(since, row.planned_at.type))
    return int(connection.scalar(query) or 0)


class Waiting(NamedTuple):
    """What is planned for a member, as far as one more message may go with it."""

    member_id: str
    template: str
    purpose: str
    channel: str
    send_at: datetime
    version: int


def planned(connection: sa.Connection, member_ids: Collection[str], purposes: Collection[str]) -> list[Waiting]:
    """Return what is planned for these members for these purposes, in the order of sending."""
    of_them = (among(connection, messages.c.member_id, member_ids), messages.c.purpose.in_(list(purposes)))
    query = sa.select(*(messages.c[name] for name in Waiting._fields)).where(*of_them, messages.c.status == "planned")
    rows = connection.execute(query.order_by(messages.c.send_at, messages.c.message_id))
    return [Waiting(str(member_id), *rest) for member_id, *rest in rows]


def anywhere(connection: sa.Connection, message_id: str) -> Message | None:
    """Return a message, whoever's it is."""
    row = connection.execute(sa.select(*COLUMNS).where(messages.c.message_id == message_id)).first()
    return Message(*row) if row else None
