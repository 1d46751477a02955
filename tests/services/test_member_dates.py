"""Members' own dates: set once, by the programme's names, on days that there are."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.services import audit_log, member_dates, merging
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_dates import OwnDate
from loyalty_engine.store.session import db
from rules.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, publish
from tests.conftest import FrozenClock
from tests.occasions import A_DAY, DAY, LONG_AGO, club, entries, granted, join, night, noon

pytestmark = [
    pytest.mark.parametrize("application", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("frozen_clock"),
]

WEDDING = Birthday(11, 22, 2015)
MEMBER = Actor("a-member", "member")
SERVICE = Actor("a-shop", "service", "tea-house")
NAMES = ("wedding", *(f"child-{number}" for number in range(11)))


@pytest.fixture
def member(app: Flask) -> str:
    """A member of a club that marks a wedding and eleven children."""
    days = [f"{{id: {name}, on: {{member_date: {name}}}, span: week, lead: 14 days, give: [{{points: 30, wallet: beans}}]}}" for name in NAMES]  # fmt: skip
    publish(club(*days))
    return join(LONG_AGO)


def refused(kind: type[Refusal], work: Callable[..., Any], *given: Any) -> Refusal:
    with pytest.raises(kind) as caught:
        work(*given)
    return caught.value


def test_a_date_is_kept_and_shown(member: str) -> None:
    assert member_dates.put(SERVICE, member, "wedding", WEDDING) == OwnDate("wedding", WEDDING, DAY)
    member_dates.put(MEMBER, member, "child-1", Birthday(6, 1, calendar="lunar", leap_month=True))
    shown = [OwnDate("child-1", Birthday(6, 1, None, "lunar", True), DAY), OwnDate("wedding", WEDDING, DAY)]
    assert member_dates.of_member(member) == tuple(shown)
    assert [one for one in member_dates.marked() if one == "wedding"] == ["wedding"]


@pytest.mark.parametrize("actor", [MEMBER, SERVICE])
def test_a_date_is_set_once(member: str, actor: Actor, frozen_clock: FrozenClock) -> None:
    member_dates.put(actor, member, "wedding", WEDDING)
    frozen_clock.set(noon(DAY + A_DAY))
    assert member_dates.put(actor, member, "wedding", WEDDING).set_on == DAY
    refusal = refused(Forbidden, member_dates.put, actor, member, "wedding", Birthday(11, 23, 2015), "please")
    assert refusal.code == "date_set"
    assert member_dates.of_member(member)[0].day == WEDDING


def test_staff_change_a_date_and_say_why(member: str, frozen_clock: FrozenClock) -> None:
    member_dates.put(MEMBER, member, "wedding", WEDDING)
    frozen_clock.set(noon(DAY + A_DAY))
    assert refused(Invalid, member_dates.put, STAFF, member, "wedding", Birthday(5, 1)).code == "reason_missing"
    changed = member_dates.put(STAFF, member, "wedding", Birthday(5, 1), "the certificate says so")
    assert changed.set_on == DAY + A_DAY
    logged, _ = audit_log.entries(1)
    assert (logged[0].action, json.loads(logged[0].detail)) == (
        "member.set_date", {"name": "wedding", "reason": "the certificate says so"},
    )  # fmt: skip


def test_ten_dates_are_enough(member: str) -> None:
    for name in NAMES[:10]:
        member_dates.put(MEMBER, member, name, WEDDING)
    assert refused(Conflict, member_dates.put, MEMBER, member, NAMES[10], WEDDING).code == "dates_full"
    member_dates.remove(MEMBER, member, NAMES[0])
    assert refused(NotFound, member_dates.remove, MEMBER, member, NAMES[0]).code == "date_not_found"
    member_dates.put(MEMBER, member, NAMES[10], WEDDING)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (Birthday(2, 30), "is not a day of the solar calendar"),
        (Birthday(2, 29, 2015), "is not a day of the solar calendar"),
        (Birthday(11, 23, 2026), "must be in the past"),
        (Birthday(5, 1, 2015, leap_month=True), "only the lunar calendar has leap months"),
        (Birthday(13, 1, calendar="lunar"), "is not a day of the lunar calendar"),
        (Birthday(1, 31, calendar="lunar"), "is not a day of the lunar calendar"),
        (Birthday(12, 1, calendar="lunar", leap_month=True), "never has a leap month 12"),
        (Birthday(1, 1, calendar="lunar", leap_month=True), "never has a leap month 1"),
        (Birthday(6, 1, 2024, "lunar", True), "the lunar year 2024 has no leap month 6"),
        (Birthday(6, 30, 2025, "lunar", True), "has no day 30"),
        (Birthday(1, 1, 1899, "lunar"), "the lunar calendar is known from 1900"),
    ],
)
def test_a_day_that_is_not_there_is_refused(member: str, day: Birthday, why: str) -> None:
    refusal = refused(Invalid, member_dates.put, MEMBER, member, "wedding", day)
    assert refusal.code == "date_invalid"
    assert why in refusal.errors["date"][0]  # type: ignore[index]
    assert member_dates.of_member(member) == ()


def test_a_name_that_nothing_is_given_for_is_refused(member: str) -> None:
    assert refused(Invalid, member_dates.put, ADMIN, member, "divorce", WEDDING).code == "date_unknown"


def test_nobody_has_dates_of_nobody(member: str) -> None:
    nobody = "01a2b3c4-0000-7000-8000-000000000000"
    assert refused(NotFound, member_dates.of_member, nobody).code == "member_not_found"
    assert refused(NotFound, member_dates.put, STAFF, nobody, "wedding", WEDDING).code == "member_not_found"


# What they bring


@pytest.mark.parametrize(("known_for", "given"), [(13, 0), (14, 1)])
def test_a_date_brings_its_gift_on_its_day_once_it_is_known_for_long(
    member: str, frozen_clock: FrozenClock, known_for: int, given: int
) -> None:
    frozen_clock.set(noon(DAY - known_for * A_DAY))
    member_dates.put(MEMBER, member, "wedding", WEDDING)
    member_dates.put(MEMBER, member, "child-1", Birthday(11, 23))
    for day in (DAY - A_DAY, DAY):
        night(day)
    assert entries(member) == [("wedding:2026", "beans", 30)] * given


def test_a_date_put_in_the_place_of_another_brings_nothing_within_eleven_months(
    member: str, frozen_clock: FrozenClock
) -> None:
    frozen_clock.set(noon(date(2026, 1, 1)))
    member_dates.put(MEMBER, member, "wedding", WEDDING)
    night(DAY)
    member_dates.remove(MEMBER, member, "wedding")
    member_dates.put(MEMBER, member, "wedding", Birthday(2, 1))
    night(date(2027, 2, 1))
    assert [key for _, key, _, _ in granted(member)] == [2026]


def test_a_merged_member_brings_its_dates_along(member: str) -> None:
    kept = join(LONG_AGO)
    member_dates.put(MEMBER, member, "wedding", WEDDING)
    member_dates.put(MEMBER, member, "child-1", Birthday(1, 1))
    member_dates.put(MEMBER, kept, "child-1", Birthday(1, 2))
    merging.merge(STAFF, member, kept, "one person")
    found = {one.name: one.day for one in member_dates.of_member(kept)}
    assert found == {"wedding": WEDDING, "child-1": Birthday(1, 2)}
    assert member_dates.of_member(member) == member_dates.of_member(kept)
    with db.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT COUNT(DISTINCT member_id) FROM member_dates")) == 1
