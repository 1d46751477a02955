"""Whether what stands beside the ledger agrees with it: members, tiers, look-ups, bounds, versions that are named."""

from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check, broken, differences, keys_of
from loyalty_engine.store.audits.merges import account_of, roots
from loyalty_engine.store.survivors import MERGE_GRACE, MERGE_MANUAL
from loyalty_engine.store.tables import (
    MAX_POINTS_AN_ENTRY,
    budgets,
    cap_uses,
    claim_codes,
    ledger_entries,
    lots,
    members,
    parked_purchases,
    programme_versions,
    purchase_keys,
    purchases,
    tier_history,
    waiting_returns,
)
from rules.reviews import GRACE

_MEMBER = ("member_id",)


def checks(dialect: str) -> tuple[Check, ...]:
    """Return the checks; SQLite is asked besides whether its figures are integers at all."""
    return (*_purchases(), *_members(), *_lookups(), *_bounds(), *(_kinds() if dialect == "sqlite" else ()))


def _purchases() -> tuple[Check, ...]:
    twice = (
        sa.select(purchases.c.purchase_key, sa.func.count().label(f"{FOUND}postings"))
        .add_columns(sa.literal_column("1").label(f"{EXPECTED}postings"))
        .where(purchases.c.status == "posted")
        .group_by(purchases.c.purchase_key)
        .having(sa.func.count() > 1)
    )
    return (
        Check(5, "purchases", "a purchase is posted once", ("purchase_key",), twice),
        *(_version_there(table) for table in (ledger_entries, purchases, tier_history)),
    )


def _version_there(table: sa.Table) -> Check:
    known = sa.exists().where(programme_versions.c.version == table.c.version)
    return Check(11, table.name, "the version that it names is there", keys_of(table), broken(table, ~known, "version"))


def _members() -> tuple[Check, ...]:
    posted = purchases.c.status == "posted"
    ends = roots()
    counted = (
        sa.select(
            account_of(purchases.c.member_id, ends).label("member_id"), sa.literal_column("1").label("purchases_count")
        )
        .join_from(purchases, ends, ends.c.member_id == purchases.c.member_id, isouter=True)
        .where(posted)
    )
    said = sa.select(members.c.member_id, members.c.purchases_count)
    changes = sa.select(
        tier_history.c.member_id,
        sa.func.count().label("tier_changes"),
        sa.func.max(tier_history.c.change_no).label("highest"),
    ).group_by(tier_history.c.member_id)
    kept = sa.select(members.c.member_id, members.c.tier_changes, members.c.tier_changes.label("highest"))
    return (
        Check(
            6,
            "members",
            "purchases_count is how many purchases are posted",
            _MEMBER,
            differences(_MEMBER, ("purchases_count",), counted, said),
        ),
        Check(6, "members", "last_purchase_on is the day of the latest purchase", _MEMBER, _latest(posted)),
        Check(
            10,
            "members",
            "changes of level are numbered from 1 to tier_changes without a gap",
            _MEMBER,
            differences(_MEMBER, ("tier_changes", "highest"), changes, kept),
        ),
        Check(10, "members", "the level is what the last change of level gave", _MEMBER, _level()),
    )


def _latest(posted: sa.ColumnElement[bool]) -> sa.Select[Any]:
    ends = roots()
    account = account_of(purchases.c.member_id, ends)
    latest = (
        sa.select(account.label("member_id"), sa.func.max(purchases.c.business_day).label("on"))
        .join_from(purchases, ends, ends.c.member_id == purchases.c.member_id, isouter=True)
        .where(posted)
        .group_by(account)
        .subquery()
    )
    said = members.c.last_purchase_on
    return (
        sa.select(
            members.c.member_id,
            said.label(f"{FOUND}last_purchase_on"),
            latest.c.on.label(f"{EXPECTED}last_purchase_on"),
        )
        .join_from(members, latest, members.c.member_id == latest.c.member_id, isouter=True)
        .where(said.is_distinct_from(latest.c.on))
    )


