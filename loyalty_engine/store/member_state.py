"""One member as a transaction sees and changes it: locked, loaded in few statements, written back once at the end."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import accounts, cap_uses, lots, members, profiles, qualifying_days, tier_history
from rules.errors import NotFound
from rules.lots import Lot


@dataclass(slots=True)
class Account:
    """The figures of one wallet; `next_expires_*` is the soonest end of its lots and the points that lapse then."""

    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    lifetime: int = 0
    active_on: date = date.min
    next_expires_on: date | None = None
    next_expires_points: int = 0


@dataclass(slots=True)
class MemberState:
    """The member's row and, as far as they were asked for, its accounts, sums and cap uses."""

    member_id: str
    status: str
    language: str
    last_seq: int
    joined_on: date
    level: str | None
    level_since_at: datetime | None
    level_review_on: date | None
    tier_changes: int
    purchases_count: int
    last_purchase_on: date | None
    last_booked_at: datetime | None
    accounts: dict[str, Account] = field(default_factory=dict)
    cap_used: dict[tuple[str, date], int] = field(default_factory=dict)
    qualified: dict[tuple[str, date], int] = field(default_factory=dict)
    """What this transaction added, by metric and day; not yet written."""
    cap_days: set[date] = field(default_factory=set)
    profile: dict[str, Any] | None = None

    def account(self, wallet: str) -> Account:
        """Return the account of `wallet`, opening it where there is none."""
        return self.accounts.setdefault(wallet, Account())


_MEMBER_COLUMNS = (
    "status language last_seq joined_on level level_since_at level_review_on tier_changes purchases_count"
    " last_purchase_on last_booked_at"
).split()
_WRITTEN = _MEMBER_COLUMNS[2:3] + _MEMBER_COLUMNS[4:]
"""What a posting changes: all but the status, the language and the day of joining."""
_ACCOUNT_COLUMNS = (
    "wallet available pending held debt lifetime active_on next_expires_on next_expires_points".split()
)
_member = sa.bindparam("member_id", type_=members.c.member_id.type)

_select_member = sa.select(*(members.c[name] for name in _MEMBER_COLUMNS)).where(members.c.member_id == _member)
_lock = Statement(_select_member.with_for_update())
_read = Statement(_select_member)
_accounts = Statement(
    sa.select(*(accounts.c[name] for name in _ACCOUNT_COLUMNS)).where(accounts.c.member_id == _member)
)
_qualified = Statement(
    sa.select(sa.func.coalesce(sa.func.sum(qualifying_days.c.amount), 0)).where(
        qualifying_days.c.member_id == _member,
        qualifying_days.c.metric == sa.bindparam("metric"),
        qualifying_days.c.day >= sa.bindparam("start", type_=sa.Date),
    )
)
_PERIODS = ("day", "week", "month", "year", "ever")
_caps = Statement(
    sa.select(cap_uses.c.cap_id, cap_uses.c.period_start, cap_uses.c.used).where(
        cap_uses.c.member_id == _member,
        sa.or_(*(cap_uses.c.period_start == sa.bindparam(period, type_=sa.Date) for period in _PERIODS)),
    )
)
_level_then = Statement(
    sa.select(tier_history.c.level)
    .where(tier_history.c.member_id == _member, tier_history.c.since_at < sa.bindparam("at", type_=tier_history.c.since_at.type))
    .order_by(tier_history.c.change_no.desc())
    .limit(1)
)
_first_level = Statement(
    sa.select(tier_history.c.level).where(tier_history.c.member_id == _member).order_by(tier_history.c.change_no).limit(1)
)
_LOT_COLUMNS = ("lot_id", "remaining", "held", "state", "expires_on", "opened_on")
_lots = Statement(
    sa.select(*(lots.c[name] for name in _LOT_COLUMNS), lots.c.source_kind, lots.c.source_id).where(
        lots.c.member_id == _member,
        lots.c.wallet == sa.bindparam("wallet"),
        lots.c.remaining > 0,
        lots.c.state != "expired",
    )
)
_PROFILE_COLUMNS = (
    "birthday_month birthday_day birthday_year birthday_calendar birthday_leap_month birthday_locked_until"
    " segments attributes"
).split()
_profile = Statement(
    sa.select(*(profiles.c[name] for name in _PROFILE_COLUMNS)).where(profiles.c.member_id == _member)
)

