"""Tells members what is about to lapse: each notice's message is planned together with the notice, thousands at once.

Where nothing can be sent the notice says so (`suppressed`), and counts all the same: nobody's points stay for ever
because a telephone number is missing. History that is replayed is not told.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.messages import Wanted, plan_rows
from loyalty_engine.store import accounts, expiry_notices
from loyalty_engine.store.nights.notices import Notice
from rules.lapsing import last_notice
from rules.plan import Plan
from rules.programme import ExpiryNotices
from rules.spans import day_ends

CAUSE = "notice"


def tell(connection: sa.Connection, plan: Plan, notices: Sequence[Notice], on: date, at: datetime) -> None:
    """Plan the messages of notices that were written on a day, planned at `at`, and mark those that can't be told."""
    promised = plan.programme.messages.expiry_notices
    days = last_notice(promised)
    assert promised is not None and days is not None, "there are no notices where none are promised"
    now = clock.now()
    through = {one: _through(one, on, days) for one in notices if one.status == "planned"}
    ends = {end: _good_until(plan, end) for end in set(through.values())}
    told = [one for one, end in through.items() if ends[end] > now]
    if not told:
        return
    balances = accounts.available(connection, sorted({one.member_id for one in told}))
    by_cause = {(one.member_id, _cause(one)): one for one in told}
    wanted = [
        _wanted(promised, one, through[one], ends[through[one]], balances.get((one.member_id, one.wallet), 0))
        for one in told
    ]
    rows = plan_rows(connection, plan, wanted, now)
    silent = [by_cause[row["member_id"], row["cause_id"]] for row in rows if row["status"] == "suppressed"]
    expiry_notices.suppress(connection, silent, _only_silent(silent, told), at)


def _only_silent(silent: Iterable[Notice], told: Iterable[Notice]) -> Collection[str]:
    """Return the members of whose notices of now none can be told."""
    dumb = set(silent)
    return {one.member_id for one in dumb} - {one.member_id for one in told if one not in dumb}


def _through(one: Notice, on: date, days: int) -> date:
    """Return the last day on which the points are there: a notice that comes late puts their end off."""
    return max(one.expires_on, on + timedelta(days=days - 1))


def _cause(one: Notice) -> str:
    return f"{one.wallet}:{one.expires_on}:{one.days_before}"


def _wanted(promised: ExpiryNotices, one: Notice, end: date, send_by: datetime, balance: int) -> Wanted:
    places: dict[str, str | int] = {
        "points": one.points,
        "wallet": one.wallet,
        "expires_on": f"{end}",
        "balance": balance,
    }
    return Wanted(one.member_id, promised.template, CAUSE, _cause(one), places, send_by)


def _good_until(plan: Plan, expires_on: date) -> datetime:
    """Return the last instant of the day through which the points are good: later nobody can use them."""
    return day_ends(expires_on, plan.programme.time_zone) - timedelta(microseconds=1)


def note_short_lots(to_tell: list[Wanted], plan: Plan, lots: Sequence[Mapping[str, Any]]) -> None:
    """Note a message for each new lot (its row) that ends before its last notice would come: it is told of now."""
    promised = plan.programme.messages.expiry_notices
    days = last_notice(promised)
    if promised is None or days is None:
        return
    for lot in lots:
        end = lot["expires_on"]
        if end is not None and end - lot["opened_on"] < timedelta(days=days) and lot["remaining"] >= promised.at_least:
            points = lot["remaining"]
            places = {"points": points, "wallet": lot["wallet"], "expires_on": f"{end}", "balance": points}
            cause = f"{lot['wallet']}:{end}:{lot['lot_id']}"
            to_tell.append(Wanted(lot["member_id"], promised.template, CAUSE, cause, places, _good_until(plan, end)))
