"""Whether entries, accounts and lots agree with each other: invariants 1, 2 and 3, each as one statement."""

from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check, broken, differences, keys_of
from loyalty_engine.store.tables import accounts, ledger_entries, lot_changes, lots, members

_FIGURES = ("available", "pending", "held", "debt", "lifetime")
_ACCOUNT = ("member_id", "wallet")


def checks() -> tuple[Check, ...]:
    """Return the checks on the ledger."""
    return (*_entries(), *_lots(), *_running())


def _entries() -> tuple[Check, ...]:
    entries = ledger_entries.c
    counted = sa.select(
        entries.member_id, sa.func.count().label("last_seq"), sa.func.max(entries.seq).label("highest")
    ).group_by(entries.member_id)
    said = sa.select(members.c.member_id, members.c.last_seq, members.c.last_seq.label("highest"))
    figures = differences(
        _ACCOUNT,
        _FIGURES,
        sa.select(entries.member_id, entries.wallet, *(entries[name] for name in _FIGURES)),
        sa.select(accounts.c.member_id, accounts.c.wallet, *(accounts.c[name] for name in _FIGURES)),
    )
    return (
        Check(1, "accounts", "figures equal the sums of the entries' changes", _ACCOUNT, figures),
        Check(
            1,
            "members",
            "seq runs from 1 to last_seq without a gap",
            ("member_id",),
            differences(("member_id",), ("last_seq", "highest"), counted, said),
        ),
        Check(1, "ledger_entries", "booked_at never decreases along seq", ("member_id", "seq"), _backwards()),
        Check(1, "members", "last_booked_at is not before an entry", ("member_id",), _behind()),
    )


def _backwards() -> sa.Select[Any]:
    entries = ledger_entries.c
    before = sa.func.lag(entries.booked_at).over(partition_by=entries.member_id, order_by=entries.seq)
    each = sa.select(entries.member_id, entries.seq, entries.booked_at, before.label("before")).subquery()
    shown = (each.c.booked_at.label(f"{FOUND}booked_at"), each.c.before.label(f"{EXPECTED}booked_at"))
    return sa.select(each.c.member_id, each.c.seq, *shown).where(each.c.booked_at < each.c.before)


def _behind() -> sa.Select[Any]:
    entries = ledger_entries.c
    last = (
        sa.select(entries.member_id, sa.func.max(entries.booked_at).label("booked_at"))
        .group_by(entries.member_id)
        .subquery()
    )
    said = members.c.last_booked_at
    return (
        sa.select(
            members.c.member_id,
            said.label(f"{FOUND}last_booked_at"),
            last.c.booked_at.label(f"{EXPECTED}last_booked_at"),
        )
        .join_from(members, last, members.c.member_id == last.c.member_id)
        .where(sa.or_(said.is_(None), said < last.c.booked_at))
    )


def _lots() -> tuple[Check, ...]:
    out_of_bounds = sa.or_(lots.c.remaining < 0, lots.c.remaining > lots.c.granted, lots.c.granted <= 0)
    held_wrongly = sa.or_(lots.c.held < 0, lots.c.held > lots.c.remaining)
    lapsed = sa.and_(lots.c.state == "expired", lots.c.remaining != 0)
    shown = ("granted", "remaining", "held", "state")
    negative = sa.or_(*(accounts.c[name] < 0 for name in _FIGURES[:4]))
    in_debt = sa.and_(accounts.c.available > 0, accounts.c.debt > 0)
    return (
        Check(2, "lots", "remaining is granted less what entries took", keys_of(lots), _remaining()),
        Check(
            2,
            "lots",
            "remaining is from 0 to granted, held from 0 to remaining, and nothing is left of an expired lot",
            keys_of(lots),
            broken(lots, sa.or_(out_of_bounds, held_wrongly, lapsed), *shown),
        ),
        Check(2, "ledger_entries", "an entry moves as many points as its lots", ("member_id", "seq"), _moved()),
        Check(2, "accounts", "available, pending and held equal the open lots", _ACCOUNT, _open()),
        Check(
            2,
            "accounts",
            "no figure is negative, and available and debt are never both positive",
            _ACCOUNT,
            broken(accounts, sa.or_(negative, in_debt), *_FIGURES[:4]),
        ),
        Check(2, "accounts", "the soonest end and its points equal what lots say", _ACCOUNT, _soonest()),
    )


