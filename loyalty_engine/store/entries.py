"""Reads the entries of a member that a statement lists, and what they are about beside purchases and returns."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.ids import is_id
from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import ledger_entries, redemptions

Values = dict[str, Any]


def between(connection: sa.Connection, member_id: str, after_seq: int, through_seq: int) -> list[Values]:
    """Return the entries after one `seq` and through another, oldest first."""
    entry = ledger_entries.c
    chosen = (entry.member_id == member_id, entry.seq > after_seq, entry.seq <= through_seq)
    query = sa.select(ledger_entries).where(*chosen).order_by(entry.seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def rewards(connection: sa.Connection, member_id: str, source_ids: Collection[str]) -> dict[str, str]:
    """Return by redemption the reward that it was for, for those sources that are redemptions of rewards."""
    ids = [one for one in source_ids if is_id(one)]
    named = (redemptions.c.reward.is_not(None), among(connection, redemptions.c.redemption_id, ids))
    query = sa.select(redemptions.c.redemption_id, redemptions.c.reward)
    found = connection.execute(query.where(redemptions.c.member_id == member_id, *named))
    return {row.redemption_id: row.reward for row in found}
