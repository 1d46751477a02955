"""The rows that tell what occasions brought, for the audit to hold one beside the other."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import FOUND, Check, Rows, broken, keys_of
from loyalty_engine.store.tables import ledger_entries, occasions_granted, vouchers

GIFT, OCCASION = "gift", "occasion"
_entry, _row = ledger_entries.c, occasions_granted.c


def _named() -> sa.ColumnElement[str]:
    """Return by what a granted occasion is known in the ledger: `birthday:2026`."""
    return _row.occasion_id + ":" + sa.cast(_row.occurrence, sa.Text)


def checks() -> tuple[Check, ...]:
    """Return the checks that need no programme."""
    ends_before = _row.through < _row.on_day
    odd = (_entry.kind == GIFT) != (_entry.source_kind == OCCASION)
    return (
        Check(6, "ledger_entries", "a gift is an occasion's, and an occasion gives gifts", keys_of(ledger_entries),
              broken(ledger_entries, odd, "kind", "source_kind", "source_id")),
        Check(6, "ledger_entries", "every gift is among the occasions that were granted", keys_of(ledger_entries),
              _ungranted()),
        Check(6, "vouchers", "every voucher of an occasion is among those that were granted", keys_of(vouchers),
              _ungranted_vouchers()),
        Check(6, "occasions_granted", "an occasion's span ends no sooner than its day", keys_of(occasions_granted),
              broken(occasions_granted, ends_before, "on_day", "through")),
    )  # fmt: skip


def _ungranted() -> Rows:
    granted = sa.exists().where(_row.member_id == _entry.member_id, _named() == _entry.source_id)
    return broken(ledger_entries, sa.and_(_entry.kind == GIFT, ~granted), "source_id", "points")


def _ungranted_vouchers() -> Rows:
    voucher = vouchers.c
    begins = voucher.source_id.startswith(_named() + ":")
    granted = sa.exists().where(_row.member_id == voucher.member_id, begins)
    shown = (voucher.member_id, voucher.voucher_id, voucher.source_id.label(f"{FOUND}source_id"))
    return sa.select(*shown).where(voucher.source_kind == OCCASION, ~granted)


def kinds(connection: sa.Connection) -> list[tuple[str, int]]:
    """Return the occasions that were granted, each with the versions that did."""
    query = sa.select(_row.occasion_id, _row.version).distinct().order_by(_row.occasion_id, _row.version)
    return [(occasion_id, version) for occasion_id, version in connection.execute(query)]


def without_entry(connection: sa.Connection, occasion_id: str, version: int, wallet: str) -> Iterator[Any]:
    """Yield what a version granted without giving anything in a wallet: (member, key)."""
    given = sa.exists().where(
        _entry.member_id == _row.member_id,
        _entry.source_kind == OCCASION,
        _entry.source_id == _named(),
        _entry.wallet == wallet,
    )
    mine = (_row.occasion_id == occasion_id, _row.version == version)
    query = sa.select(_row.member_id, _row.occurrence).where(*mine, ~given)
    return iter(connection.execution_options(yield_per=1_000).execute(query))


def is_given_to(connection: sa.Connection, member_ids: list[str], source_id: str, wallet: str) -> bool:
    """Tell whether one of these members was given what a source names in a wallet."""
    found = sa.exists().where(
        _entry.member_id.in_(member_ids),
        _entry.source_kind == OCCASION,
        _entry.source_id == source_id,
        _entry.wallet == wallet,
    )
    return bool(connection.scalar(sa.select(found)))
