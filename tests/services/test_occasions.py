import json
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import member_changes, merging
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.occasions import OCCASIONS
from loyalty_engine.store.session import db
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, open_store, publish
from tests.conftest import FrozenClock
from tests.ledger import line, post, sold, take_return
from tests.nights import by_hand, grant, take_back
from tests.occasions import BIRTHDAY, club, entries, granted, join, night, noon, tick, told

DAY = date(2026, 11, 22)
A_DAY = timedelta(days=1)
LONG_AGO = date(2020, 5, 1)
ANN = Birthday(11, 22, 1990)


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


def test_points_reward_and_message_come_together(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    member = join(LONG_AGO, ANN, language="zh")
    counts = night(DAY)
    assert counts == {"members": 1, "points": 100, "vouchers": 1, "messages": 1, "granted": 1}
    assert granted(member) == [("birthday", 2026, DAY, date(2026, 11, 28))]
    with db.engine.connect() as connection:
        account = connection.execute(sa.text("SELECT available, pending, lifetime FROM accounts")).one()
        voucher = connection.execute(sa.text("SELECT code, reward, valid_through, source_id FROM vouchers")).one()
    # a gift has no goods that could come back: it doesn't wait as the wallet's points do
    assert tuple(account) == (100, 0, 100)
    assert (voucher.reward, str(voucher.valid_through), voucher.source_id) == ("cake", "2026-11-28", "birthday:2026:1")
    (message,) = told()
    assert (message["member_id"].replace("-", ""), message["template"]) == (member.replace("-", ""), "cake")
    assert (message["cause_kind"], message["cause_id"]) == ("occasion", "birthday:2026")
    assert json.loads(message["places"]) == {
        "points": 100, "wallet": "豆", "reward": "一块蛋糕", "code": voucher.code, "valid_until": "2026-11-28", "years": 36,
    }  # fmt: skip
    assert str(message["send_by"]).startswith("2026-11-28 16:00")
    assert audit().broken == ()


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


@pytest.mark.parametrize(
    ("occasion", "day", "key"),
    [
        ("{id: o, on: anniversary, give: [{points: 50, wallet: beans, times: years}]}", date(2026, 5, 1), 2026),
        ('{id: o, on: {lunar: "07-07"}, give: [{points: 300, wallet: beans}]}', date(2026, 8, 19), 2026),
        ('{id: o, on: {lunar: "12-30"}, give: [{points: 300, wallet: beans}]}', date(2027, 2, 5), 2026),
        ('{id: o, on: {date: "06-18"}, give: [{points: 300, wallet: beans}]}', date(2026, 6, 18), 2026),
        ("{id: o, on: {holiday: CN, name: 中秋节}, give: [{points: 300, wallet: beans}]}", date(2026, 9, 25), 2026),
    ],
)
def test_each_kind_of_day_is_given_for_on_its_day_alone(
    app: Flask, frozen_clock: FrozenClock, occasion: str, day: date, key: int
) -> None:
    publish(club(occasion))
    member = join(LONG_AGO)
    for one in (day - A_DAY, day, day + A_DAY):
        night(one)
    assert entries(member) == [(f"o:{key}", "beans", 300)]
    assert granted(member) == [("o", key, day, day)]
    assert audit().broken == ()


def test_the_joining_day_itself_is_no_anniversary(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: o, on: anniversary, give: [{points: 50, wallet: beans, times: years}]}"))
    join(DAY)
    night(DAY)
    assert entries() == []
    night(DAY.replace(year=2027))
    assert entries() == [("o:2027", "beans", 50)]


def test_lunar_birthdays_are_found_in_leap_and_in_short_months(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: birthday, on: birthday, give: [{points: 1, wallet: beans}]}"))
    plain = join(LONG_AGO, Birthday(6, 1, calendar="lunar"))
    leap = join(LONG_AGO, Birthday(6, 1, calendar="lunar", leap_month=True))
    last = join(LONG_AGO, Birthday(12, 30, calendar="lunar"))
    for day in (date(2025, 6, 25), date(2025, 7, 25), date(2026, 2, 16), date(2026, 7, 14), date(2027, 2, 5)):
        night(day)
    assert [(key, day) for _, key, day, _ in granted(plain)] == [(2025, date(2025, 6, 25)), (2026, date(2026, 7, 14))]
    assert [(key, day) for _, key, day, _ in granted(leap)] == [(2025, date(2025, 7, 25)), (2026, date(2026, 7, 14))]
    assert [(key, day) for _, key, day, _ in granted(last)] == [(2025, date(2026, 2, 16)), (2026, date(2027, 2, 5))]


def test_gifts_in_one_wallet_are_one_entry(app: Flask, frozen_clock: FrozenClock) -> None:
    gifts = "{points: 10, wallet: beans}, {points: 5, wallet: beans, times: years}, {points: 1, wallet: stamps}"
    publish(club(f"{{id: o, on: anniversary, give: [{gifts}]}}"))
    member = join(LONG_AGO)
    night(date(2026, 5, 1))
    assert entries(member) == [("o:2026", "beans", 40), ("o:2026", "stamps", 1)]


def test_a_mere_greeting_is_told_once_to_everybody(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club('{id: qixi, on: {lunar: "07-07"}, message: hello}'))
    members = [join(LONG_AGO) for _ in range(3)]
    suspended = join(LONG_AGO)
    member_changes_suspend(suspended)
    assert night(date(2026, 8, 19)) == {"members": 3, "messages": 3, "granted": 3}
    assert len(told()) == len(members)
    assert {one["cause_id"] for one in told()} == {"qixi:2026"}
    assert audit().broken == ()


def member_changes_suspend(member: str) -> None:
    from loyalty_engine.store.session import in_transaction

    in_transaction(lambda connection: member_changes.suspend_in(connection, STAFF, member, "a stolen phone"))


def test_a_suspended_member_is_given_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    member_changes_suspend(join(LONG_AGO, ANN))
    night(DAY)
    assert (entries(), granted(), told()) == ([], [], [])


# After a purchase


def test_purchases_of_a_day_are_thanked_for_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: care, on: {after_purchase: 7 days}, give: [{points: 5, wallet: stamps}], message: hello}"))
    open_store()
    member = join(LONG_AGO)
    for number in range(2):
        post(sold(f"p-{number}", member, line()))
    night(DAY + 6 * A_DAY)
    assert entries() == []
    night(DAY + 7 * A_DAY)
    night(DAY + 8 * A_DAY)
    assert entries() == [("care:20261122", "stamps", 5)]
    assert granted() == [("care", 20261122, DAY + 7 * A_DAY, DAY + 7 * A_DAY)]


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
    night(DAY)
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
    assert night(DAY)["members"] == 0 if "members" in night(DAY) else True
    assert (granted(new), len(granted(old))) == ([], 1)


