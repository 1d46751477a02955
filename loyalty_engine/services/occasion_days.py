"""Whose day it is: the members to look at for an occasion, found by an index, and what falls on the day of each.

Who is looked at may turn out to have nothing: what was stored when the index was asked is asked again, by then locked.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple, assert_never

import sqlalchemy as sa

from loyalty_engine.services.jobs.days import start_of
from loyalty_engine.store import occasions as store
from loyalty_engine.store import survivors
from loyalty_engine.store.occasions import Due, OwnDay
from rules import birthdays, occasions
from rules.facts import Birthday
from rules.occasions import Occurrence
from rules.periods import Period, business_day
from rules.plan import Plan
from rules.programme import AfterPurchase, Occasion, OnDate, OnHoliday, OnLunar, OnMemberDate
from rules.tiers import rank

_TILLS_DIFFER_BY: Final = 2
"""Days between a till's day and the programme's: the earth has a little more than one of them at a time."""
A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Search:
    """Which day of an occasion is looked at, and on which day that is done; for deeds since when, and before when."""

    plan: Plan
    occasion: Occasion
    day: date
    today: date
    since: datetime | None = None
    before: datetime | None = None


class Found(NamedTuple):
    """An occasion that falls on a member's day; `set_on` is since when that day is known."""

    occurrence: Occurrence
    set_on: date | None = None


def of_the_night(plan: Plan, occasion: Occasion, day: date, today: date) -> Search | None:
    """Return what the night of `day` looks at: that day, or what members did the day before; None for what is over."""
    if occasion.on not in ("enrolment", "tier_upgrade"):
        return None if occasions.is_over(occasion.span, day, today) else Search(plan, occasion, day, today)
    if occasions.welcome_is_over(occasion.span, day - A_DAY, today):
        return None
    zone = plan.programme.time_zone
    return Search(plan, occasion, day, today, start_of(day - A_DAY, zone), start_of(day, zone))


def whom_to_look_at(search: Search) -> Due | None:
    """Return the members whose day it may be; None where it is nobody's."""
    occasion, day = search.occasion, search.day
    match occasion.on:
        case "birthday":
            return store.born_on(birthdays.stored_days(day, occasion.leap_day))
        case OnMemberDate(name):
            return store.with_date(name, birthdays.stored_days(day, occasion.leap_day))
        case "anniversary":
            return store.joined_on(occasions.joining_days(day, occasion.leap_day))
        case OnHoliday() | OnLunar() | OnDate():
            return store.everybody() if occasions.days_between(occasion.on, day, day) else None
        case AfterPurchase(after):
            days = occasions.purchase_days(day, after)
            return store.bought_on(days, _around(days)) if days else None
        case "enrolment":
            return _enrolled(search)
        case "tier_upgrade":
            assert search.since is not None, "what members did is looked for since a time"
            return store.changed_between(search.since, search.before)
        case _:
            assert_never(occasion.on)


def _around(days: Sequence[date]) -> list[date]:
    first, last = min(days) - _TILLS_DIFFER_BY * A_DAY, max(days) + _TILLS_DIFFER_BY * A_DAY
    return [first + more * A_DAY for more in range((last - first).days + 1)]


def _enrolled(search: Search) -> Due:
    if search.before is not None:
        return store.joined_on([search.day - A_DAY])
    assert search.since is not None, "what members did is looked for since a time"
    return store.joined_since([search.day - A_DAY, search.day], search.since)


def found_for(connection: sa.Connection, search: Search, ids: Collection[str]) -> Mapping[str, Sequence[Found]]:
    """Return what falls on the day of each of these members, as it is stored now."""
    occasion, day = search.occasion, search.day
    match occasion.on:
        case "birthday":
            return _own_days(search, store.birthdays(connection, ids))
        case OnMemberDate(name):
            return _own_days(search, store.dates_named(connection, ids, name))
        case "anniversary":
            joined = store.joining_days(connection, ids)
            return {one: _anniversary(search, joined_on) for one, joined_on in joined.items()}
        case OnHoliday() | OnLunar() | OnDate():
            found = [Found(one) for one in occasions.days_between(occasion.on, day, day)]
            return dict.fromkeys(ids, found)
        case AfterPurchase(after):
            return _thanks(connection, ids, day, after)
        case "enrolment":
            joined = store.joining_days(connection, ids)
            welcome = [Found(Occurrence(occasions.ENROLMENT, search.today))]
            return {one: welcome for one, joined_on in joined.items() if not _is_over(search, joined_on)}
        case "tier_upgrade":
            return _upgrades(connection, search, ids)
        case _:
            assert_never(occasion.on)


def _own_days(search: Search, stored: Mapping[str, OwnDay]) -> dict[str, list[Found]]:
    leap_day, day = search.occasion.leap_day, search.day
    return {
        member_id: [
            Found(one, own.set_on) for one in occasions.personal_days_between(birthday_of(own), day, day, leap_day)
        ]
        for member_id, own in stored.items()
    }


def birthday_of(own: OwnDay) -> Birthday:
    """Return a stored day as rules know it."""
    calendar: Literal["solar", "lunar"] = "lunar" if own.calendar == "lunar" else "solar"
    return Birthday(own.month, own.day, own.year, calendar, bool(own.leap_month))


def _anniversary(search: Search, joined_on: date) -> list[Found]:
    found = occasions.anniversaries_between(joined_on, search.day, search.day, search.occasion.leap_day)
    return [Found(one) for one in found]


def _thanks(connection: sa.Connection, ids: Collection[str], day: date, after: Period) -> dict[str, list[Found]]:
    """Return what purchases bring: the members' own, and those of members who were merged into them."""
    leads_to = survivors.families(connection, ids)
    bought = store.purchase_days(connection, {*ids, *leads_to}, occasions.purchase_days(day, after))
    found: dict[str, set[date]] = {}
    for member_id, days in bought.items():
        found.setdefault(leads_to.get(member_id, member_id), set()).update(days)
    return {one: [Found(occasions.after_purchase(on, after)) for on in sorted(days)] for one, days in found.items()}


def _upgrades(connection: sa.Connection, search: Search, ids: Collection[str]) -> dict[str, list[Found]]:
    tiers, zone = search.plan.programme.tiers, search.plan.programme.time_zone
    assert search.since is not None, "what members did is looked for since a time"
    if tiers is None:
        return {}
    return {
        member_id: [
            Found(Occurrence(change.change_no, search.today))
            for change in changes
            if rank(tiers, change.level) > rank(tiers, change.before)
            and not _is_over(search, business_day(change.booked_at, zone))
        ]
        for member_id, changes in store.changes(connection, ids, search.since, search.before).items()
    }


def _is_over(search: Search, day: date) -> bool:
    return occasions.welcome_is_over(search.occasion.span, day, search.today)
