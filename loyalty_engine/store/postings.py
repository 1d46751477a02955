"""What a posting appends: ledger entries, lots and what is taken from them, purchases, returns, tier changes."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store import member_state, statements, vouchers
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import (
    budgets,
    ledger_entries,
    lot_changes,
    lots,
    purchase_returns,
    purchases,
    tier_history,
)

Values = dict[str, Any]


@dataclass(slots=True)
class Appended:
    """Rows by table, gathered while rules decide and written together."""

    entries: list[Values] = field(default_factory=list)
    lots: list[Values] = field(default_factory=list)
    lot_changes: list[Values] = field(default_factory=list)
    """What happens to lots after they were opened: taken, held, become available, expired."""
    paid_debts: list[Values] = field(default_factory=list)
    """What a new lot paid of a debt when it was opened: its `remaining` is less by that from the start."""
    purchases: list[Values] = field(default_factory=list)
    returns: list[Values] = field(default_factory=list)
    tier_changes: list[Values] = field(default_factory=list)
    budgets: list[Values] = field(default_factory=list)
    vouchers: list[Values] = field(default_factory=list)


_insert_entry = statements.insert(ledger_entries)
_insert_lot = statements.insert(lots)
_insert_lot_change = statements.insert(lot_changes)
_insert_purchase = statements.insert(purchases)
_insert_return = statements.insert(purchase_returns)
_insert_tier_change = statements.insert(tier_history)
_put_budget = statements.upsert(budgets, used=statements.take("used"))

_change_lot = Statement(
    lots.update()
    .where(
        lots.c.member_id == sa.bindparam("member_key", type_=lots.c.member_id.type),
        lots.c.lot_id == sa.bindparam("lot_key", type_=lots.c.lot_id.type),
    )
    .values(
        remaining=lots.c.remaining - sa.bindparam("taken", type_=sa.BigInteger),
        held=lots.c.held + sa.bindparam("more_held", type_=sa.BigInteger),
        state=sa.func.coalesce(sa.bindparam("becomes", type_=lots.c.state.type), lots.c.state),
    )
)
_open_budget = statements.insert_once(budgets)
_budget = sa.select(budgets.c.used).where(
    budgets.c.cap_id == sa.bindparam("cap_id"), budgets.c.period_start == sa.bindparam("period_start", type_=sa.Date)
)
_read_budget = Statement(_budget)
_lock_budget = Statement(_budget.with_for_update())
_of_purchase = (
    purchases.c.member_id == sa.bindparam("member_id", type_=purchases.c.member_id.type),
    purchases.c.posting_id == sa.bindparam("posting_id", type_=purchases.c.posting_id.type),
)
_PURCHASE_COLUMNS = purchases.columns.keys()
_select_purchase = Statement(sa.select(purchases).where(*_of_purchase))
_select_answer = Statement(sa.select(purchases.c.answer).where(*_of_purchase))
_last_purchase_on = Statement(
    sa.select(sa.func.max(purchases.c.business_day)).where(
        purchases.c.member_id == sa.bindparam("member_id", type_=purchases.c.member_id.type),
        purchases.c.posting_id != sa.bindparam("posting_id", type_=purchases.c.posting_id.type),
        purchases.c.status == "posted",
    )
)
_update_purchase = Statement(
    purchases.update()
    .where(
        purchases.c.member_id == sa.bindparam("member_key", type_=purchases.c.member_id.type),
        purchases.c.posting_id == sa.bindparam("posting_key", type_=purchases.c.posting_id.type),
    )
    .values({name: sa.bindparam(name) for name in ("status", "kept", "cap_use", "left_units")})
)
_update_answer = Statement(
    purchases.update()
    .where(
        purchases.c.member_id == sa.bindparam("member_key", type_=purchases.c.member_id.type),
        purchases.c.posting_id == sa.bindparam("posting_key", type_=purchases.c.posting_id.type),
    )
    .values(answer=sa.bindparam("answer"))
)
_RETURN_COLUMNS = purchase_returns.columns.keys()
_select_returns = Statement(
    sa.select(purchase_returns).where(
        purchase_returns.c.member_id == sa.bindparam("member_id", type_=purchases.c.member_id.type),
        purchase_returns.c.posting_id == sa.bindparam("posting_id", type_=purchases.c.posting_id.type),
    )
)


def write(connection: sa.Connection, states: list[MemberState], appended: Appended) -> None:
    """Write everything that a transaction decided, in the order that foreign keys ask for."""
    _insert_purchase.many(connection, appended.purchases)
    _insert_return.many(connection, appended.returns)
    _insert_entry.many(connection, appended.entries)
    _insert_lot.many(connection, appended.lots)
    for change in appended.lot_changes:
        _change_lot.run(
            connection,
            member_key=change["member_id"],
            lot_key=change["lot_id"],
            taken=change["taken"],
            more_held=change["held"],
            becomes=change["state"],
        )
    _insert_lot_change.many(connection, appended.lot_changes + appended.paid_debts)
    _insert_tier_change.many(connection, appended.tier_changes)
    _put_budget.many(connection, appended.budgets)
    vouchers.insert(connection, appended.vouchers)
    member_state.write(connection, states)


def lock_budget(connection: sa.Connection, cap_id: str, period_start: object) -> int:
    """Lock the use of a cap over everyone in one period, and return it; it is opened where it is new."""
    _open_budget.run(connection, cap_id=cap_id, period_start=period_start, used=0)
    row = _lock_budget.one(connection, cap_id=cap_id, period_start=period_start)
    return int(row[0]) if row else 0


def budget(connection: sa.Connection, cap_id: str, period_start: object) -> int:
    """Return the use of a cap over everyone in one period."""
    row = _read_budget.one(connection, cap_id=cap_id, period_start=period_start)
    return int(row[0]) if row else 0


def purchase(connection: sa.Connection, member_id: str, posting_id: str) -> Values | None:
    """Return the stored purchase, or None."""
    row = _select_purchase.one(connection, member_id=member_id, posting_id=posting_id)
    return dict(zip(_PURCHASE_COLUMNS, row, strict=True)) if row else None


def last_purchase_on(connection: sa.Connection, member_id: str, but: str) -> date | None:
    """Return the day of a member's latest purchase when one is left out; None where there is no other."""
    row = _last_purchase_on.one(connection, member_id=member_id, posting_id=but)
    return row[0] if row else None


def purchase_answer(connection: sa.Connection, member_id: str, posting_id: str) -> str | None:
    """Return the first answer that the purchase was given, wherever it was then; None for an imported one."""
    row = _select_answer.one(connection, member_id=member_id, posting_id=posting_id)
    return row[0] if row else None


def update_answer(connection: sa.Connection, member_id: str, posting_id: str, answer: str | None) -> None:
    """Keep another answer to a purchase, in the transaction that books it."""
    _update_answer.run(connection, member_key=member_id, posting_key=posting_id, answer=answer)


def update_purchase(connection: sa.Connection, stored: Values) -> None:
    """Write what a return or a move changed of a purchase: its status, what it keeps, and what is left of it."""
    changed = {name: stored[name] for name in ("status", "kept", "cap_use", "left_units")}
    _update_purchase.run(connection, member_key=stored["member_id"], posting_key=stored["posting_id"], **changed)


def returns_of(connection: sa.Connection, member_id: str, posting_id: str) -> list[Values]:
    """Return the returns that were booked against a purchase."""
    rows = _select_returns.rows(connection, member_id=member_id, posting_id=posting_id)
    return [dict(zip(_RETURN_COLUMNS, row, strict=True)) for row in rows]
