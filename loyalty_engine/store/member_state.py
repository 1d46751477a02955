"""One member as a transaction sees and changes it: locked, loaded in few statements, written back once at the end."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

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


class OpenLot(NamedTuple):
    """A lot that has points left, and the kind and the id of its source."""

    lot: Lot
    source_kind: str
    source_id: str


@dataclass(slots=True)
class MemberState:
    """The member's row and, as far as they were asked for, its accounts, sums and cap uses."""

    member_id: str
    status: str
    language: str
    last_seq: int
    joined_on: date
    merged_into: str | None
    level: str | None
    level_since_at: datetime | None
    level_review_on: date | None
    tier_changes: int
    purchases_count: int
    last_purchase_on: date | None
    last_booked_at: datetime | None
    level_grace_until: date | None
    level_by: str
    accounts: dict[str, Account] = field(default_factory=dict)
    lots: dict[str, dict[str, OpenLot]] = field(default_factory=dict)
    """Wallet to its open lots by id, where they were asked for."""
    cap_used: dict[tuple[str, date], int] = field(default_factory=dict)
    qualified: dict[str, dict[date, int]] = field(default_factory=dict)
    """What this transaction added, by metric and day; not yet written."""
    sums: dict[tuple[str, date], int] = field(default_factory=dict)
    """What was there before, by metric and the first day that counts."""
    cap_starts: set[date] = field(default_factory=set)
    """The beginnings of the periods whose cap uses were loaded."""
    is_new: bool = False
    """Whether nothing that was booked for the member is stored."""
    profile: dict[str, Any] | None = None
    person: tuple[Any, ...] | None = None
    """The profile as rules read it, once it was read."""
    before: dict[object, object] = field(default_factory=dict)
    """What is stored, so that only what changed is written."""

    @classmethod
    def stored(cls, *row: Any) -> "MemberState":
        """Return the state that a row holds: the member's id, then `MEMBER_COLUMNS`."""
        state = cls(*row)
        state.before[_MEMBER] = _written(state)
        state.is_new = state.last_booked_at is None
        return state

    def is_stored(self, status: str, written: tuple[Any, ...]) -> bool:
        """Tell whether the member's row, read again, is the one that was loaded."""
        return status == self.status and written == self.before[_MEMBER]

    def qualify(self, metric: str, day: date, amount: int) -> None:
        """Add to a day's sum, by which tiers are judged."""
        days = self.qualified.setdefault(metric, {})
        days[day] = days.get(day, 0) + amount

    def account(self, wallet: str) -> Account:
        """Return the account of `wallet`, opening it where there is none."""
        return self.accounts.setdefault(wallet, Account())

    def load_account(self, wallet: str, account: Account) -> None:
        """Take over a stored account."""
        self.accounts[wallet] = account
        self.before[wallet] = _figures(account)

    def load_cap_use(self, cap: str, start: date, used: int) -> None:
        """Take over a stored use of a cap; what this transaction did to it stays."""
        self.before.setdefault((cap, start), used)
        self.cap_used.setdefault((cap, start), used)


_MEMBER = None
"""The key in `before` of the member's own row; a wallet and (cap, period) are the others."""
MEMBER_COLUMNS = (
    "status language last_seq joined_on merged_into level level_since_at level_review_on tier_changes purchases_count"
    " last_purchase_on last_booked_at level_grace_until level_by"
).split()
WRITTEN_COLUMNS = MEMBER_COLUMNS[2:3] + MEMBER_COLUMNS[5:]
"""What a posting changes: all but the status, the language, the day of joining and a merge."""
ACCOUNT_COLUMNS = "wallet available pending held debt lifetime active_on next_expires_on next_expires_points".split()
_written = attrgetter(*WRITTEN_COLUMNS)
_figures = attrgetter(*ACCOUNT_COLUMNS[1:])
_member = sa.bindparam("member_id", type_=members.c.member_id.type)

