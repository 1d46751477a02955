"""Reads an account for those who look at it: figures, entries, tier history."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.member_state import Account
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import accounts, ledger_entries, members, purchases
from loyalty_engine.store.tables import tier_history as tier_changes
from rules.errors import NotFound

Values = dict[str, Any]

_FIGURES = "available pending held debt lifetime active_on next_expires_on next_expires_points".split()
_with_member = Statement(
    sa.select(accounts.c.wallet, *(accounts.c[name] for name in _FIGURES))
    .select_from(members.outerjoin(accounts, members.c.member_id == accounts.c.member_id))
    .where(members.c.member_id == sa.bindparam("member_id", type_=members.c.member_id.type))
)


def of_member(connection: sa.Connection, member_id: str) -> dict[str, Account]:
    """Return a member's accounts by wallet; raises `NotFound` where there is no such member."""
    rows = _with_member.rows(connection, member_id=member_id)
    if not rows:
        raise NotFound("member_not_found", "There is no such member.")
    return {wallet: Account(*figures) for wallet, *figures in rows if wallet is not None}


def entries(connection: sa.Connection, member_id: str, before_seq: int | None, limit: int) -> list[Values]:
    """Return entries, newest first, those before a `seq` where one is given."""
    table = ledger_entries
    query = sa.select(table).where(table.c.member_id == member_id).order_by(table.c.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(table.c.seq < before_seq)
    return [dict(row) for row in connection.execute(query).mappings()]


def purchase_numbers(connection: sa.Connection, member_id: str, posting_ids: Sequence[str]) -> dict[str, str]:
    """Return the key (store/number) of each of these postings that is a purchase."""
    query = sa.select(purchases.c.posting_id, purchases.c.purchase_key).where(
        purchases.c.member_id == member_id, purchases.c.posting_id.in_(set(posting_ids))
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def tier_history(connection: sa.Connection, member_id: str) -> list[Values]:
    """Return every change of level, the first one first."""
    query = sa.select(tier_changes).where(tier_changes.c.member_id == member_id).order_by(tier_changes.c.change_no)
    return [dict(row) for row in connection.execute(query).mappings()]
