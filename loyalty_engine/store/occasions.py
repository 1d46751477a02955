"""Finds the members whose day it is by an index, and keeps what each was granted, so that nothing is given twice.

None of the queries joins two tables: each gives the members to look at, and `services.occasion_days` asks for what it
needs of them by their ids.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store import statements
from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.survivors import MERGE, MERGE_GRACE, MERGE_MANUAL
from loyalty_engine.store.tables import (
    member_dates,
    members,
    occasions_granted,
    phone_gifts,
    profiles,
    purchases,
    tier_history,
)
from rules.birthdays import StoredDay

Due = sa.Select[Any] | sa.CompoundSelect[Any]

_ACTIVE: Final = members.c.status == "active"
_UPGRADES_NOT_BY: Final = ("manual", "manual_end", MERGE, MERGE_MANUAL, MERGE_GRACE, "import", "enrolment")
"""Sources of tier changes that are no upgrade of the member's own making."""
_CHANGED: Final = sa.and_(
    # Written out, because SQLite takes a partial index only for a condition that it can read.
    tier_history.c.change_no > sa.literal_column("1"),
    tier_history.c.source_kind.not_in(_UPGRADES_NOT_BY),
)
_PROFILE_DAY: Final = tuple(
    profiles.c[f"birthday_{name}"] for name in "month day year calendar leap_month set_on".split()
)
_MEMBER_DAY: Final = tuple(member_dates.c[name] for name in "month day year calendar leap_month set_on".split())

_put_granted = statements.insert_once(occasions_granted)
_put_phone_gift = statements.insert_once(phone_gifts)


class Granted(NamedTuple):
    """That an occasion was granted: its key, and its day."""

    occurrence: int
    on_day: date


class OwnDay(NamedTuple):
    """A birthday or another day of a member's own, as it is stored."""

    month: int
    day: int
    year: int | None
    calendar: str
    leap_month: bool | None
    set_on: date | None


class Change(NamedTuple):
    """A change of level that may be an upgrade."""

    change_no: int
    before: str | None
    level: str | None
    booked_at: datetime


# Whom to look at


def born_on(days: Sequence[StoredDay]) -> Due:
    """Return the members with one of these birthdays."""
    row = profiles.c
    return sa.union_all(*(
        sa.select(row.member_id).where(
            row.birthday_month == one.month, row.birthday_day == one.day, row.birthday_calendar == one.calendar,
            _leap(row.birthday_leap_month, one),
        ) for one in days
    ))  # fmt: skip


def with_date(name: str, days: Sequence[StoredDay]) -> Due:
    """Return the members whose own day of that name is one of these."""
    row = member_dates.c
    return sa.union_all(*(
        sa.select(row.member_id).where(
            row.name == name, row.month == one.month, row.day == one.day, row.calendar == one.calendar,
            _leap(row.leap_month, one),
        ) for one in days
    ))  # fmt: skip


def _leap(column: sa.ColumnElement[Any], day: StoredDay) -> sa.ColumnElement[bool]:
    return sa.func.coalesce(column, sa.false()) == sa.literal(day.leap_month, sa.Boolean)


def joined_on(days: Collection[date]) -> Due:
    """Return the members who joined on one of these days."""
    return sa.select(members.c.member_id).where(members.c.joined_on.in_(sorted(days)), _ACTIVE)


def joined_since(days: Collection[date], since: datetime) -> Due:
    """Return those of them who were enrolled since an instant."""
    query = sa.select(members.c.member_id).where(members.c.joined_on.in_(sorted(days)), _ACTIVE)
    return query.where(members.c.enrolled_at >= since)


def everybody() -> Due:
    """Return all who are members."""
    return sa.select(members.c.member_id).where(_ACTIVE)


def bought_on(days: Sequence[date], around: Sequence[date]) -> Due:
    """Return the members with a purchase on one of these business days; `around` are the days of tills that may be."""
    row = purchases.c
    return sa.select(row.member_id).where(row.till_day.in_(around), row.business_day.in_(days), row.status == "posted")


def changed_between(since: datetime, before: datetime | None) -> Due:
    """Return the members whose level changed by what they did, or by a review."""
    return sa.select(tier_history.c.member_id).where(_CHANGED, *_booked(since, before))


def _booked(since: datetime, before: datetime | None) -> Iterator[sa.ColumnElement[bool]]:
    yield tier_history.c.booked_at >= since
    if before is not None:
        yield tier_history.c.booked_at < before


# What is known of those