def _remaining() -> sa.Select[Any]:
    granted = sa.select(lots.c.member_id, lots.c.lot_id, lots.c.granted.label("remaining"))
    taken = sa.select(lot_changes.c.member_id, lot_changes.c.lot_id, (-lot_changes.c.taken).label("remaining"))
    said = sa.select(lots.c.member_id, lots.c.lot_id, lots.c.remaining)
    return differences(("member_id", "lot_id"), ("remaining",), sa.union_all(granted, taken), said)


def _moved() -> sa.Select[Any]:
    opened = sa.select(lots.c.member_id, lots.c.opened_seq.label("seq"), lots.c.granted.label("points"))
    taken = sa.select(lot_changes.c.member_id, lot_changes.c.seq, (-lot_changes.c.taken).label("points"))
    entries = ledger_entries.c
    changed = (entries.available + entries.pending + entries.held).label("points")
    said = sa.select(entries.member_id, entries.seq, changed)
    return differences(("member_id", "seq"), ("points",), sa.union_all(opened, taken), said)


def _open() -> sa.Select[Any]:
    def in_state(state: str) -> sa.ColumnElement[int]:
        return sa.case((lots.c.state == state, lots.c.remaining - lots.c.held), else_=0)

    figures = ("available", "pending", "held")
    counted = sa.select(
        lots.c.member_id,
        lots.c.wallet,
        in_state("available").label("available"),
        in_state("pending").label("pending"),
        lots.c.held,
    )
    said = sa.select(accounts.c.member_id, accounts.c.wallet, *(accounts.c[name] for name in figures))
    return differences(_ACCOUNT, figures, counted, said)


def _soonest() -> sa.Select[Any]:
    one = lots.c
    alive = sa.and_(one.remaining > 0, one.state != "expired", one.expires_on.is_not(None))
    ends = (
        sa.select(one.member_id, one.wallet, one.expires_on, sa.func.sum(one.remaining).label("points"))
        .where(alive)
        .group_by(one.member_id, one.wallet, one.expires_on)
        .subquery()
    )
    place = sa.func.row_number().over(partition_by=(ends.c.member_id, ends.c.wallet), order_by=ends.c.expires_on)
    ranked = sa.select(ends, place.label("place")).subquery()
    account = accounts.c
    same = sa.and_(ranked.c.member_id == account.member_id, ranked.c.wallet == account.wallet, ranked.c.place == 1)
    points = sa.func.coalesce(ranked.c.points, 0)
    return (
        sa.select(
            account.member_id,
            account.wallet,
            account.next_expires_on.label(f"{FOUND}next_expires_on"),
            ranked.c.expires_on.label(f"{EXPECTED}next_expires_on"),
            account.next_expires_points.label(f"{FOUND}next_expires_points"),
            points.label(f"{EXPECTED}next_expires_points"),
        )
        .join_from(accounts, ranked, same, isouter=True)
        .where(
            sa.or_(account.next_expires_on.is_distinct_from(ranked.c.expires_on), account.next_expires_points != points)
        )
    )


def _running() -> tuple[Check, ...]:
    """Figures as they were after each entry: a debt that was paid too late shows here and nowhere else."""
    entries = ledger_entries.c
    figures = _FIGURES[:4]
    sums = {
        name: sa.func.sum(entries[name]).over(partition_by=(entries.member_id, entries.wallet), order_by=entries.seq)
        for name in figures
    }
    each = sa.select(entries.member_id, entries.seq, *(total.label(name) for name, total in sums.items())).subquery()
    wrong = sa.or_(*(each.c[name] < 0 for name in figures), sa.and_(each.c.available > 0, each.c.debt > 0))
    shown = (each.c[name].label(f"{FOUND}{name}") for name in figures)
    made = sa.or_(ledger_entries.c.debt > 0, ledger_entries.c.forgiven > 0)
    brought = sa.and_(ledger_entries.c.kind == "transfer_in", ledger_entries.c.forgiven == 0)
    makes_debt = sa.or_(ledger_entries.c.kind == "reversal", brought)
    return (
        Check(
            3,
            "ledger_entries",
            "no entry leaves a figure below 0, or points available beside a debt",
            ("member_id", "seq"),
            sa.select(each.c.member_id, each.c.seq, *shown).where(wrong),
        ),
        Check(
            3,
            "ledger_entries",
            "only a reversal makes debt, or is forgiven; a merge brings it along",
            ("member_id", "seq"),
            broken(ledger_entries, sa.and_(made, ~makes_debt), "kind", "debt", "forgiven"),
        ),
    )
