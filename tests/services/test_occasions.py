"""What occasions give on real databases: each kind of day once, whoever runs it, and whoever the member has become."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import balances, erasure, merging, occasion_days
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.jobs.kinds import Night
from loyalty_engine.services.occasions import OCCASIONS
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.nights import batches
from loyalty_engine.store.session import db, in_transaction, reading
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, open_store, publish
from tests.conftest import FrozenClock
from tests.ledger import empty, line, post, sold
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

# What is given, and when


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
    assert (str(message["member_id"]), message["template"]) == (member, "cake")
    assert (message["cause_kind"], message["cause_id"]) == ("occasion", "birthday:2026")
    assert json.loads(message["places"]) == {
        "points": 100, "wallet": "豆", "reward": "一块蛋糕", "code": voucher.code, "valid_until": "2026-11-28", "years": 36,
    }  # fmt: skip
    (entry,) = balances.ledger(ADMIN, member, None, 10)["entries"]
    assert (entry["kind"], entry["source"]["kind"]) == ("gift", "occasion")
    assert str(message["send_by"]).startswith("2026-11-28 16:00")
    assert audit().broken == ()


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


def test_a_mere_greeting_is_told_once_to_everybody(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club('{id: qixi, on: {lunar: "07-07"}, message: hello}'))
    members = [join(LONG_AGO) for _ in range(3)]
    suspended = join(LONG_AGO)
    suspend(suspended)
    assert night(date(2026, 8, 19)) == {"members": 3, "messages": 3, "granted": 3}
    assert len(told()) == len(members)
    assert {one["cause_id"] for one in told()} == {"qixi:2026"}
    assert audit().broken == ()


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


# Missed days, and never twice


def test_a_year_of_nights_gives_each_once_whatever_the_clock_does(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club("{id: birthday, on: birthday, span: week, give: [{points: 1, wallet: beans}]}"))
    born = [Birthday(12, 31), Birthday(1, 1), Birthday(1, 2), Birthday(1, 3), Birthday(12, 1, calendar="lunar")]
    members = [join(LONG_AGO, one) for one in born]
    at = noon(date(2025, 12, 29))
    for jump in (0, 24, -24, 24, 24, -48, 24, 24, 72, 24, -24, *[24] * 17):
        at += timedelta(hours=jump)
        missed(at.date(), 12)
        missed(at.date(), 12)
    assert at.date() == date(2026, 1, 20)
    assert [len(granted(member)) for member in members] == [1] * 5


def test_two_runs_of_a_day_give_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club())
    join(LONG_AGO, ANN)
    night(DAY)
    assert night(DAY) == {"members": 1, "messages": 0, "granted": 0}
    assert len(entries()) == 1
    assert len(told()) == 1


# The abuse kit


PHONE = "+8613800138000"


def test_who_joins_again_with_the_same_phone_is_given_nothing_twice(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(BIRTHDAY, "{id: welcome, on: enrolment, give: [{points: 20, wallet: beans}]}"))
    first = join(DAY - 2 * A_DAY, ANN, phone=PHONE)
    tick(noon(DAY - 2 * A_DAY) + timedelta(minutes=1))
    night(DAY)
    assert sorted(one[0] for one in granted(first)) == ["birthday", "welcome"]
    with clock.frozen(noon(DAY + A_DAY)):
        erasure.erase(STAFF, first, "asked for at the till")
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
    assert audit().broken == ()


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


def test_who_has_just_joined_is_welcomed_within_the_minute_and_once(app: Flask, frozen_clock: FrozenClock) -> None:
    publish(club(WELCOME))
    member = join(DAY)
    for minute in (1, 2, 3):
        assert tick(noon(DAY) + timedelta(minutes=minute)) == 1
    night(DAY + A_DAY)
    assert entries(member) == [("welcome:0", "beans", 20)]
    assert granted(member) == [("welcome", 0, DAY, DAY)]
    assert audit().broken == ()


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


def test_what_is_out_of_stock_is_left_out_and_not_promised(app: Flask, frozen_clock: FrozenClock) -> None:
    gifts = "give: [{points: 10, wallet: beans}, {reward: mug}]"
    publish(
        club(f"{{id: o, on: birthday, {gifts}, message: cake}}", f"{{id: p, on: birthday, {gifts}, message: hello}}")
    )
    for _ in range(2):
        join(LONG_AGO, ANN)
    counts = night(DAY)
    assert (counts["vouchers"], counts["out_of_stock"], counts["granted"]) == (2, 2, 4)
    assert len(entries()) == 4
    assert sorted(one["template"] for one in told()) == ["cake", "cake", "hello", "hello"]
    assert audit().broken == ()


# By an index, and by many at once


@pytest.mark.parametrize(
    ("occasion", "index"),
    [
        ("{id: o, on: birthday, give: [{points: 1, wallet: beans}]}", "ix_profiles_birthday"),
        ("{id: o, on: {member_date: wedding}, message: hello}", "ix_member_dates_name_month_day"),
        ("{id: o, on: anniversary, message: hello}", "ix_members_joined_on"),
        ("{id: o, on: {after_purchase: 7 days}, message: hello}", "ix_purchases_till_day_purchase_key"),
        ("{id: o, on: enrolment, message: hello}", "ix_members_joined_on"),
        ("{id: o, on: tier_upgrade, message: hello}", "ix_tier_history_changes"),
    ],
)
def test_the_members_of_a_day_are_looked_up(app: Flask, frozen_clock: FrozenClock, occasion: str, index: str) -> None:
    publish(club(occasion))
    with reading() as connection:
        plan = plan_for(connection, clock.now())
    search = occasion_days.of_the_night(plan, plan.programme.occasions[0], DAY, DAY)
    assert search is not None
    due = occasion_days.whom_to_look_at(search)
    assert due is not None
    assert index in _plan_of(batches.who(due, None))


def _plan_of(query: sa.Select[Any]) -> str:
    """Return how the database would go about a query, if scanning were not cheaper on tables so small."""
    with db.engine.connect() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:
            for way in ("seqscan", "indexscan", "indexonlyscan"):
                # What is left is a bitmap, which asks an index only for what it is asked.
                connection.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        written = query.compile(connection, compile_kwargs={"render_postcompile": True})
        explain = "EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN "
        rows = connection.exec_driver_sql(explain + str(written), dict(written.construct_params()))
        return "\n".join(str(tuple(row)) for row in rows)


def test_two_workers_at_once_give_once(postgresql_application: Flask, frozen_clock: FrozenClock) -> None:
    with postgresql_application.app_context():
        empty()
        publish(club(BIRTHDAY, '{id: day, on: {date: "11-22"}, message: hello}'))
        members = [join(LONG_AGO, ANN, phone=f"+86138001380{number:02}") for number in range(40)]
        with reading() as connection:
            plan = plan_for(connection, clock.now())

    def work(start: Barrier) -> None:
        with postgresql_application.app_context():
            start.wait()
            # past the lease, as one does that was stopped and goes on too late
            for step in OCCASIONS.steps(Night(DAY, clock.now(), plan), ""):
                assert step.work is not None
                in_transaction(step.work)

    start = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [start] * 4))
    with postgresql_application.app_context():
        assert len(entries()) == len(members)
        assert len(granted()) == 2 * len(members)
        assert len(told()) == 2 * len(members)
        assert audit().broken == ()