_update_member = Statement(
    members.update()
    .where(members.c.member_id == sa.bindparam("key", type_=members.c.member_id.type))
    .values({name: sa.bindparam(name, type_=members.c[name].type) for name in _WRITTEN})
)
_put_account = statements.upsert(
    accounts, **{name: statements.take(name) for name in _ACCOUNT_COLUMNS if name != "wallet"}
)
_add_qualified = statements.upsert(qualifying_days, amount=statements.add("amount"))
_put_cap_use = statements.upsert(cap_uses, used=statements.take("used"))


def lock(connection: sa.Connection, member_id: str) -> MemberState:
    """Lock the member's row for the rest of the transaction, and load its accounts.

    The accounts are read by a statement of their own after the lock: only then is what others committed visible.
    """
    return _loaded(connection, member_id, _lock)


def read(connection: sa.Connection, member_id: str) -> MemberState:
    """Load the member without a lock, to look and not to change."""
    return _loaded(connection, member_id, _read)


def _loaded(connection: sa.Connection, member_id: str, statement: Statement) -> MemberState:
    row = statement.one(connection, member_id=member_id)
    if row is None:
        raise NotFound("member_not_found", "There is no such member.")
    state = MemberState(member_id, *row)
    state.accounts = {wallet: Account(*figures) for wallet, *figures in _accounts.rows(connection, member_id=member_id)}
    return state


def qualified(connection: sa.Connection, state: MemberState, metric: str, start: date) -> int:
    """Return the sum of a tier metric from `start` on, with what this transaction has added to it."""
    row = _qualified.one(connection, member_id=state.member_id, metric=metric, start=start)
    added = sum(amount for (name, day), amount in state.qualified.items() if name == metric and day >= start)
    return int(row[0]) + added if row else added


def load_cap_uses(connection: sa.Connection, state: MemberState, starts: dict[str, date]) -> None:
    """Load the uses of the periods that begin on `starts` (a day for each kind of period), once in a transaction."""
    if starts["day"] in state.cap_days:
        return
    for cap, start, used in _caps.rows(connection, member_id=state.member_id, **starts):
        state.cap_used.setdefault((cap, start), used)
    state.cap_days.add(starts["day"])


def level_at(connection: sa.Connection, state: MemberState, at: datetime) -> str | None:
    """Return the level held before `at`; for a time before the first one, that first one."""
    if state.level_since_at is None or state.level_since_at < at:
        return state.level
    row = _level_then.one(connection, member_id=state.member_id, at=at)
    row = row or _first_level.one(connection, member_id=state.member_id)
    level: str | None = row[0] if row else state.level
    return level


def open_lots(connection: sa.Connection, member_id: str, wallet: str) -> list[tuple[Lot, str, str]]:
    """Return the lots of a wallet that have points left, each with the kind and the id of its source."""
    rows = _lots.rows(connection, member_id=member_id, wallet=wallet)
    return [(Lot(*row[:6]), row[6], row[7]) for row in rows]


def profile_facts(connection: sa.Connection, state: MemberState) -> dict[str, Any]:
    """Return the columns of the profile that rules may ask for, read once; empty where there is no profile."""
    if state.profile is None:
        row = _profile.one(connection, member_id=state.member_id)
        state.profile = dict(zip(_PROFILE_COLUMNS, row, strict=True)) if row else {}
    return state.profile


def write(connection: sa.Connection, states: list[MemberState]) -> None:
    """Write back everything of the members that may have changed."""
    by_id = [(state, {"member_id": state.member_id}) for state in states]
    _update_member.many(
        connection,
        [{"key": state.member_id} | {name: getattr(state, name) for name in _WRITTEN} for state in states],
    )
    _put_account.many(
        connection,
        [
            key | {"wallet": wallet} | {name: getattr(account, name) for name in _ACCOUNT_COLUMNS[1:]}
            for state, key in by_id
            for wallet, account in state.accounts.items()
        ],
    )
    _add_qualified.many(
        connection,
        [
            key | {"metric": metric, "day": day, "amount": amount}
            for state, key in by_id
            for (metric, day), amount in state.qualified.items()
            if amount
        ],
    )
    _put_cap_use.many(
        connection,
        [
            key | {"cap_id": cap, "period_start": start, "used": used}
            for state, key in by_id
            for (cap, start), used in state.cap_used.items()
        ],
    )
