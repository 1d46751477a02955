"""Whether merges made no points and lost none, what they lead to, and who answers for points given by hand.

Source: RELIABILITY.md, 7 and 14. Sums that follow from purchases lie with the member that purchases lead to: `account_of`.
"""

from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import FOUND, Check, broken, differences, keys_of
from loyalty_engine.store.survivors import MERGE
from loyalty_engine.store.tables import accounts, ledger_entries, members

_PAIR = ("gone", "into", "wallet")


def roots() -> sa.Subquery:
    """Return each member that was merged (`member_id`) with the one that it leads to in the end (`root`)."""
    row = members.c
    leads = sa.select(row.member_id, row.merged_into.label("root")).where(row.merged_into.is_not(None)).cte(
        "leads", recursive=True
    )  # fmt: skip
    on = sa.select(leads.c.member_id, row.merged_into).where(
        row.member_id == leads.c.root, row.merged_into.is_not(None)
    )
    leads = leads.union(on)
    end = members.alias("the_end")
    ends = sa.select(leads.c.member_id, leads.c.root).join_from(leads, end, end.c.member_id == leads.c.root)
    return ends.where(end.c.merged_into.is_(None)).subquery("roots")


def account_of(member_id: sa.ColumnElement[Any], ends: sa.Subquery) -> sa.ColumnElement[Any]:
    """Return whose sums a member's purchases are in, where `ends` is joined on the member."""
    return sa.func.coalesce(ends.c.root, member_id)


def checks() -> tuple[Check, ...]:
    """Return the checks."""
    ends = roots()
    entry = ledger_entries.c
    lost = sa.and_(members.c.merged_into.is_not(None), members.c.member_id.not_in(sa.select(ends.c.member_id)))
    booked = sa.exists().where(
        entry.member_id == members.c.member_id,
        entry.kind == "transfer_out",
        entry.source_kind == MERGE,
        entry.source_id == sa.cast(members.c.merged_into, sa.Text),
    )
    unbooked = sa.and_(members.c.merged_into.is_not(None), ~booked)
    nobody = sa.or_(entry.reason.is_(None), sa.func.trim(entry.reason) == "", sa.func.trim(entry.actor) == "")
    by_hand = sa.and_(entry.kind == "adjustment", nobody)
    return (
        Check(7, "ledger_entries", "what one member brings, another one gets", _PAIR, _pairs()),
        Check(7, "accounts", "a member that was merged has nothing", keys_of(accounts), _left_behind()),
        Check(7, "members", "a member that was merged leads to one that wasn't", keys_of(members),
              broken(members, lost, "merged_into")),
        Check(7, "members", "a merge is in the ledger", keys_of(members), broken(members, unbooked, "merged_into")),
        Check(14, "ledger_entries", "every adjustment has who and why", keys_of(ledger_entries),
              broken(ledger_entries, by_hand, "actor", "reason")),
    )  # fmt: skip


def _pairs() -> sa.Select[Any]:
    """Transfers cancel out, figure by figure, save what of available points paid the other's debt."""
    entry = ledger_entries.c
    me, other = sa.cast(entry.member_id, sa.Text), entry.source_id
    kinds = (("transfer_out", me, other, -1), ("transfer_in", other, me, 1))
    out, into = (
        sa.select(
            gone.label("gone"),
            kept.label("into"),
            entry.wallet,
            *((sign * entry[name]).label(name) for name in ("points", "pending", "lifetime")),
            sa.literal_column("1").label("entries"),
        ).where(entry.kind == kind)
        for kind, gone, kept, sign in kinds
    )
    return differences(_PAIR, ("points", "pending", "lifetime", "entries"), out, into)


def _left_behind() -> sa.Select[Any]:
    figures = ("available", "pending", "held", "debt", "lifetime")
    shown = [accounts.c[name].label(f"{FOUND}{name}") for name in figures]
    return (
        sa.select(accounts.c.member_id, accounts.c.wallet, *shown)
        .join_from(accounts, members, accounts.c.member_id == members.c.member_id)
        .where(members.c.merged_into.is_not(None), sa.or_(*(accounts.c[name] != 0 for name in figures)))
    )