def birthdays(connection: sa.Connection, ids: Collection[str]) -> dict[str, OwnDay]:
    """Return the birthdays of these members, as far as they are known."""
    query = sa.select(profiles.c.member_id, *_PROFILE_DAY).where(profiles.c.birthday_month.is_not(None))
    rows = connection.execute(query.where(these(connection, profiles.c.member_id, ids)))
    return {str(row[0]): OwnDay(*row[1:]) for row in rows}


def dates_named(connection: sa.Connection, ids: Collection[str], name: str) -> dict[str, OwnDay]:
    """Return these members' own days of a name."""
    query = sa.select(member_dates.c.member_id, *_MEMBER_DAY).where(member_dates.c.name == name)
    rows = connection.execute(query.where(these(connection, member_dates.c.member_id, ids)))
    return {str(row[0]): OwnDay(*row[1:]) for row in rows}


def active(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    """Return those of these members who may be given something."""
    query = sa.select(members.c.member_id).where(these(connection, members.c.member_id, ids), _ACTIVE)
    return {str(member_id) for member_id in connection.scalars(query)}


def joining_days(connection: sa.Connection, ids: Collection[str]) -> dict[str, date]:
    """Return when these members joined."""
    query = sa.select(members.c.member_id, members.c.joined_on)
    rows = connection.execute(query.where(these(connection, members.c.member_id, ids), _ACTIVE))
    return {str(member_id): joined for member_id, joined in rows}


def purchase_days(connection: sa.Connection, ids: Collection[str], days: Sequence[date]) -> dict[str, list[date]]:
    """Return on which of `days` these members bought something that they kept at least a part of."""
    row = purchases.c
    query = sa.select(row.member_id, row.business_day, row.left_units).where(
        these(connection, row.member_id, ids), row.business_day.in_(days), row.status == "posted"
    )
    found: dict[str, set[date]] = {}
    for member_id, day, left in connection.execute(query):
        if left is None or any(json.loads(left).values()):
            found.setdefault(str(member_id), set()).add(day)
    return {member_id: sorted(kept) for member_id, kept in found.items()}


def changes(
    connection: sa.Connection, ids: Collection[str], since: datetime, before: datetime | None
) -> dict[str, list[Change]]:
    """Return these members' changes of level, each with the level before it."""
    row, last = tier_history.c, tier_history.alias("last")
    query = sa.select(row.member_id, row.change_no, last.c.level, row.level, row.booked_at).where(
        these(connection, row.member_id, ids), _CHANGED, *_booked(since, before),
        last.c.member_id == row.member_id, last.c.change_no == row.change_no - 1,
    )  # fmt: skip
    found: dict[str, list[Change]] = {}
    for member_id, *change in connection.execute(query.order_by(row.member_id, row.change_no)):
        found.setdefault(str(member_id), []).append(Change(*change))
    return found


def phones(connection: sa.Connection, ids: Collection[str]) -> dict[str, str]:
    """Return the telephone numbers of these members, as far as they have any."""
    query = sa.select(profiles.c.member_id, profiles.c.phone).where(profiles.c.phone.is_not(None))
    rows = connection.execute(query.where(these(connection, profiles.c.member_id, ids)))
    return {str(member_id): phone for member_id, phone in rows}


# What was granted


def granted(connection: sa.Connection, ids: Collection[str], occasion_id: str) -> dict[str, list[Granted]]:
    """Return how often an occasion was granted to these members."""
    row = occasions_granted.c
    query = sa.select(row.member_id, row.occurrence, row.on_day).where(row.occasion_id == occasion_id)
    return _by_key(connection.execute(query.where(these(connection, row.member_id, ids))))


def granted_to_phones(
    connection: sa.Connection, digests: Collection[str], occasion_id: str
) -> dict[str, list[Granted]]:
    """Return how often an occasion was granted to whoever had these telephone numbers."""
    row = phone_gifts.c
    query = sa.select(row.phone_digest, row.occurrence, row.granted_on).where(row.occasion_id == occasion_id)
    return _by_key(connection.execute(query.where(row.phone_digest.in_(list(digests)))))


def _by_key(rows: Iterable[Any]) -> dict[str, list[Granted]]:
    found: dict[str, list[Granted]] = {}
    for key, occurrence, on_day in rows:
        found.setdefault(str(key), []).append(Granted(occurrence, on_day))
    return found


def keep(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what is granted; what is there already stays."""
    _put_granted.many(connection, rows)


def keep_for_phones(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep for telephone numbers what is granted; what is there already stays."""
    _put_phone_gift.many(connection, rows)
