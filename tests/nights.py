"""Accounts whose lots wait, end and lapse, made by the ledger's own moves; and what a night does to them, lot by lot.

`by_hand` is the reference for the nightly runs: the same through `rules.lapsing` and the moves of `services.ledger`.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_engine.services import ledger
from loyalty_engine.services.jobs.days import start_of
from loyalty_engine.services.jobs.kinds import NIGHT
from loyalty_engine.services.member_lots import lots_of
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import db, in_transaction
from loyalty_engine.store.tables import expiry_notices, metadata
from rules.lapsing import is_due, last_notice
from rules.lots import Lot
from rules.periods import plus
from rules.plan import Plan
from rules.programme import InactivityExpiry
from tests.builders import TILL

ZONE = ZoneInfo("Asia/Shanghai")

LAPSING_CLUB = dedent("""\
    programme: lapsing-club
    name: Lapsing Club
    money: CNY
    time_zone: Asia/Shanghai
    wallets:
      - {id: leaves, name: Leaves, expiry: {after: 2 months}}
      - {id: petals, name: Petals, pending: 14 days, expiry: {after: 1 month, at: end_of_month}}
      - {id: stamps, name: Stamps, pending: 3 days, expiry: {inactivity: 2 months, renewed_by: [event, redemption]}}
    accrual:
      - {id: base, wallet: leaves, earn: {points: 1, per: "1.00"}}
    tiers:
      metric: {points_of: leaves}
      window: {rolling: 12 months}
      levels:
        - {id: plain, name: Plain, from: 0}
        - {id: gold, name: Gold, from: 500}
    messages:
      expiry_notices: {days_before: [20, 7], at_least: 40, template: expiry}
      templates: [{id: expiry, purpose: service, en: "{points} points lapse on {expires_on}."}]
    """)

SILENT_CLUB = LAPSING_CLUB.replace(", at_least: 40", "").replace(
    "messages:\n  expiry_notices: {days_before: [20, 7], template: expiry}\n", "messages:\n"
)
"""The same without a notice."""

Move = Callable[[Posting, MemberState, Plan], None]


def noon(day: date) -> datetime:
    """Return noon of a day in the shop's zone."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZONE)


def act(member: str, at: datetime, move: Move) -> None:
    """Book a move on a member's account at an instant."""

    def work(connection: sa.Connection) -> None:
        posting = Posting(connection, TILL, at)
        move(posting, posting.member(member), plan_for(connection, at))
        posting.write()

    in_transaction(work)


def grant(member: str, wallet: str, points: int, at: datetime, kind: str = "gift") -> None:
    """Give points."""

    def move(posting: Posting, state: MemberState, plan: Plan) -> None:
        ledger.grant(posting, state, plan, plan.programme.wallet(wallet), points, Source(kind, new_id(), at))

    act(member, at, move)


def take_back(member: str, wallet: str, points: int, at: datetime) -> None:
    """Take points back, as a return does; what is missing is debt."""

    def move(posting: Posting, state: MemberState, plan: Plan) -> None:
        one = plan.programme.wallet(wallet)
        ledger.take_back(posting, state, plan, one, points, Source("taken-back", new_id(), at), "no purchase")

    act(member, at, move)


def use(member: str, wallet: str, points: int, at: datetime, kind: str = "spend") -> None:
    """Spend up to so many points, or with `hold` put them out of reach."""

    def move(posting: Posting, state: MemberState, plan: Plan) -> None:
        some = min(points, state.account(wallet).available)
        source = Source(f"by-{kind}", new_id(), at)
        if some and kind == "hold":
            ledger.hold(posting, state, plan, wallet, some, source)
        elif some:
            ledger.spend(posting, state, plan, wallet, some, source)

    act(member, at, move)


def restore(dumped: dict[str, list[tuple[Any, ...]]]) -> None:
    """Put every table back to what `tests.ledger.dump` found."""
    with db.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        for table in metadata.sorted_tables:
            names = table.columns.keys()
            rows = [dict(zip(names, row, strict=True)) for row in dumped[table.name]]
            if rows:
                connection.execute(table.insert(), rows)


