"""A member's own dates, such as a wedding: kept only where the programme marks them, for what else would they be for.

Set once, as a birthday is; another day takes staff and a reason. Whoever takes a date away and puts another in its place
has set it anew: what asks how long it has been known asks again, and the months between two gifts hold whatever happens.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, Literal

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking, reasons, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import GONE, current_id, no_member
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import member_dates as store
from loyalty_engine.store import members
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.facts import Birthday
from rules.periods import business_day
from rules.programme import OnMemberDate, Programme

MOST: Final = 10
"""How many dates a member may have."""


@dataclass(frozen=True, slots=True)
class OwnDate:
    """A day of the year, in either calendar, under a name of the programme's."""

    name: str
    day: Birthday
    set_on: date


def marked() -> tuple[str, ...]:
    """Return the names of the dates that the programme of this moment marks."""
    with reading() as connection:
        return _marked_by(plan_for(connection, clock.now()).programme)


def _marked_by(programme: Programme) -> tuple[str, ...]:
    names = (one.on.name for one in programme.occasions if isinstance(one.on, OnMemberDate))
    return tuple(dict.fromkeys(names))


def of_member(member_id: str) -> tuple[OwnDate, ...]:
    """Return a member's own dates, by name; raises `NotFound` for nobody's."""
    with reading() as connection:
        known = current_id(connection, member_id)
        if members.status(connection, known) in (None, *GONE):
            raise no_member()
        return tuple(_own(one) for one in store.of_member(connection, known))


def _own(one: store.OwnDate) -> OwnDate:
    calendar: Literal["solar", "lunar"] = "lunar" if one.calendar == "lunar" else "solar"
    return OwnDate(one.name, Birthday(one.month, one.day, one.year, calendar, bool(one.leap_month)), one.set_on)


def put(actor: Actor, member_id: str, name: str, day: Birthday, reason: str | None = None) -> OwnDate:
    """Keep a date, and return it.

    Raises `Invalid` for a name that the programme doesn't mark, and for a day that isn't there or is still to come;
    `Forbidden` for another day than the one that is set, where it isn't staff who ask; `Conflict` where there are
    `MOST` already.
    """
    return in_transaction(partial(_put, actor=actor, member_id=member_id, name=name, day=day, reason=reason))


def _put(
    connection: sa.Connection, actor: Actor, member_id: str, name: str, day: Birthday, reason: str | None
) -> OwnDate:
    locked = _lock(connection, member_id)
    programme = plan_for(connection, clock.now()).programme
    today = business_day(clock.now(), programme.time_zone)
    _check(programme, name, day, today)
    there = {one.name: _own(one) for one in store.of_member(connection, locked)}
    before = there.get(name)
    if before is not None and before.day == day:
        return before
    if before is None and len(there) >= MOST:
        detail = f"A member has {MOST} dates at most: take one away first."
        raise Conflict("dates_full", detail, {"name": [f"there are {MOST} already"]})
    told: dict[str, Any] = {"name": name}
    if before is not None:
        if actor.role not in ("staff", "admin"):
            raise Forbidden("date_set", "A date is set once; ask the staff to change it.")
        told["reason"] = reasons.why(reason or "")
    store.put(
        connection, locked, store.OwnDate(name, day.month, day.day, day.year, day.calendar, day.leap_month, today)
    )
    audit_log.record(connection, actor, "member.set_date", locked, told)
    webhooks.emit(connection, locked, "member", {"change": "changed", "fields": ["dates"]})
    return OwnDate(name, day, today)


def _check(programme: Programme, name: str, day: Birthday, today: date) -> None:
    if name not in _marked_by(programme):
        known = ", ".join(_marked_by(programme)) or "none"
        raise Invalid("date_unknown", "The programme marks no such date.", {"name": [f"must be one of: {known}"]})
    wrong = Wrong()
    checking.birthday(wrong, "date", day, today)
    wrong.refuse_any("date_invalid", "The date")


def remove(actor: Actor, member_id: str, name: str) -> None:
    """Forget a date; raises `NotFound` where there is none of that name."""
    in_transaction(partial(_remove, actor=actor, member_id=member_id, name=name))


def _remove(connection: sa.Connection, actor: Actor, member_id: str, name: str) -> None:
    locked = _lock(connection, member_id)
    if not store.remove(connection, locked, name):
        raise NotFound("date_not_found", "There is no date of that name.")
    audit_log.record(connection, actor, "member.remove_date", locked, {"name": name})
    webhooks.emit(connection, locked, "member", {"change": "changed", "fields": ["dates"]})


def _lock(connection: sa.Connection, member_id: str) -> str:
    known = current_id(connection, member_id)
    if members.lock(connection, known) in (None, *GONE):
        raise no_member()
    return known
