"""What a member had at the end of any past day: balances, lots and level, recomputed from what was booked by then.

Later entries change nothing of it: a return of today does not lower what was there yesterday. A day is the programme's.
An id of a member that was merged by then leads to the other one, as it does today.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from loyalty_engine.services import days
from loyalty_engine.services.member_tier import history_words
from loyalty_engine.services.purchase_answers import balances as balances_of
from loyalty_engine.store import as_of as store
from loyalty_engine.store import member_state, survivors
from loyalty_engine.store.as_of import LotThen
from loyalty_engine.store.member_state import Account
from loyalty_engine.store.session import snapshot
from rules.lots import soonest_first
from rules.lots_then import is_open


def balances(member_id: str, day: date) -> dict[str, Any]:
    """Return the figures of every wallet at the end of `day`; raises `NotFound`, and `Invalid` for a day to come.

    `next_expiry` is the soonest end of a lot. A wallet that lapses by inactivity has none on a past day: what the member
    did after that day has put it off.
    """
    with snapshot() as connection:
        asked = days.as_of(connection, day)
        member_id = survivors.then(connection, member_id, asked.before)
        seq = store.last_seq(connection, member_id, asked.before)
        found = store.figures(connection, member_id, seq)
        lots = store.lots_then(connection, member_id, seq)
    accounts = {wallet: Account(sums.available, sums.pending, sums.held, sums.debt) for wallet, sums in found.items()}
    told = [one | {"next_expiry": _next_expiry(one["wallet"], lots)} for one in balances_of(asked.programme, accounts)]
    return {"member_id": member_id, "as_of": day.isoformat(), "balances": told}


def _next_expiry(wallet: str, lots: Sequence[LotThen]) -> dict[str, Any] | None:
    ends: dict[date, int] = {}
    for one in lots:
        if one.wallet == wallet and one.lot.expires_on is not None and is_open(one.lot):
            ends[one.lot.expires_on] = ends.get(one.lot.expires_on, 0) + one.lot.remaining
    soonest = min(ends, default=None)
    return None if soonest is None else {"points": ends[soonest], "on": soonest.isoformat()}


def lots(member_id: str, day: date | None) -> dict[str, Any]:
    """Return the open lots of every wallet at the end of `day`, today's where none is named: soonest expiry first."""
    with snapshot() as connection:
        day = day or days.today(connection)
        before = days.as_of(connection, day).before
        member_id = survivors.then(connection, member_id, before)
        seq = store.last_seq(connection, member_id, before)
        found = {one.lot.lot_id: one for one in store.lots_then(connection, member_id, seq)}
    ordered = soonest_first(one.lot for one in found.values() if is_open(one.lot))
    told = sorted((_lot(found[lot.lot_id]) for lot in ordered), key=lambda one: str(one["wallet"]))
    return {"member_id": member_id, "as_of": day.isoformat(), "lots": told}


def _lot(one: LotThen) -> dict[str, Any]:
    lot = one.lot
    return {
        "lot_id": lot.lot_id,
        "wallet": one.wallet,
        "granted": one.granted,
        "remaining": lot.remaining,
        "held": lot.held,
        "state": lot.state,
        "opened_on": lot.opened_on.isoformat(),
        "available_on": one.available_on.isoformat(),
        "expires_on": lot.expires_on.isoformat() if lot.expires_on else None,
        "level": one.level,
        "source": {"kind": one.source_kind, "id": one.source_id},
    }


def tier(member_id: str, day: date) -> dict[str, Any]:
    """Return the level at the end of `day`, and the changes by then.

    What was counted towards the next level is not told: a return lowers that on the day of its purchase, and so past.
    """
    with snapshot() as connection:
        asked = days.as_of(connection, day)
        member_id = survivors.then(connection, member_id, asked.before)
        store.last_seq(connection, member_id, asked.before)
        changes = store.tier_changes(connection, member_id, asked.before)
        history = history_words(connection, changes, member_state.read(connection, member_id).language)
    last: Mapping[str, Any] = changes[-1] if changes else {"level": None, "since_at": None, "review_on": None}
    return {
        "member_id": member_id,
        "as_of": day.isoformat(),
        "level": last["level"],
        "since": last["since_at"].isoformat() if last["since_at"] else None,
        "review_on": last["review_on"].isoformat() if last["review_on"] else None,
        "history": history,
    }