def by_hand(member: str, day: date) -> None:
    """Do to a member what a night does, lot by lot: mature, notice, expire."""
    for one in (_mature, _notice, _expire):
        in_transaction(lambda connection, one=one: one(connection, member, day))


def _posting(connection: sa.Connection, member: str, day: date) -> tuple[Posting, MemberState, Plan]:
    at = start_of(day, ZONE)
    posting = Posting(connection, NIGHT, at)
    return posting, posting.member(member), plan_for(connection, at)


def _open(posting: Posting, state: MemberState) -> Iterator[tuple[str, Lot]]:
    for wallet in sorted(state.accounts):
        lots = [one.lot for one in lots_of(posting, state, wallet).values()]
        for lot in sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.opened_on, lot.lot_id)):
            yield wallet, lot


def _mature(connection: sa.Connection, member: str, day: date) -> None:
    posting, state, plan = _posting(connection, member, day)
    available_on = dict(connection.execute(sa.text("SELECT lot_id, available_on FROM lots")).fetchall())
    by_id = {str(lot): date.fromisoformat(str(on)) for lot, on in available_on.items()}
    for wallet, lot in list(_open(posting, state)):
        if lot.state == "pending" and by_id[lot.lot_id] <= day:
            ledger.mature(posting, state, plan, wallet, lot, Source("maturity", lot.lot_id, start_of(day, ZONE)))
    posting.write()


def end_of(plan: Plan, state: MemberState, wallet: str, lot: Lot) -> date | None:
    """Return the last day of a lot, its own or by inactivity."""
    expiry = plan.programme.wallet(wallet).expiry
    if lot.expires_on is None and isinstance(expiry, InactivityExpiry):
        return plus(state.account(wallet).active_on, expiry.after)
    return lot.expires_on


def _notice(connection: sa.Connection, member: str, day: date) -> None:
    posting, state, plan = _posting(connection, member, day)
    promised = plan.programme.messages.expiry_notices
    if promised is None:
        return
    sums: dict[tuple[str, date], list[Lot]] = {}
    for wallet, lot in _open(posting, state):
        end = end_of(plan, state, wallet, lot)
        if lot.state == "available" and end is not None:
            sums.setdefault((wallet, end), []).append(lot)
    there = {row[:4] for row in connection.execute(sa.select(expiry_notices))}
    for (wallet, end), lots in sums.items():
        points = sum(lot.remaining for lot in lots)
        for days in promised.days_before:
            long_enough = any(lot.opened_on + timedelta(days=days) <= end for lot in lots)
            if day >= end - timedelta(days=days) and long_enough and (member, wallet, end, days) not in there:
                status = "below" if points < promised.at_least else "planned"
                row = (member, wallet, end, days, points, status, day, start_of(day, ZONE))
                connection.execute(expiry_notices.insert().values(row))


def _expire(connection: sa.Connection, member: str, day: date) -> None:
    posting, state, plan = _posting(connection, member, day)
    promised = plan.programme.messages.expiry_notices
    last = last_notice(promised)
    notice = expiry_notices.c
    query = sa.select(notice.wallet, notice.expires_on, notice.planned_on).where(
        notice.member_id == member, notice.days_before == (last or 0)
    )
    planned = {(row[0], row[1]): row[2] for row in connection.execute(query)}
    expired = {
        row[0] for row in connection.execute(sa.text("SELECT source_id FROM ledger_entries WHERE kind = 'expiry'"))
    }
    for wallet, lot in list(_open(posting, state)):
        end = end_of(plan, state, wallet, lot)
        if lot.state != "available" or not lot.free or end is None:
            continue
        if is_due(end, lot.opened_on, day, promised, planned.get((wallet, end))):
            again = f"{lot.lot_id}/{state.last_seq + 1}" if lot.lot_id in expired else lot.lot_id
            ledger.expire(posting, state, plan, wallet, lot, Source("expiry", again, start_of(day, ZONE)))
    posting.write()
