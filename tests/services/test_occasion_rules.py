"""Who is given something and who isn't, the day before, on it and after; on SQLite alone, for the rules are the same."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import manual_levels, member_changes, merging
from loyalty_engine.services.jobs.kinds import Night
from loyalty_engine.services.manual_levels import ManualLevel
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.occasions import OCCASIONS
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import db, reading
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, done, open_store, publish
from tests.conftest import FrozenClock
from tests.ledger import enrol, line, post, sold, take_return
from tests.nights import grant, take_back
from tests.occasions import (
    A_DAY,
    ANN,
    BIRTHDAY,
    DAY,
    LONG_AGO,
    UPGRADE,
    WELCOME,
    club,
    entries,
    granted,
    join,
    missed,
    night,
    noon,
    suspend,
    tick,
    told,
)

pytestmark = pytest.mark.parametrize("application", ["sqlite"], indirect=True)


def days_from(first: date, how_many: int) -> list[date]:
    return [first + timedelta(days=more) for more in range(how_many)]


# What is given, and when


@pytest.mark.parametrize("by", [-1, 0, 1])
def test_a_birthday_is_given_for_on_its_day(app: Flask, frozen_clock: FrozenClock, by: int) -> None:
    publish(club())
    member = join(LONG_AGO, ANN)
    night(DAY + by * A_DAY)
    expected = [("birthday:2026", "beans", 100)] if by == 0 else []
    assert entries(member) == expected


def test_a_gift_pays_a_debt_first_and_counts_for_no_level(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: birthday, on: birthday, give: [{points: 5000, wallet: beans}]}"))
    member = join(LONG_AGO, ANN)
    grant(member, "beans", 30, noon(date(2026, 11, 1)))
    take_back(member, "beans", 90, noon(date(2026, 11, 20)))
    night(DAY)
    with db.engine.connect() as connection:
        account = connection.execute(sa.text("SELECT available, debt FROM accounts")).one()
        level = connection.scalar(sa.text("SELECT level FROM members"))
    assert tuple(account) == (5000 - 90, 0)
    assert level == "green"


def test_a_gift_keeps_no_points_alive(app: Flask, frozen_clock: FrozenClock) -> None:
    text = club("{id: birthday, on: birthday, give: [{points: 1, wallet: stamps}]}")
    publish(text.replace("{id: stamps, name: Stamps}", "{id: stamps, name: Stamps, expiry: {inactivity: 2 months}}"))
    member = join(LONG_AGO, ANN)
    grant(member, "stamps", 5, noon(date(2026, 10, 1)))
    night(DAY)
    with db.engine.connect() as connection:
        assert str(connection.scalar(sa.text("SELECT active_on FROM accounts"))) == "2026-10-01"


def test_the_joining_day_itself_is_no_anniversary(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: o, on: anniversary, give: [{points: 50, wallet: beans, times: years}]}"))
    join(DAY)
    night(DAY)
    assert entries() == []
    night(DAY.replace(year=2027))
    assert entries() == [("o:2027", "beans", 50)]


def test_gifts_in_one_wallet_are_one_entry(app: Flask, frozen_clock: FrozenClock) -> None:
    gifts = "{points: 10, wallet: beans}, {points: 5, wallet: beans, times: years}, {points: 1, wallet: stamps}"
    publish(club(f"{{id: o, on: anniversary, give: [{gifts}]}}"))
    member = join(LONG_AGO)
    night(date(2026, 5, 1))
    assert entries(member) == [("o:2026", "beans", 40), ("o:2026", "stamps", 1)]


def test_a_suspended_member_is_given_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    suspend(join(LONG_AGO, ANN))
    night(DAY)
    assert (entries(), granted(), told()) == ([], [], [])


# After a purchase


def test_a_purchase_of_who_was_merged_is_thanked_for_all_the_same(app: Flask, frozen_clock: FrozenClock) -> None:
    care = "{id: care, on: {after_purchase: 7 days}, message: hello}"
    publish(
        club(
            care,
            care.replace("id: care", "id: points").replace("message: hello", "give: [{points: 1, wallet: stamps}]"),
        )
    )
    open_store()
    gone, kept = join(LONG_AGO), join(LONG_AGO)
    post(sold("p-1", gone, line()))
    post(sold("p-2", kept, line()))
    merging.merge(STAFF, gone, kept, "one person")
    night(DAY + 7 * A_DAY)
    assert [one[:2] for one in granted(kept)] == [("care", 20261122), ("points", 20261122)]
    assert len(told()) == len(entries()) == 1


@pytest.mark.parametrize(("units", "thanked"), [({"1": 1}, 1), ({"1": 2}, 0)])
def test_nobody_is_thanked_for_what_came_back(
    app: Flask, frozen_clock: FrozenClock, units: dict[str, int], thanked: int
) -> None:
    publish(club("{id: care, on: {after_purchase: 7 days}, message: hello}"))
    open_store()
    post(sold("p-1", join(LONG_AGO), line(quantity=2)))
    take_return("p-1", "r-1", units)
    night(DAY + 7 * A_DAY)
    assert len(told()) == thanked


# Missed days, and never twice


def test_what_was_missed_is_made_up_for_while_its_span_lasts(app: Flask, frozen_clock: FrozenClock) -> None:
    day_only = BIRTHDAY.replace("id: birthday", "id: short").replace("span: week, ", "")
    publish(club(BIRTHDAY, day_only))
    members = {day: join(LONG_AGO, Birthday(day.month, day.day)) for day in days_from(DAY - 7 * A_DAY, 9)}
    night(DAY - 8 * A_DAY)
    missed(DAY)
    week = {day: [one[0] for one in granted(member)] for day, member in members.items()}
    # the week of the first day is over; those of the others are not; a span of a day is its day
    assert week[DAY - 7 * A_DAY] == []
    assert week[DAY - 6 * A_DAY] == ["birthday"]
    assert week[DAY - A_DAY] == ["birthday"]
    assert week[DAY] == ["birthday", "short"]
    assert week[DAY + A_DAY] == []
    last = granted(members[DAY - 6 * A_DAY])
    assert last == [("birthday", 2026, DAY - 6 * A_DAY, DAY)]


def test_needs_are_judged_on_the_day_that_is_made_up_for(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY.replace("give:", "needs: {member_for: 30 days}, give:")))
    day = DAY - 3 * A_DAY
    new = join(day - 29 * A_DAY, Birthday(day.month, day.day))
    old = join(day - 30 * A_DAY, Birthday(day.month, day.day))
    night(day - A_DAY)
    missed(DAY)
    assert (granted(new), len(granted(old))) == ([], 1)


def test_a_run_that_was_stopped_goes_on_behind_whom_it_has_done(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY, '{id: other, on: {date: "11-22"}, message: hello}'))
    for _ in range(3):
        join(LONG_AGO, ANN)
    with reading() as connection:
        plan = plan_for(connection, clock.now())
    positions = [step.position for step in OCCASIONS.steps(Night(DAY, clock.now(), plan), "")]
    assert [one[:4] for one in positions] == ["000/", "001/"]
    assert [step.position for step in OCCASIONS.steps(Night(DAY, clock.now(), plan), positions[0])] == positions[1:]


# The abuse kit


def _change(member: str, birthday: Birthday, on: date) -> None:
    with clock.frozen(noon(on)):
        member_changes.change(STAFF, member, Changes(birthday=birthday), "the passport says so")


def test_an_edited_birthday_brings_no_second_gift_within_eleven_months(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    member = join(LONG_AGO, ANN)
    night(DAY)
    _change(member, Birthday(12, 24, 1990), DAY + A_DAY)
    night(date(2026, 12, 24))
    _change(member, Birthday(1, 15, 1990), date(2026, 12, 26))
    night(date(2027, 1, 15))
    _change(member, Birthday(10, 21, 1990), date(2027, 1, 16))
    night(date(2027, 10, 21))
    assert [key for _, key, _, _ in granted(member)] == [2026]
    _change(member, Birthday(10, 22, 1990), date(2027, 10, 21))
    night(date(2027, 10, 22))
    assert [key for _, key, _, _ in granted(member)] == [2026, 2027]


def test_a_birthday_that_is_edited_in_the_night_is_judged_as_it_is_then(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    member = join(LONG_AGO, ANN)
    _change(member, Birthday(11, 23, 1990), DAY - A_DAY)
    night(DAY)
    assert granted(member) == []
    night(DAY + A_DAY)
    assert [day for _, _, day, _ in granted(member)] == [DAY + A_DAY]


@pytest.mark.parametrize(("known_for", "given"), [(13, False), (14, True), (15, True)])
def test_a_birthday_must_have_been_known_for_its_lead(
    app: Flask, frozen_clock: FrozenClock, known_for: int, given: bool
) -> None:
    publish(club(BIRTHDAY.replace("span: week", "span: week, lead: 14 days")))
    member = join(LONG_AGO)
    with clock.frozen(noon(DAY - known_for * A_DAY)):
        member_changes.change(ADMIN, member, Changes(birthday=ANN))
    night(DAY)
    assert bool(granted(member)) is given


@pytest.mark.parametrize(("joined", "given"), [(14, True), (13, False)])
def test_a_birthday_that_was_brought_along_is_known_since_joining(
    app: Flask, frozen_clock: FrozenClock, joined: int, given: bool
) -> None:
    publish(club(BIRTHDAY.replace("span: week", "span: week, lead: 14 days")))
    member = join(DAY - A_DAY, ANN, joined_on=DAY - joined * A_DAY)
    night(DAY)
    assert bool(granted(member)) is given


@pytest.mark.parametrize(("bought", "given"), [(30, True), (31, False), (None, False)])
def test_a_purchase_must_have_been_made_lately(
    app: Flask, frozen_clock: FrozenClock, bought: int | None, given: bool
) -> None:
    publish(club(BIRTHDAY.replace("give:", "needs: {purchase_within: 30 days}, give:")))
    open_store()
    member = join(LONG_AGO, ANN)
    if bought is not None:
        frozen_clock.set(noon(DAY - bought * A_DAY))
        post(sold("p-1", member, line()))
    assert night(DAY).get("unmet", 0) == (0 if given else 1)
    assert bool(granted(member)) is given


# Joining and rising


def test_who_joins_a_minute_before_midnight_is_welcomed_after_it(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    tick(noon(DAY))
    midnight = noon(DAY) + timedelta(hours=12)
    frozen_clock.set(midnight - timedelta(minutes=1))
    member = enrol()
    tick(midnight + timedelta(minutes=1))
    assert granted(member) == [("welcome", 0, DAY + A_DAY, DAY + A_DAY)]


@pytest.mark.parametrize(
    ("span", "later", "given"), [("day", 1, True), ("day", 2, False), ("week", 6, True), ("week", 7, False)]
)
def test_a_welcome_that_was_missed_is_the_nights(
    app: Flask, frozen_clock: FrozenClock, span: str, later: int, given: bool
) -> None:
    publish(club(WELCOME.replace("on:", f"span: {span}, on:")))
    night(DAY - A_DAY)
    member = join(DAY)
    missed(DAY + later * A_DAY)
    assert bool(granted(member)) is given


def test_a_membership_that_was_brought_along_is_not_welcomed(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    join(DAY, joined_on=DAY - A_DAY)
    tick(noon(DAY) + timedelta(minutes=1))
    assert granted() == []


def test_a_level_by_hand_is_not_celebrated(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(UPGRADE))
    member = join(LONG_AGO)
    done(manual_levels.put_in, STAFF, member, ManualLevel("gold", date(2027, 1, 1), "a friend"))
    tick(noon(DAY) + timedelta(minutes=1))
    night(DAY + A_DAY)
    assert granted(member) == []
