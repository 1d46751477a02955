"""Whether vouchers agree with their codes, with what was spent on them, and with their own state: each one statement."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import Check, broken, differences, keys_of
from loyalty_engine.store.audits.rows import Family, Group
from loyalty_engine.store.survivors import MERGE
from loyalty_engine.store.tables import (
    ledger_entries,
    limit_uses,
    members,
    purchase_keys,
    purchases,
    redemptions,
    reward_stock,
    voucher_codes,
    vouchers,
)

_ROWS_AT_ONCE = 1_000


def checks() -> tuple[Check, ...]:
    """Return the checks on vouchers."""
    return (_codes(), _automatic(), _redemptions(), *_states())


def _codes() -> Check:
    once: sa.Label[int] = sa.literal_column("1").label("rows")
    keys = ("code", "member_id", "voucher_id")
    said = sa.select(*(voucher_codes.c[name] for name in keys), once)
    there = sa.select(*(vouchers.c[name] for name in keys), once).where(~_reissued())
    says = "each voucher has its code, and each code its voucher"
    return Check(5, "voucher_codes", says, keys, differences(keys, ("rows",), there, said))


def _reissued() -> sa.ColumnElement[bool]:
    """Tell whether a merge gave the voucher, with its code, to another member."""
    fresh = vouchers.alias("fresh")
    old_id = sa.cast(vouchers.c.voucher_id, sa.Text)
    given = sa.exists().where(
        fresh.c.code == vouchers.c.code, fresh.c.source_kind == MERGE, fresh.c.source_id == old_id
    )
    return sa.and_(vouchers.c.status == "cancelled", given)


def _automatic() -> Check:
    once: sa.Label[int] = sa.literal_column("1").label("rows")
    keys = ("member_id", "source_id")
    spent = sa.select(ledger_entries.c.member_id, ledger_entries.c.source_id, once).where(
        ledger_entries.c.source_kind == "automatic", ledger_entries.c.kind == "redemption"
    )
    issued = sa.select(vouchers.c.member_id, vouchers.c.source_id, once).where(vouchers.c.source_kind == "automatic")
    says = "what an automatic reward cost has its voucher, and the other way round"
    return Check(7, "vouchers", says, keys, differences(keys, ("rows",), spent, issued))


def _redemptions() -> Check:
    """A bought voucher's source is its redemption; those of a level or of staff end with it."""
    once: sa.Label[int] = sa.literal_column("1").label("rows")
    keys = ("member_id", "redemption_id", "reward")
    row = redemptions.c
    bought = row.captured > 0
    named = sa.cast(row.redemption_id, sa.Text).label("redemption_id")
    kept = sa.select(row.member_id, named, row.reward, once).where(row.reward.is_not(None), bought)
    issued = sa.select(
        vouchers.c.member_id,
        vouchers.c.source_id.label("redemption_id"),
        vouchers.c.reward,
        once,
    ).where(vouchers.c.source_kind == "redemption")
    says = "a reward that was bought has its voucher, and the other way round"
    return Check(7, "redemptions", says, keys, differences(keys, ("rows",), issued, kept))


def _states() -> tuple[Check, ...]:
    row = vouchers.c
    used = row.status == "redeemed"
    wrong = sa.or_(
        used != row.redeemed_at.is_not(None),
        sa.and_(~used, sa.or_(row.posting_id.is_not(None), row.worth_minor.is_not(None))),
        row.posting_id.is_not(None) != row.worth_minor.is_not(None),
        (row.status == "held") != row.held_until.is_not(None),
        row.status.in_(("expired", "cancelled")) != row.ended_at.is_not(None),
        sa.and_(row.status == "cancelled", row.reason.is_(None)),
        row.worth_minor < 0,
    )
    shown = ("status", "redeemed_at", "posting_id", "worth_minor", "held_until", "ended_at")
    return (
        Check(
            9,
            "vouchers",
            "what is kept of a voucher fits its state",
            keys_of(vouchers),
            broken(vouchers, wrong, *shown),
        ),
        Check(
            12,
            "limit_uses",
            "a use is not negative",
            keys_of(limit_uses),
            broken(limit_uses, limit_uses.c.used < 0, "used"),
        ),
    )


def of_members(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield (member, reward, version, source kind, source id, issued at) of their vouchers that count.

    One that merges gave from member to member is yielded as it was first issued, while the last one has it.
    """
    row, last = vouchers.c, vouchers.alias("last")
    counts = row.status != "cancelled"
    if isinstance(group, Family):
        kept = sa.exists().where(group.of(last), last.c.code == row.code, last.c.status != "cancelled")
        counts = sa.and_(row.source_kind != MERGE, kept)
    columns = (row.member_id, row.reward, row.version, row.source_kind, row.source_id, row.issued_at)
    query = sa.select(*columns).where(group.of(vouchers), counts)
    return iter(connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query))


def used_on_purchases(connection: sa.Connection) -> Iterator[Any]:
    """Yield (member, voucher, lines, units left) of vouchers used on purchases of which something came back.

    A purchase that moved is looked at where it is now. What a member used who was erased since is nobody's.
    """
    row, then, now = vouchers.c, purchases.alias("then"), purchases.alias("now")
    query = (
        sa.select(row.member_id, row.voucher_id, row.lines, now.c.left_units)
        .join_from(vouchers, then, sa.and_(then.c.member_id == row.member_id, then.c.posting_id == row.posting_id))
        .join(purchase_keys, purchase_keys.c.purchase_key == then.c.purchase_key)
        .join(
            now,
            sa.and_(now.c.member_id == purchase_keys.c.member_id, now.c.posting_id == purchase_keys.c.posting_id),
        )
        .join(members, members.c.member_id == row.member_id)
        .where(row.status == "redeemed", now.c.left_units.is_not(None), members.c.status != "erased")
    )
    return iter(connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query))


def limit_uses_of(connection: sa.Connection, group: Group) -> Iterator[Any]:
    """Yield (member, limit, period's start, used) of the limits on rewards."""
    row = limit_uses.c
    of_rewards = sa.or_(row.limit_id.startswith("reward/"), row.limit_id.startswith("benefit/"))
    query = sa.select(limit_uses).where(group.of(limit_uses), of_rewards)
    return iter(connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query))


def stock_taken(connection: sa.Connection) -> dict[str, int]:
    """Return how many of each reward's stock are taken by what is kept."""
    return {row.reward_id: row.issued for row in connection.execute(sa.select(reward_stock))}
