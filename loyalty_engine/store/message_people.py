"""What a message needs to know of whom it is for, loaded for thousands at once: address, language, zone, consents, limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import consents, limit_uses, members, profiles


@dataclass(frozen=True, slots=True)
class Person:
    """One whom a message may be for; personal, and kept no longer than the text takes."""

    member_id: str
    status: str
    language: str
    time_zone: str | None
    level: str | None
    name: str | None
    phone: str | None
    email: str | None
    attributes: str | None


_PERSON: Final = (
    sa.select(
        members.c.member_id,
        members.c.status,
        members.c.language,
        members.c.time_zone,
        members.c.level,
        profiles.c.name,
        profiles.c.phone,
        profiles.c.email,
        profiles.c.attributes,
    )
    .select_from(members)
    .outerjoin(profiles, profiles.c.member_id == members.c.member_id)
)
_SAID: Final = sa.select(consents.c.member_id, consents.c.channel, consents.c.purpose, consents.c.given)
_id = sa.bindparam("member_id", type_=members.c.member_id.type)
_one = Statement(
    _PERSON.add_columns(consents.c.channel, consents.c.purpose, consents.c.given)
    .outerjoin(consents, consents.c.member_id == members.c.member_id)
    .where(members.c.member_id == _id)
)
_use = statements.upsert(limit_uses, used=statements.add("used"))


Said = dict[tuple[str, str], bool]
"""What somebody said about each channel and purpose; what was never asked is not there."""


def load(connection: sa.Connection, member_ids: Sequence[str]) -> tuple[dict[str, Person], dict[str, Said]]:
    """Return those who are there, by id, and what each of them said; of one, for whom a till waits, in one statement."""
    if len(member_ids) == 1:
        return _load_one(connection, member_ids[0])
    of_them = connection.execute(_PERSON.where(among(connection, members.c.member_id, member_ids)))
    people = {str(row[0]): Person(str(row[0]), *row[1:]) for row in of_them}
    said: dict[str, Said] = {}
    rows = connection.execute(_SAID.where(among(connection, consents.c.member_id, member_ids)))
    for member_id, channel, purpose, given in rows:
        said.setdefault(str(member_id), {})[channel, purpose] = given
    return people, said


def _load_one(connection: sa.Connection, member_id: str) -> tuple[dict[str, Person], dict[str, Said]]:
    rows = _one.rows(connection, member_id=member_id)
    if not rows:
        return {}, {}
    said = {(channel, purpose): given for *_, channel, purpose, given in rows if channel is not None}
    return {member_id: Person(member_id, *rows[0][1:-3])}, {member_id: said}


def uses(
    connection: sa.Connection, member_ids: Collection[str], limit_ids: Collection[str], since: date
) -> dict[tuple[str, str, date], int]:
    """Return how often limits were used, by member, limit and the first day of the period, from a period on."""
    row = limit_uses.c
    query = sa.select(row.member_id, row.limit_id, row.period_start, row.used).where(
        among(connection, row.member_id, member_ids), row.limit_id.in_(list(limit_ids)), row.period_start >= since
    )
    return {(str(member_id), limit, start): used for member_id, limit, start, used in connection.execute(query)}


def use(connection: sa.Connection, used: Mapping[tuple[str, str, date], int]) -> None:
    """Count uses, by member, limit and period; the members are locked."""
    rows = [
        {"member_id": member_id, "limit_id": limit, "period_start": start, "used": times}
        for (member_id, limit, start), times in used.items()
        if times
    ]
    _use.many(connection, rows)
