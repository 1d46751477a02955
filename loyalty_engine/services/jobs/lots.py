"""The nightly jobs on lots: what waited becomes available, ends are noticed, and what has ended lapses."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services import expiry_messages
from loyalty_engine.services.jobs.kinds import Counts, Due, Night, by_member
from loyalty_engine.store.nights import expiry as lapses
from loyalty_engine.store.nights import maturity
from loyalty_engine.store.nights import notices as ends
from loyalty_engine.store.nights.expiry import Lapsing
from loyalty_engine.store.nights.notices import Noticing
from rules.lapsing import last_notice
from rules.periods import Period, business_day
from rules.programme import InactivityExpiry, Programme


def lapsing(night: Night) -> Lapsing:
    """Return what lapses on a night."""
    last = last_notice(night.plan.programme.messages.expiry_notices)
    return Lapsing(night.day, last, _inactivity(night.plan.programme))


def _inactivity(programme: Programme) -> tuple[tuple[str, Period], ...]:
    return tuple(
        (wallet.id, wallet.expiry.after) for wallet in programme.wallets if isinstance(wallet.expiry, InactivityExpiry)
    )


def noticing(programme: Programme, day: date) -> Noticing | None:
    """Return what has to be noticed on a day; None where the programme promises nothing."""
    promised = programme.messages.expiry_notices
    if promised is None:
        return None
    return Noticing(day, promised.days_before, promised.at_least, _inactivity(programme))


def _mature(connection: sa.Connection, ids: Sequence[str], night: Night) -> Counts:
    done = maturity.mature(connection, ids, night.day, night.booking)
    return {"members": len(ids), "lots": done.lots, "points": done.points}


def _expire(connection: sa.Connection, ids: Sequence[str], night: Night) -> Counts:
    done = lapses.expire(connection, ids, lapsing(night), night.booking)
    return {"members": len(ids), "lots": done.lots, "points": done.points}


def _due_notices(night: Night) -> Due | None:
    asked = noticing(night.plan.programme, night.day)
    return None if asked is None else ends.due(asked)


def _plan_notices(connection: sa.Connection, ids: Sequence[str], night: Night) -> Counts:
    """A notice that is made up for is planned today, not on the day that was missed: the member gets its time."""
    asked = noticing(night.plan.programme, night.day)
    assert asked is not None, "nobody is noticed where nothing is promised"
    on = business_day(night.at, night.plan.programme.time_zone)
    written = ends.plan(connection, ids, asked, on, night.at)
    expiry_messages.tell(connection, night.plan, written, on, night.at)
    return {"members": len(ids), "notices": len(written)}


PENDING: Final = by_member("pending", lambda night: maturity.due(night.day), _mature)
NOTICES: Final = by_member("notices", _due_notices, _plan_notices)
EXPIRY: Final = by_member("expiry", lambda night: lapses.due(lapsing(night)), _expire)
