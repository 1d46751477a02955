"""The query on lots that were brought along: which of them are here already, and what they were."""

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import ledger_entries, lots

OPENING = "opening"


class Opened(NamedTuple):
    """What a lot was when it was opened."""

    points: int
    opened_on: date
    expires_on: date | None


Key = tuple[str, str, str]
"""A member, the name of the lot elsewhere, the wallet."""


def known(connection: sa.Connection, member_ids: Collection[str], sources: Collection[str]) -> dict[Key, Opened]:
    """Return, of these members and these lots, those that were opened already."""
    if not member_ids:
        return {}
    entry, lot = ledger_entries.c, lots.c
    same = sa.and_(lot.member_id == entry.member_id, lot.opened_seq == entry.seq)
    query = (
        sa.select(entry.member_id, entry.source_id, entry.wallet, lot.granted, lot.opened_on, lot.expires_on)
        .join_from(ledger_entries, lots, same)
        .where(among(connection, entry.member_id, member_ids), entry.source_kind == OPENING)
        .where(among(connection, entry.source_id, sources))
    )
    return {(str(row[0]), row[1], row[2]): Opened(*row[3:]) for row in connection.execute(query)}
