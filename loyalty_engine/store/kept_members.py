"""Loads what is known of many members at once, so that the row of a list can be held against it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.members import Consent, Profile
from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import cards, consents, external_ids, members, phones, profiles, tier_history


@dataclass(slots=True)
class Kept:
    """A member as it is here. `brought` is the level that it brought along from elsewhere, with its last day."""

    joined_on: date
    language: str
    profile: Mapping[str, Any] = field(default_factory=dict)
    brought: tuple[str, date | None] | None = None
    names: set[str] = field(default_factory=set)
    cards: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)


def load(connection: sa.Connection, member_ids: Collection[str]) -> dict[str, Kept]:
    """Return those of the members that are there."""
    if not member_ids:
        return {}

    def rows(table: sa.Table, *columns: str) -> Iterator[Sequence[Any]]:
        query = sa.select(*(table.c[name] for name in ("member_id", *columns)))
        yield from connection.execute(query.where(among(connection, table.c.member_id, member_ids)))

    found = {row[0]: Kept(*row[1:]) for row in rows(members, "joined_on", "language")}
    columns = tuple(Profile.__dataclass_fields__)
    for member_id, *values in rows(profiles, *columns):
        found[member_id].profile = dict(zip(columns, values, strict=True))
    for member_id, level, until, number, kind in rows(tier_history, "level", "review_on", "change_no", "source_kind"):
        if number == 1 and kind == "import":
            found[member_id].brought = level, until
    for member_id, name in rows(external_ids, "external_id"):
        found[member_id].names.add(name)
    for member_id, number in rows(cards, "number"):
        found[member_id].cards.add(number)
    for member_id, phone in rows(phones, "phone"):
        found[member_id].phones.add(phone)
    for member_id, *said in rows(consents, *Consent.__dataclass_fields__):
        one = Consent(*said)
        found[member_id].consents[one.channel, one.purpose] = one
    return found