_select_member = sa.select(*(members.c[name] for name in MEMBER_COLUMNS)).where(members.c.member_id == _member)
_lock = Statement(_select_member.with_for_update())
_read = Statement(_select_member)
_accounts = Statement(sa.select(*(accounts.c[name] for name in ACCOUNT_COLUMNS)).where(accounts.c.member_id == _member))
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
    .where(
        tier_history.c.member_id == _member,
        tier_history.c.since_at <= sa.bindparam("at", type_=tier_history.c.since_at.type),
    )
    .order_by(tier_history.c.change_no.desc())
    .limit(1)
)
_first_level = Statement(
    sa.select(tier_history.c.level)
    .where(tier_history.c.member_id == _member)
    .order_by(tier_history.c.change_no)
    .limit(1)
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
PROFILE_COLUMNS = (
    "birthday_month birthday_day birthday_year birthday_calendar birthday_leap_month birthday_locked_until"
    " segments attributes"
).split()
_profile = Statement(sa.select(*(profiles.c[name] for name in PROFILE_COLUMNS)).where(profiles.c.member_id == _member))

_update_member = Statement(
    members.update()
    .where(members.c.member_id == sa.bindparam("key", type_=members.c.member_id.type))
    .values({name: sa.bindparam(name, type_=members.c[name].type) for name in WRITTEN_COLUMNS})
)
_put_account = statements.upsert(
    accounts, **{name: statements.take(name) for name in ACCOUNT_COLUMNS if name != "wallet"}
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
    state = MemberState.stored(member_id, *row)
    for wallet, *figures in _accounts.rows(connection, member_id=member_id):
        state.load_account(wallet, Account(*figures))
    return state


def qualified(connection: sa.Connection, state: MemberState, metric: str, start: date) -> int:
    """Return the sum of a tier metric from `start` on, with what this transaction has added to it."""
    before = state.sums.get((metric, start))
    if before is None:
        row = (
            None if state.is_new else _qualified.one(connection, member_id=state.member_id, metric=metric, start=start)
        )
        before = state.sums[metric, start] = int(row[0]) if row else 0
    return before + sum([amount for day, amount in state.qualified.get(metric, {}).items() if day >= start])


def load_cap_uses(connection: sa.Connection, state: MemberState, starts: Collection[date]) -> None:
    """Load the cap uses of the periods that begin on `starts`, at most one of each kind, once in a transaction."""
    missing = [start for start in starts if start not in state.cap_starts]
    if not missing:
        return
    asked = {kind: missing[min(place, len(missing) - 1)] for place, kind in enumerate(_PERIODS)}
    for cap, start, used in _caps.rows(connection, member_id=state.member_id, **asked):
        state.load_cap_use(cap, start, used)
    state.cap_starts.update(missing)


def level_at(connection: sa.Connection, state: MemberState, at: datetime) -> str | None:
    """Return the level held at `at`, by what is booked; for a time before the first one, that first one."""
    if state.level_since_at is None or state.level_since_at <= at:
        return state.level
    row = _level_then.one(connection, member_id=state.member_id, at=at)
    row = row or _first_level.one(connection, member_id=state.member_id)
    level: str | None = row[0] if row else state.level
    return level


def open_lots(connection: sa.Connection, member_id: str, wallet: str) -> list[OpenLot]:
    """Return the lots of a wallet that have points left."""
    rows = _lots.rows(connection, member_id=member_id, wallet=wallet)
    return [OpenLot(Lot(*row[:6]), row[6], row[7]) for row in rows]


def profile_facts(connection: sa.Connection, state: MemberState) -> dict[str, Any]:
    """Return the columns of the profile that rules may ask for, read once; empty where there is no profile."""
    if state.profile is None:
        row = _profile.one(connection, member_id=state.member_id)
        state.profile = dict(zip(PROFILE_COLUMNS, row, strict=True)) if row else {}
    return state.profile


def write(connection: sa.Connection, states: list[MemberState]) -> None:
    """Write back everything of the members that changed."""
    _update_member.many(
        connection,
        [
            {"key": state.member_id, **dict(zip(WRITTEN_COLUMNS, row, strict=True))}
            for state in states
            if (row := _written(state)) != state.before.get(_MEMBER)
        ],
    )
    _put_account.many(
        connection,
        [
            {"member_id": state.member_id, "wallet": wallet, **dict(zip(ACCOUNT_COLUMNS[1:], figures, strict=True))}
            for state in states
            for wallet, account in state.accounts.items()
            if (figures := _figures(account)) != state.before.get(wallet)
        ],
    )
    _add_qualified.many(
        connection,
        [
            {"member_id": state.member_id, "metric": metric, "day": day, "amount": amount}
            for state in states
            for metric, days in state.qualified.items()
            for day, amount in days.items()
            if amount
        ],
    )
    _put_cap_use.many(
        connection,
        [
            {"member_id": state.member_id, "cap_id": cap, "period_start": start, "used": used}
            for state in states
            for (cap, start), used in state.cap_used.items()
            if used != state.before.get((cap, start))
        ],
    )
