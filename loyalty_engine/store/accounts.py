"""Reads an account for those who look at it: figures, entries, tier history."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.ids import is_id
from loyalty_engine.store.member_state import Account
from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import accounts, ledger_entries, members, purchase_returns, purchases
from loyalty_engine.store.tables import tier_history as tier_changes
from rules.errors import NotFound

Values = dict[str, Any]

_FIGURES = "available pending held debt lifetime active_on next_expires_on next_expires_points".split()
_with_member = Statement(
    sa.select(members.c.merged_into, accounts.c.wallet, *(accounts.c[name] for name in _FIGURES))
    .select_from(members.outerjoin(accounts, members.c.member_id == accounts.c.member_id))
    .where(members.c.member_id == sa.bindparam("member_id", type_=members.c.member_id.type))
)


def of_member(connection: sa.Connection, member_id: str) -> tuple[str, dict[str, Account]]:
    """Return the member that an id leads to, with its accounts by wallet; raises `NotFound` for nobody's id."""
    rows = _with_member.rows(connection, member_id=member_id)
    if not rows:
        raise NotFound("member_not_found", "There is no such member.")
    if rows[0][0] is not None:
        return of_member(connection, str(rows[0][0]))
    return member_id, {wallet: Account(*figures) for _, wallet, *figures in rows if wallet is not None}


def entries(connection: sa.Connection, member_id: str, before_seq: int | None, limit: int) -> list[Values]:
    """Return entries, newest first, those before a `seq` where one is given."""
    table = ledger_entries
    query = sa.select(table).where(table.c.member_id == member_id).order_by(table.c.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(table.c.seq < before_seq)
    return [dict(row) for row in connection.execute(query).mappings()]


class Source(NamedTuple):
    """What an entry is about: a purchase, or a return of it."""

    purchase_key: str
    return_reference: str | None = None


def sources(connection: sa.Connection, member_id: str, source_ids: Sequence[str]) -> dict[str, Source]:
    """Return what each of these sources of a member's entries is, for those that are purchases or returns.

    Other sources have ids of other forms, which PostgreSQL would refuse to compare with a UUID.
    """
    source_ids = [one for one in source_ids if is_id(one)]
    bought = sa.select(purchases.c.posting_id, purchases.c.purchase_key).where(
        purchases.c.member_id == member_id, purchases.c.posting_id.in_(set(source_ids))
    )
    returned = (
        sa.select(purchase_returns.c.return_id, purchases.c.purchase_key, purchase_returns.c.return_reference)
        .join(
            purchases,
            sa.and_(
                purchases.c.member_id == purchase_returns.c.member_id,
                purchases.c.posting_id == purchase_returns.c.posting_id,
            ),
        )
        .where(purchase_returns.c.member_id == member_id, purchase_returns.c.return_id.in_(set(source_ids)))
    )
    found = {row[0]: Source(row[1]) for row in connection.execute(bought)}
    return found | {row[0]: Source(row[1], row[2]) for row in connection.execute(returned)}


def tier_history(connection: sa.Connection, member_id: str) -> list[Values]:
    """Return every change of level, the first one first."""
    query = sa.select(tier_changes).where(tier_changes.c.member_id == member_id).order_by(tier_changes.c.change_no)
    return [dict(row) for row in connection.execute(query).mappings()]


def available(connection: sa.Connection, member_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """Return what can be used, by member and wallet, of thousands at once."""
    row = accounts.c
    query = sa.select(row.member_id, row.wallet, row.available).where(these(connection, row.member_id, member_ids))
    return {(str(member_id), wallet): points for member_id, wallet, points in connection.execute(query)}