def _level() -> sa.Select[Any]:
    last = sa.and_(tier_history.c.member_id == members.c.member_id, tier_history.c.change_no == members.c.tier_changes)
    source = tier_history.c.source_kind
    in_grace = sa.or_(source == MERGE_GRACE, sa.and_(source == "review", tier_history.c.reason == GRACE))
    pairs = (
        (members.c.level, tier_history.c.level),
        (members.c.level_since_at, tier_history.c.since_at),
        (members.c.level_review_on, tier_history.c.review_on),
        (members.c.level_grace_until, sa.case((in_grace, tier_history.c.review_on))),
        (members.c.level_by, sa.case((source.in_(("manual", MERGE_MANUAL)), "manual"), else_="metric")),
    )
    shown = [
        column
        for said, kept in pairs
        for column in (said.label(f"{FOUND}{said.name}"), kept.label(f"{EXPECTED}{said.name}"))
    ]
    return (
        sa.select(members.c.member_id, *shown)
        .join_from(members, tier_history, last, isouter=True)
        .where(sa.or_(*(said.is_distinct_from(kept) for said, kept in pairs)))
    )


def _lookups() -> tuple[Check, ...]:
    once: sa.Label[int] = sa.literal_column("1").label("rows")
    code = ("claim_code", "purchase_key")
    claimable = parked_purchases.c.claim_code.is_not(None)
    parked = sa.select(parked_purchases.c.claim_code, parked_purchases.c.purchase_key, once).where(claimable)
    codes = sa.select(claim_codes.c.claim_code, claim_codes.c.purchase_key, once)
    same = waiting_returns.c.purchase_key == purchase_keys.c.purchase_key
    booked = sa.or_(purchase_keys.c.purchase_key.is_(None), purchase_keys.c.member_id.is_not(None))
    late = (
        sa.select(
            waiting_returns.c.purchase_key,
            waiting_returns.c.return_reference,
            purchase_keys.c.member_id.label(f"{FOUND}member_id"),
        )
        .join_from(waiting_returns, purchase_keys, same, isouter=True)
        .where(booked)
    )
    named = sa.and_(parked_purchases.c.status == "posted", parked_purchases.c.named_member.is_not(None))
    return (
        Check(
            5,
            "claim_codes",
            "each parked purchase has its code, and each code its purchase",
            code,
            differences(code, ("rows",), parked, codes),
        ),
        Check(6, "waiting_returns", "a return waits only for a purchase not booked", keys_of(waiting_returns), late),
        Check(
            13,
            "parked_purchases",
            "how a member was named is forgotten once the purchase is booked",
            keys_of(parked_purchases),
            broken(parked_purchases, named, "status"),
        ),
    )


def _bounds() -> tuple[Check, ...]:
    entries = ledger_entries.c
    unequal = entries.available + entries.pending + entries.held - entries.debt != entries.points + entries.forgiven
    figures = ("points", "available", "pending", "held", "debt", "forgiven")
    beyond = sa.or_(sa.func.abs(entries.points) > MAX_POINTS_AN_ENTRY, entries.forgiven < 0)
    money = sa.or_(purchases.c.total_minor < 0, sa.func.length(purchases.c.currency) != 3)
    return (
        Check(1, "ledger_entries", "an entry's changes add up to its points", keys_of(ledger_entries),
              broken(ledger_entries, unequal, *figures)),
        Check(12, "ledger_entries", "an entry carries at most 10⁹ points, and forgives no less than 0",
              keys_of(ledger_entries), broken(ledger_entries, beyond, "points", "forgiven")),
        Check(12, "purchases", "money is not negative, and in one currency", keys_of(purchases),
              broken(purchases, money, "total_minor", "currency")),
        *(Check(12, table.name, "what is used of a cap is not negative", keys_of(table),
                broken(table, table.c.used < 0, "used")) for table in (cap_uses, budgets)),
    )  # fmt: skip


def _kinds() -> tuple[Check, ...]:
    """SQLite keeps whatever it is given; a figure that is no integer would be added up as one."""
    found = []
    for table in (ledger_entries, lots, purchases):
        figures = [column for column in table.c if isinstance(column.type, sa.BigInteger)]
        other = sa.or_(*(sa.func.typeof(column) != "integer" for column in figures))
        names = [column.name for column in figures if not column.primary_key]
        found.append(
            Check(12, table.name, "points and money are integers", keys_of(table), broken(table, other, *names))
        )
    return tuple(found)
