"""A member's own dates, such as a wedding: kept only where the programme marks them, for what else would they be for.

A date that is changed counts as set anew, so whatever asks how long it has been known asks again (PROGRAMME.md, Occasions).
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, Literal, cast

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import GONE, current_id, no_member
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import member_dates as store
from loyalty_engine.store import members
from loyalty_engine.store.session import in_transaction, reading
from rules.errors import Invalid, NotFound
from rules.facts import Birthday
from rules.periods import business_day
from rules.programme import OnMemberDate, Programme

_ADMITTED: Final = ("solar", "lunar")


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
    """Return a member's own dates, by name."""
    with reading() as connection:
        found = store.of_member(connection, current_id(connection, member_id))
    return tuple(OwnDate(one.name, _day(one), one.set_on) for one in found)


def _day(one: store.OwnDate) -> Birthday:
    assert one.calendar in _ADMITTED, "the table admits no other"
    calendar = cast(Literal["solar", "lunar"], one.calendar)
    return Birthday(one.month, one.day, one.year, calendar, one.leap_month)


def put(actor: Actor, member_id: str, name: str, day: Birthday) -> None:
    """Keep a date. Raises `Invalid` for a name that the programme doesn't mark, and for a day that isn't there."""
    in_transaction(partial(_put, actor=actor, member_id=member_id, name=name, day=day))


def _put(connection: sa.Connection, actor: Actor, member_id: str, name: str, day: Birthday) -> None:
    locked = _lock(connection, member_id)
    programme = plan_for(connection, clock.now()).programme
    today = business_day(clock.now(), programme.time_zone)
    if name not in _marked_by(programme):
        known = ", ".join(_marked_by(programme)) or "none"
        raise Invalid("date_unknown", "The programme marks no such date.", {"name": [f"must be one of: {known}"]})
    wrong = Wrong()
    checking.birthday(wrong, "date", day, today)
    wrong.refuse_any("date_invalid", "The date")
    before = {one.name: one for one in store.of_member(connection, locked)}.get(name)
    if before is None or _day(before) != day:
        kept = store.OwnDate(name, day.month, day.day, day.year, day.calendar, day.leap_month, today)
        store.put(connection, locked, kept)
        audit_log.record(connection, actor, "member.date", locked, {"name": name})


def remove(actor: Actor, member_id: str, name: str) -> None:
    """Forget a date; raises `NotFound` where there is none of that name."""
    in_transaction(partial(_remove, actor=actor, member_id=member_id, name=name))


def _remove(connection: sa.Connection, actor: Actor, member_id: str, name: str) -> None:
    locked = _lock(connection, member_id)
    if not store.remove(connection, locked, name):
        raise NotFound("date_not_found", "There is no date of that name.")
    audit_log.record(connection, actor, "member.date_removed", locked, {"name": name})


def _lock(connection: sa.Connection, member_id: str) -> str:
    known = current_id(connection, member_id)
    if members.lock(connection, known) in (None, *GONE):
        raise no_member()
    return known
