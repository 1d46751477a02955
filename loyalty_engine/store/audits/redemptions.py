"""Whether redemptions agree with the entries that they booked and the points that they hold: invariants 2, 6 and 9."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import Check, broken, differences, keys_of
from loyalty_engine.store.audits.merges import account_of, roots
from loyalty_engine.store.tables import (
    accounts,
    ledger_entries,
    lot_changes,
    lots,
    purchase_keys,
    purchases,
    redemption_keys,
    redemptions,
)

_ACCOUNT = ("member_id", "wallet")
_REDEMPTION = ("member_id", "redemption_id")


def checks() -> tuple[Check, ...]:
    """Return the checks on redemptions and what is held for them."""
    return (*_held(), *_ends(), *_restored())


def _held() -> tuple[Check, ...]:
    row = redemptions.c
    open_holds = sa.select(row.member_id, row.wallet, row.points.label("held")).where(row.status == "held")
    said = sa.select(accounts.c.member_id, accounts.c.wallet, accounts.c.held)
    changes = sa.select(lot_changes.c.member_id, lot_changes.c.lot_id, lot_changes.c.held)
    of_lots = sa.select(lots.c.member_id, lots.c.lot_id, lots.c.held)
    return (
        Check(2, "accounts", "what is held is the sum of open holds", _ACCOUNT,
              differences(_ACCOUNT, ("held",), open_holds, said)),
        Check(2, "lots", "what a lot holds is the sum of its changes", keys_of(lots),
              differences(keys_of(lots), ("held",), changes, of_lots)),
    )  # fmt: skip


def _ends() -> tuple[Check, ...]:
    figures, ends = ("holds", "captures", "releases", "spent", "held"), roots()
    keyed: sa.Label[int] = sa.literal_column("1").label("rows")
    keys = sa.select(redemption_keys.c.member_id, redemption_keys.c.redemption_id, keyed)
    there = sa.select(redemptions.c.member_id, redemptions.c.redemption_id, keyed)
    row = redemptions.c
    open_end = sa.and_(row.status == "held", sa.or_(row.held_seq.is_(None), row.expires_at.is_(None)))
    undone = sa.and_(row.status == "released", row.restored == row.captured)
    kept = sa.case((undone, 0), else_=row.captured)
    too_soon = sa.and_(row.status != "captured", sa.or_(kept != 0, row.posting_id.is_not(None)))
    return (
        Check(9, "redemptions", "a hold is captured, released or timed out once, and its entries say so", _REDEMPTION,
              differences(_REDEMPTION, figures, _of_survivors(_as_said(), ends), _of_survivors(_as_booked(), ends))),
        Check(9, "redemptions", "what is held has an end, and only what was captured is spent or paid a purchase",
              keys_of(redemptions), broken(redemptions, sa.or_(open_end, too_soon), "status", "captured", "posting_id")),
        Check(9, "redemption_keys", "a redemption's id leads to it", _REDEMPTION,
              differences(_REDEMPTION, ("rows",), there, keys)),
    )  # fmt: skip


def _flag(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.case((condition, 1), else_=0)


def _as_said() -> sa.Select[Any]:
    """What entries a redemption must have, by its own row: one that costs nothing has none."""
    row = redemptions.c
    was_held = row.held_seq.is_not(None)
    ended = row.status != "held"
    # Points that were spent after the hold's end were spent anew: it had timed out before.
    freed = sa.or_(row.captured < row.points, row.ended_at >= row.expires_at)
    return sa.select(
        row.member_id,
        sa.cast(row.redemption_id, sa.Text).label("redemption_id"),
        _flag(was_held).label("holds"),
        _flag(row.captured > 0).label("captures"),
        _flag(sa.and_(was_held, ended, freed)).label("releases"),
        row.captured.label("spent"),
        sa.case((row.status == "held", row.points), else_=0).label("held"),
    )


def _as_booked() -> sa.Select[Any]:
    entry = ledger_entries.c
    kinds = ("redemption", "hold", "capture", "release", "timeout")
    return sa.select(
        entry.member_id,
        sa.cast(entry.source_id, sa.Text).label("redemption_id"),
        _flag(entry.source_kind == "hold").label("holds"),
        _flag(entry.source_kind.in_(("redemption", "capture"))).label("captures"),
        _flag(entry.source_kind.in_(("release", "timeout"))).label("releases"),
        (-entry.points).label("spent"),
        entry.held,
    ).where(entry.source_kind.in_(kinds))


def _restored() -> tuple[Check, ...]:
    entry, row, ends = ledger_entries.c, redemptions.c, roots()
    returned = sa.and_(entry.kind == "restoration", entry.source_kind.in_(("restoration", "undoing")))
    booked = sa.select(entry.member_id, entry.wallet, entry.points.label("restored")).where(returned)
    said = sa.select(row.member_id, row.wallet, row.restored).where(row.wallet.is_not(None), row.reward.is_(None))
    unbound = sa.and_(row.restored > 0, row.posting_id.is_(None), row.reward.is_(None), row.status != "released")
    return (
        Check(6, "redemptions", "what came back to a wallet is what its redemptions say came back", _ACCOUNT,
              differences(_ACCOUNT, ("restored",), _of_survivors(booked, ends), _of_survivors(said, ends))),
        Check(6, "redemptions", "only what paid a purchase, or was released for good, comes back", keys_of(redemptions),
              broken(redemptions, unbound, "restored")),
    )  # fmt: skip


def _of_survivors(figures: sa.Select[Any], ends: sa.Subquery) -> sa.Select[Any]:
    """Return figures of members as those of whom each was merged into: what one spent comes back to the other."""
    said = figures.subquery()
    rest = [column for column in said.c if column.name != "member_id"]
    whose = account_of(said.c.member_id, ends).label("member_id")
    return sa.select(whose, *rest).join_from(said, ends, ends.c.member_id == said.c.member_id, isouter=True)


class Paid(NamedTuple):
    """A redemption, and the purchase that it paid as it is now, whoever's that is."""

    member_id: str
    redemption_id: str
    captured: int
    restored: int
    facts: str
    left_units: str | None


def paid(connection: sa.Connection) -> Iterator[Paid]:
    """Yield the redemptions that paid purchases; a purchase that moved is looked up by its key, one at a time."""
    row, bought = redemptions.c, purchases.c
    same = sa.and_(bought.member_id == row.member_id, bought.posting_id == row.posting_id)
    figures = (row.member_id, row.redemption_id, row.captured, row.restored)
    query = sa.select(*figures, bought.facts, bought.left_units, bought.status, bought.purchase_key)
    query = query.join_from(redemptions, purchases, same).order_by(row.member_id, row.redemption_id)
    for *own, facts, left_units, status, key in connection.execution_options(yield_per=1_000).execute(query):
        now = _where_it_is(connection, key) if status == "moved" else (facts, left_units)
        if now is not None:
            yield Paid(*own, *now)


def _where_it_is(connection: sa.Connection, key: str) -> tuple[str, str | None] | None:
    at, bought = purchase_keys.c, purchases.c
    same = sa.and_(bought.member_id == at.member_id, bought.posting_id == at.posting_id)
    query = sa.select(bought.facts, bought.left_units).join_from(purchase_keys, purchases, same)
    found: Any = connection.execute(query.where(at.purchase_key == key)).first()
    return (found[0], found[1]) if found else None