def test_a_year_of_nights_gives_each_once_whatever_the_clock_does(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: birthday, on: birthday, span: week, give: [{points: 1, wallet: beans}]}"))
    born = [Birthday(12, 31), Birthday(1, 1), Birthday(1, 2), Birthday(1, 3), Birthday(12, 1, calendar="lunar")]
    members = [join(LONG_AGO, one) for one in born]
    at = noon(date(2025, 12, 29))
    for jump in (0, 24, -24, 24, 24, -48, 24, 24, 72, 24, -24, *[24] * 17):
        at += timedelta(hours=jump)
        night(at.astimezone(UTC).date(), 12)
        night(at.astimezone(UTC).date(), 12)
    assert at.date() == date(2026, 1, 20)
    assert [len(granted(member)) for member in members] == [1] * 5


def test_two_runs_of_a_day_give_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    join(LONG_AGO, ANN)
    night(DAY)
    with db.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM job_runs"))
    assert night(DAY) == {"members": 1, "messages": 0, "granted": 0}
    assert len(entries()) == 1
    assert len(told()) == 1


def test_a_run_that_was_stopped_goes_on_behind_whom_it_has_done(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY, '{id: other, on: {date: "11-22"}, message: hello}'))
    from loyalty_engine.services import occasions
    from loyalty_engine.services.jobs.kinds import Night
    from loyalty_engine.services.programmes import plan_for
    from loyalty_engine.store.session import reading

    for _ in range(3):
        join(LONG_AGO, ANN)
    with reading() as connection:
        plan = plan_for(connection, clock.now())
    positions = [step.position for step in OCCASIONS.steps(Night(DAY, clock.now(), plan), "")]
    assert [one[:4] for one in positions] == ["000/", "001/"]
    assert [step.position for step in OCCASIONS.steps(Night(DAY, clock.now(), plan), positions[0])] == positions[1:]
    assert occasions.OCCASIONS.name == "occasions"


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


def _forget(member: str) -> None:
    """What an erasure leaves: no profile, and a telephone number that is free again."""
    with db.engine.begin() as connection:
        connection.execute(sa.text(f"DELETE FROM phones WHERE member_id = '{member}'"))
        connection.execute(sa.text(f"DELETE FROM profiles WHERE member_id = '{member}'"))
        connection.execute(sa.text(f"UPDATE members SET status = 'erased' WHERE member_id = '{member}'"))


PHONE = "+8613800138000"


