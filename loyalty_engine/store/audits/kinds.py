"""Whether each kind of entry does what it may and no more, and all of them add up: invariant 7.

issued + gifted + restored + reinstated + transferred in ± adjustments = available + pending + held − debt + redeemed + expired +
reversed − forgiven + transferred out, for each account and so for each wallet. A kind that isn't known counts as nothing
here, and so breaks the sum.
"""

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.audits.checks import EXPECTED, FOUND, Check, Where, broken, differences, keys_of
from loyalty_engine.store.tables import accounts, ledger_entries
from rules.movement import LINE_OF

_entry = ledger_entries.c
_GIVES: Final = sa.and_(
    _entry.points >= 0, _entry.available >= 0, _entry.pending >= 0, _entry.held == 0, _entry.debt <= 0
)
"""Opens lots; what they pay of a debt never becomes available."""
_TAKES: Final = sa.and_(_entry.points <= 0, _entry.available <= 0, _entry.pending <= 0, _entry.held == 0)
_NEITHER: Final = sa.and_(_entry.points == 0, _entry.available >= 0, _entry.debt <= 0)
"""Makes points available that were out of reach: a debt takes its part."""

MAY: Final[Mapping[str, Where]] = {
    "accrual": _GIVES,
    "opening": _GIVES,
    "gift": _GIVES,
    "restoration": _GIVES,
    "reinstatement": _GIVES,
    "adjustment": sa.or_(_GIVES, sa.and_(_TAKES, _entry.debt == 0)),
    "reversal": sa.and_(_TAKES, _entry.debt >= 0),
    "redemption": sa.and_(
        _entry.points <= 0, _entry.available <= 0, _entry.pending == 0, _entry.held <= 0, _entry.debt == 0
    ),
    "expiry": sa.and_(_TAKES, _entry.pending == 0, _entry.debt == 0),
    "hold": sa.and_(
        _entry.points == 0, _entry.available == -_entry.held, _entry.held > 0, _entry.pending == 0, _entry.debt == 0
    ),
    "release": sa.and_(_NEITHER, _entry.held < 0, _entry.pending == 0),
    "maturity": sa.and_(_NEITHER, _entry.pending <= 0, _entry.held == 0),
    "transfer_out": sa.and_(_entry.available <= 0, _entry.pending <= 0, _entry.held <= 0, _entry.debt <= 0),
    "transfer_in": sa.true(),
}
"""What each kind may do. A transfer moves whatever there is, debts too; what arrives may pay one."""


def checks() -> tuple[Check, ...]:
    """Return the checks on kinds of entries."""
    wrong = sa.or_(*(sa.and_(_entry.kind == kind, sa.not_(may)) for kind, may in MAY.items()))
    shown = ("kind", "points", "available", "pending", "held", "debt")
    return (
        Check(7, "ledger_entries", "each kind of entry moves the figures that it may, in its direction",
              keys_of(ledger_entries), broken(ledger_entries, sa.or_(wrong, _entry.kind.not_in(list(MAY))), *shown)),
        Check(7, "accounts", "what was given, less what was taken, is what there is", ("member_id", "wallet"), _balance()),
        Check(7, "ledger_entries", "what went to other accounts came there", ("wallet",), _transferred()),
    )  # fmt: skip


def _balance() -> sa.Select[tuple[object, ...]]:
    account = accounts.c
    there = (account.available + account.pending + account.held - account.debt).label("points")
    said = sa.select(account.member_id, account.wallet, there)
    kinds = [kind for kind, line in LINE_OF.items() if line != "moved"]
    given = sa.case((_entry.kind.in_(kinds), _entry.points + _entry.forgiven), else_=0).label("points")
    return differences(("member_id", "wallet"), ("points",), sa.select(_entry.member_id, _entry.wallet, given), said)


def _transferred() -> sa.Select[tuple[object, ...]]:
    total = sa.func.sum(_entry.points)
    return (
        sa.select(_entry.wallet, total.label(f"{FOUND}points"), sa.literal_column("0").label(f"{EXPECTED}points"))
        .where(_entry.kind.in_(("transfer_in", "transfer_out")))
        .group_by(_entry.wallet)
        .having(total != 0)
    )