def test_who_joins_again_with_the_same_phone_is_given_nothing_twice(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY, "{id: welcome, on: enrolment, give: [{points: 20, wallet: beans}]}"))
    first = join(DAY - 2 * A_DAY, ANN, phone=PHONE)
    tick(noon(DAY - 2 * A_DAY) + timedelta(minutes=1))
    night(DAY)
    assert sorted(one[0] for one in granted(first)) == ["birthday", "welcome"]
    _forget(first)
    again = join(DAY + A_DAY, Birthday(11, 25, 1990), phone=PHONE)
    other = join(DAY + A_DAY, Birthday(11, 25, 1990), phone="+8613800138001")
    tick(noon(DAY + A_DAY) + timedelta(minutes=1))
    night(date(2026, 11, 25))
    assert granted(again) == []
    assert sorted(one[0] for one in granted(other)) == ["birthday", "welcome"]
    night(date(2027, 11, 25))
    assert [one[0] for one in granted(again)] == ["birthday"]
    with db.engine.connect() as connection:
        digests = list(connection.scalars(sa.text("SELECT DISTINCT phone_digest FROM phone_gifts")))
    assert len(digests) == 2
    assert not any("13800138" in one for one in digests)


def test_what_both_members_were_given_counts_for_the_one_that_stays(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY, "{id: upgrade, on: tier_upgrade, give: [{points: 7, wallet: stamps}]}"))
    gone, kept = join(LONG_AGO, ANN), join(LONG_AGO, Birthday(12, 24, 1990))
    night(DAY)
    frozen_clock.set(noon(DAY + A_DAY))
    merging.merge(STAFF, gone, kept, "one person")
    night(date(2026, 12, 24))
    assert [one[:2] for one in granted(kept)] == [("birthday", 2026)]
    assert [source for source, _, _ in entries()] == ["birthday:2026"]
    assert audit().broken == ()


# Joining and rising


WELCOME = "{id: welcome, on: enrolment, give: [{points: 20, wallet: beans}], message: hello}"


def test_who_has_just_joined_is_welcomed_within_the_minute_and_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    member = join(DAY)
    for minute in (1, 2, 3):
        assert tick(noon(DAY) + timedelta(minutes=minute)) == 1
    night(DAY + A_DAY)
    assert entries(member) == [("welcome:0", "beans", 20)]
    assert granted(member) == [("welcome", 0, DAY, DAY)]
    assert audit().broken == ()


def test_who_joins_a_minute_before_midnight_is_welcomed_after_it(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    tick(noon(DAY))
    midnight = noon(DAY) + timedelta(hours=12)
    frozen_clock.set(midnight - timedelta(minutes=1))
    from tests.ledger import enrol

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
    night(DAY + later * A_DAY)
    assert bool(granted(member)) is given


def test_a_membership_that_was_brought_along_is_not_welcomed(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    join(DAY, joined_on=DAY - A_DAY)
    tick(noon(DAY) + timedelta(minutes=1))
    assert granted() == []


UPGRADE = "{id: upgrade, on: tier_upgrade, span: week, give: [{points: 7, wallet: stamps}, {reward: cake}]}"


def test_a_higher_level_is_celebrated_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(UPGRADE))
    open_store()
    member = join(LONG_AGO)
    tick(noon(DAY))
    post(sold("p-1", member, line(amount=15_000)))
    for minute in (1, 2):
        assert tick(noon(DAY) + timedelta(minutes=minute)) == 1
    post(sold("p-2", member, line(amount=1_000)))
    post(sold("p-3", member, line(amount=100_000)))
    tick(noon(DAY) + timedelta(minutes=3))
    night(DAY + A_DAY)
    assert entries(member) == [("upgrade:2", "stamps", 7), ("upgrade:3", "stamps", 7)]
    assert granted(member) == [("upgrade", 2, DAY, DAY + 6 * A_DAY), ("upgrade", 3, DAY, DAY + 6 * A_DAY)]
    assert audit().broken == ()


def test_a_level_by_hand_is_not_celebrated(app: Flask, frozen_clock: FrozenClock) -> None:
    from loyalty_engine.services import manual_levels
    from loyalty_engine.services.manual_levels import ManualLevel
    from tests.builders import done

    publish(club(UPGRADE))
    member = join(LONG_AGO)
    done(manual_levels.put_in, STAFF, member, ManualLevel("gold", date(2027, 1, 1), "a friend"))
    tick(noon(DAY) + timedelta(minutes=1))
    night(DAY + A_DAY)
    assert granted(member) == []


# Stock


def test_what_is_out_of_stock_is_left_out_and_not_promised(app: Flask, frozen_clock: FrozenClock) -> None:
    gifts = "give: [{points: 10, wallet: beans}, {reward: mug}]"
    publish(club(f"{{id: o, on: birthday, {gifts}, message: cake}}", f"{{id: p, on: birthday, {gifts}, message: hello}}"))
    for _ in range(2):
        join(LONG_AGO, ANN)
    counts = night(DAY)
    assert (counts["vouchers"], counts["out_of_stock"], counts["granted"]) == (2, 2, 4)
    assert len(entries()) == 4
    assert sorted(one["template"] for one in told()) == ["cake", "cake", "hello", "hello"]
    assert audit().broken == ()
