"""Nights: each day is run once, whoever runs it, whenever, and however often it was stopped."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import ledger
from loyalty_engine.services.jobs import days, kinds, nights, registry, runs, status
from loyalty_engine.services.jobs.kinds import EveryMinute, Job, Night, at_once, by_calls
from loyalty_engine.services.jobs.runs import Done, Watch
from loyalty_engine.services.posting import Source
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.store import job_runs
from loyalty_engine.store.session import db, in_transaction
from rules.errors import Conflict, Refusal
from rules.lots import Spent
from rules.periods import business_day
from tests.builders import ADMIN
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, dump, figures, line, open_shop, rows, sold
from tests.nights import LAPSING_CLUB, SILENT_CLUB, ZONE, act, grant, noon, take_back, use

DAY = date(2026, 1, 31)
LOTS = ("pending", "notices", "expiry")


@pytest.fixture
def at_noon(frozen_clock: FrozenClock) -> FrozenClock:
    """A clock that stands at noon of `DAY` in the shop's zone."""
    frozen_clock.set(noon(DAY))
    return frozen_clock


def statuses(done: list[Done]) -> list[tuple[str, date, str]]:
    return [(one.job, one.day, one.status) for one in done if one.job in LOTS]


def ends_of(member: str) -> set[str]:
    return {str(row["state"]) for row in rows("SELECT state FROM lots WHERE member_id = :m", m=member)}


# Days


@pytest.mark.parametrize(("day", "state"), [(13, "pending"), (14, "available"), (15, "available")])
def test_points_become_available_on_their_day(app: Flask, at_noon: FrozenClock, day: int, state: str) -> None:
    ann, *_ = open_shop(SILENT_CLUB)
    grant(ann, "petals", 50, noon(DAY))
    today = DAY + timedelta(days=day)
    at_noon.set(noon(today))
    (done,) = nights.run("pending", today)
    assert ends_of(ann) == {state}
    assert done.counts.get("points", 0) == (50 if state == "available" else 0)
    assert figures(ann)["petals"] == ((50, 0, 0, 0) if state == "available" else (0, 50, 0, 0))
    assert_clean()


@pytest.mark.parametrize(("today", "left"), [(date(2026, 3, 30), 50), (date(2026, 3, 31), 50), (date(2026, 4, 1), 0)])
def test_points_are_good_through_their_last_day(app: Flask, at_noon: FrozenClock, today: date, left: int) -> None:
    ann, *_ = open_shop(SILENT_CLUB)
    grant(ann, "leaves", 50, noon(DAY))
    at_noon.set(noon(today))
    nights.run("expiry")
    assert figures(ann)["leaves"] == (left, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize(("today", "left"), [(date(2026, 2, 28), 9), (date(2026, 3, 1), 0)])
def test_a_month_after_31_january_is_28_february(app: Flask, at_noon: FrozenClock, today: date, left: int) -> None:
    (ann,) = open_shop(SILENT_CLUB.replace("{after: 2 months}", "{after: 1 month}"), members=1)
    grant(ann, "leaves", 9, noon(DAY))
    at_noon.set(noon(today))
    nights.run("expiry")
    assert figures(ann)["leaves"] == (left, 0, 0, 0)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "America/Santiago", "UTC"])
def test_the_day_is_the_programmes(app: Flask, at_noon: FrozenClock, zone: str) -> None:
    """A minute before midnight there the points are good, a minute after they have lapsed; on days of DST as well."""
    last_day = {"America/New_York": date(2026, 3, 8), "America/Santiago": date(2026, 9, 5)}.get(zone, date(2026, 3, 31))
    (ann,) = open_shop(SILENT_CLUB.replace("Asia/Shanghai", zone).replace("2 months", "30 days"), members=1)
    midday = datetime(last_day.year, last_day.month, last_day.day, 12, tzinfo=ZoneInfo(zone))
    at_noon.set(midday - timedelta(days=30))
    grant(ann, "leaves", 9, clock.now())
    midnight = days.start_of(last_day + timedelta(days=1), ZoneInfo(zone))
    at_noon.set(midnight - timedelta(minutes=1))
    nights.run("night")
    assert figures(ann)["leaves"][0] == 9
    at_noon.set(midnight + timedelta(minutes=1))
    nights.run("night")
    assert figures(ann)["leaves"][0] == 0
    assert_clean()


def test_a_day_begins_at_its_first_instant_in_every_zone() -> None:
    """Also where midnight is skipped or comes twice. Only a whole day that a zone left out has no beginning."""
    wrong = []
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        for more in range(366):
            day = date(2026, 1, 1) + timedelta(days=more)
            began = days.start_of(day, zone)
            before = business_day(began - timedelta(microseconds=1), zone)
            if business_day(began, zone) != day or before != day - timedelta(days=1):
                wrong.append((name, day))
    assert wrong == []


def test_inactivity_counts_from_what_the_wallet_names(app: Flask, at_noon: FrozenClock) -> None:
    ann, ben, cleo = open_shop(SILENT_CLUB)
    for member in (ann, ben, cleo):
        grant(member, "stamps", 50, noon(DAY))
    at_noon.set(noon(DAY + timedelta(days=20)))
    nights.run("pending")
    use(ben, "stamps", 1, clock.now())
    grant(cleo, "stamps", 5, clock.now(), kind="purchase")
    for today, left in ((date(2026, 3, 31), (50, 49, 50)), (date(2026, 4, 1), (0, 49, 0))):
        at_noon.set(noon(today))
        nights.run("night")
        assert tuple(figures(one)["stamps"][0] for one in (ann, ben)) == left[:2]
    assert figures(cleo)["stamps"][0] == 0, "a purchase renews nothing here"
    at_noon.set(noon(date(2026, 4, 20)))
    nights.run("night")
    assert figures(ben)["stamps"][0] == 49
    at_noon.set(noon(date(2026, 4, 21)))
    nights.run("night")
    assert figures(ben)["stamps"][0] == 0


def test_lots_of_a_level_have_that_levels_end(app: Flask, at_noon: FrozenClock) -> None:
    by_level = "{by_level: {gold: {after: 24 months}}, otherwise: {after: 12 months}}"
    ann, ben, _ = open_shop(SILENT_CLUB.replace("{after: 2 months}", by_level))
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE members SET level = 'gold' WHERE member_id = '{ann}'")
    for member in (ann, ben):
        grant(member, "leaves", 10, noon(DAY))
    found = {str(row["member_id"]): (row["level"], str(row["expires_on"])) for row in rows("SELECT * FROM lots")}
    assert found == {ann: ("gold", "2028-01-31"), ben: ("plain", "2027-01-31")}


# Debt, holds


def test_what_matures_pays_debt_of_what_lapses_first(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = open_shop(SILENT_CLUB)
    for points in (10, 20, 30):
        grant(ann, "petals", points, noon(DAY))
    take_back(ann, "petals", 25, noon(DAY))
    assert figures(ann)["petals"] == (0, 60, 0, 25)
    at_noon.set(noon(DAY + timedelta(days=14)))
    nights.run("pending")
    assert figures(ann)["petals"] == (35, 0, 0, 0)
    paid = rows("SELECT taken FROM lot_changes ORDER BY seq")
    assert [row["taken"] for row in paid] == [10, 15, 0]
    assert_clean()


def test_what_is_held_stays_and_lapses_when_it_is_free(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = open_shop(SILENT_CLUB)
    grant(ann, "leaves", 50, noon(DAY))
    use(ann, "leaves", 20, noon(DAY), "hold")
    at_noon.set(noon(date(2026, 4, 1)))
    nights.run("night")
    assert figures(ann)["leaves"] == (0, 0, 20, 0)
    assert ends_of(ann) == {"available"}
    lot = str(rows("SELECT lot_id FROM lots")[0]["lot_id"])
    held = (Spent(lot, 20, None),)
    free = clock.now()
    act(ann, free, lambda p, s, plan: ledger.release(p, s, plan, "leaves", held, Source("by-release", "r", free)))
    at_noon.set(noon(date(2026, 4, 2)))
    nights.run("night")
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert ends_of(ann) == {"expired"}
    sources = [
        row["source_id"] for row in rows("SELECT source_id FROM ledger_entries WHERE kind = 'expiry' ORDER BY seq")
    ]
    assert sources == [lot, f"{lot}/5"]


# Notices


def test_nothing_lapses_before_its_last_notice_has_been_out_for_long_enough(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = open_shop(LAPSING_CLUB)
    grant(ann, "leaves", 50, noon(DAY))
    late = date(2026, 3, 30)
    at_noon.set(noon(late))
    nights.run("night")
    told = rows("SELECT days_before, status, points FROM expiry_notices ORDER BY days_before")
    assert [(row["days_before"], row["status"], row["points"]) for row in told] == [
        (7, "suppressed", 50),
        (20, "suppressed", 50),
    ]
    for today, left in ((late + timedelta(days=6), 50), (late + timedelta(days=7), 0)):
        at_noon.set(noon(today))
        nights.run("night")
        assert figures(ann)["leaves"][0] == left
        assert_clean()


@pytest.mark.parametrize(("day", "days"), [(10, []), (11, [20]), (23, [20]), (24, [20, 7])])
def test_a_notice_is_planned_on_its_day(app: Flask, at_noon: FrozenClock, day: int, days: list[int]) -> None:
    ann, *_ = open_shop(LAPSING_CLUB)
    grant(ann, "leaves", 39, noon(DAY))
    for today in (day, day):
        at_noon.set(noon(date(2026, 3, today)))
        nights.run("night")
        told = rows("SELECT days_before, status FROM expiry_notices ORDER BY days_before DESC")
        assert [row["days_before"] for row in told] == days
        assert {row["status"] for row in told} <= {"below"}


def test_a_lot_that_is_too_short_for_a_notice_lapses_without_one(app: Flask, at_noon: FrozenClock) -> None:
    (ann,) = open_shop(LAPSING_CLUB.replace("{after: 2 months}", "{after: 6 days}"), members=1)
    grant(ann, "leaves", 50, noon(DAY))
    for today, left in ((DAY + timedelta(days=6), 50), (DAY + timedelta(days=7), 0)):
        at_noon.set(noon(today))
        nights.run("night")
        assert figures(ann)["leaves"][0] == left
    assert not rows("SELECT * FROM expiry_notices")
    assert_clean()


def test_an_end_by_inactivity_is_noticed_and_moves_with_activity(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = open_shop(LAPSING_CLUB)
    grant(ann, "stamps", 50, noon(DAY))
    at_noon.set(noon(date(2026, 3, 24)))
    nights.run("night")
    use(ann, "stamps", 5, clock.now())
    at_noon.set(noon(date(2026, 5, 24)))
    nights.run("night")
    found = rows("SELECT expires_on, days_before FROM expiry_notices ORDER BY expires_on, days_before")
    assert [(str(row["expires_on"]), row["days_before"]) for row in found] == [
        ("2026-03-31", 7), ("2026-03-31", 20), ("2026-05-24", 7), ("2026-05-24", 20),
    ]  # fmt: skip
    assert figures(ann)["stamps"][0] == 45
    at_noon.set(noon(date(2026, 5, 31)))
    nights.run("night")
    assert figures(ann)["stamps"][0] == 0
    assert_clean()


# Again, missed, stopped, two at once


def _year(members: int = 3) -> list[str]:
    ids = open_shop(SILENT_CLUB, members=members)
    for number, member in enumerate(ids):
        grant(member, "leaves", 10 + number, noon(DAY))
        grant(member, "petals", 20 + number, noon(DAY))
    return ids


def test_a_night_that_is_run_again_does_nothing(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 1)))
    assert statuses(nights.run("night")) == [(job, date(2026, 4, 1), "done") for job in LOTS]
    before = dump()
    again = nights.run("night", date(2026, 4, 1))
    assert statuses(again) == [(job, date(2026, 4, 1), "already") for job in LOTS]
    assert dump() == before
    assert next(one for one in again if one.job == "expiry").counts == {"members": 3, "lots": 6, "points": 96}


def test_missed_days_are_made_up_one_by_one_in_order(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    nights.run("night")
    at_noon.set(noon(DAY + timedelta(days=3)))
    expected = [(job, DAY + timedelta(days=more), "done") for more in (1, 2, 3) for job in LOTS]
    assert statuses(nights.run("night")) == expected


def test_no_more_than_a_year_of_missed_days_is_made_up(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    nights.run("pending")
    at_noon.set(noon(DAY + timedelta(days=1_000)))
    with db.engine.connect() as connection:
        found = days.missing(connection, "pending", DAY + timedelta(days=1_000))
    assert (len(found), found[-1]) == (367, DAY + timedelta(days=1_000))


def test_missed_days_are_booked_now_and_replayed_ones_when_they_began(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    nights.run("night")
    at_noon.set(noon(date(2026, 3, 1)))
    nights.run("night", date(2026, 2, 20))
    booked = {row["kind"]: row["booked_at"] for row in rows("SELECT kind, booked_at FROM ledger_entries ORDER BY seq")}
    assert str(booked["maturity"]).startswith("2026-02-13 16:00:00")
    nights.run("night", date(2026, 4, 1) - timedelta(days=31))
    at_noon.set(noon(date(2026, 4, 4)))
    nights.run("night")
    booked = {row["kind"]: row["booked_at"] for row in rows("SELECT kind, booked_at FROM ledger_entries ORDER BY seq")}
    assert str(booked["expiry"]).startswith("2026-04-04 04:00:00")
    assert_clean()


def test_an_entry_is_never_booked_before_the_one_before_it(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = _year()
    at_noon.set(noon(date(2026, 3, 1)))
    grant(ann, "leaves", 5, clock.now())
    nights.run("pending", date(2026, 2, 20))
    assert_clean()
    (last,) = rows("SELECT booked_at FROM ledger_entries WHERE member_id = :m AND kind = 'maturity'", m=ann)
    assert str(last["booked_at"]).startswith("2026-03-01 04:00:00")


def test_a_day_to_come_is_refused(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    for name, day, code in (("night", DAY + timedelta(days=1), "as_of_in_future"), ("dance", DAY, "job_not_found")):
        with pytest.raises(Refusal) as refused:
            nights.run(name, day)
        assert refused.value.code == code
    assert not rows("SELECT * FROM job_runs")


def test_a_clock_that_was_set_back_does_nothing_twice(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 2)))
    nights.run("night")
    before = dump()
    for day in (date(2026, 4, 1), date(2026, 4, 2)):
        at_noon.set(noon(day))
        assert {one.status for one in nights.run("night")} == {"already"}
    assert dump() == before


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of one member."""
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE", 1)
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE_ON_SQLITE", 1)


def test_a_run_that_is_stopped_goes_on_where_it_was(app: Flask, at_noon: FrozenClock, one_by_one: None) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 1)))
    seen = []
    for _ in range(3):
        (done,) = nights.run("pending", watch=Watch(stopping=lambda: True))
        seen.append((done.status, done.counts["members"]))
        assert_clean()
    assert seen == [("stopped", 1), ("stopped", 2), ("stopped", 3)]
    (done,) = nights.run("pending")
    assert (done.status, done.counts) == ("done", {"members": 3, "lots": 3, "points": 63})
    assert rows("SELECT COUNT(*) AS count FROM ledger_entries WHERE kind = 'maturity'") == [{"count": 3}]
    assert_clean()


class _Killed(BaseException):
    pass


def test_a_run_that_was_killed_goes_on_when_its_lease_is_over(
    app: Flask, at_noon: FrozenClock, one_by_one: None
) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 1)))

    def die() -> bool:
        raise _Killed

    with pytest.raises(_Killed):
        nights.run("pending", watch=Watch(stopping=die))
    assert [one.status for one in nights.run("pending")] == ["busy"]
    at_noon.move(runs.LEASE)
    assert [one.status for one in nights.run("pending")] == ["busy"]
    at_noon.move(timedelta(seconds=1))
    (done,) = nights.run("pending")
    assert (done.status, done.counts["lots"]) == ("done", 3)
    assert_clean()


def test_a_lease_from_before_the_clock_was_set_back_is_none(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 2)))
    in_transaction(lambda to: job_runs.claim(to, "pending", date(2026, 4, 1), "gone", clock.now(), runs.LEASE, 1))
    at_noon.set(noon(date(2026, 4, 1)))
    assert [one.status for one in nights.run("pending")] == ["done"]


def test_who_lost_its_lease_undoes_its_step_and_stops(app: Flask, at_noon: FrozenClock, one_by_one: None) -> None:
    _year()
    at_noon.set(noon(date(2026, 4, 1)))
    others: list[Any] = []

    def taken_over() -> bool:
        """Another worker takes the run over after its lease, and ends it, while this one sleeps."""
        if not others:
            at_noon.move(runs.LEASE + timedelta(seconds=1))
            others.extend(nights.run("pending"))
        return False

    (late,) = nights.run("pending", watch=Watch(stopping=taken_over))
    assert [one.status for one in others] == ["done"]
    assert late.status == "already"
    assert rows("SELECT COUNT(*) AS count FROM ledger_entries WHERE kind = 'maturity'") == [{"count": 3}]
    assert_clean()


@pytest.mark.postgresql
@pytest.mark.parametrize("application", ["postgresql"], indirect=True)
def test_two_at_once_do_nothing_twice(
    app: Flask, at_noon: FrozenClock, one_by_one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the lease doesn't keep them apart: the data does."""
    members = _year(members=24)
    at_noon.set(noon(date(2026, 4, 1)))
    monkeypatch.setattr(job_runs, "keep", lambda *_, **__: True)
    monkeypatch.setattr(job_runs, "finish", lambda *_, **__: True)
    monkeypatch.setattr(runs, "LEASE", timedelta(days=-1))
    start = Barrier(3)

    def night(_: int) -> list[Done]:
        with app.app_context():
            start.wait(20)
            return [*nights.run("pending"), *nights.run("expiry")]

    def buy(_: int) -> None:
        with app.app_context():
            start.wait(20)
            for member in members:
                grant(member, "leaves", 1, clock.now())

    with ThreadPoolExecutor(3) as pool:
        both = [pool.submit(night, 1), pool.submit(night, 2)]
        pool.submit(buy, 0).result()
        assert all(one.result() for one in both)
    count = "SELECT kind, COUNT(*) AS count FROM ledger_entries WHERE kind IN ('maturity', 'expiry') GROUP BY kind"
    assert {row["kind"]: row["count"] for row in rows(count)} == {"maturity": 24, "expiry": 48}
    assert_clean()


# What comes in after its day


def test_an_import_of_the_past_lets_the_night_look_again(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = _year()
    at_noon.set(noon(date(2026, 6, 1)))
    nights.run("night")
    (one,) = post_many(ADMIN, [sold("old", ann, line(amount=700), at=noon(date(2026, 1, 5)))])
    assert one.status == "posted"
    assert_clean()
    done = {one.job: one for one in nights.run("night")}
    assert (done["expiry"].status, figures(ann)["leaves"][0]) == ("done", 0)
    assert_clean()


def test_runs_in_the_wrong_order_are_put_right(app: Flask, at_noon: FrozenClock) -> None:
    ann, *_ = _year()
    at_noon.set(noon(date(2026, 6, 1)))
    nights.run("expiry")
    nights.run("pending")
    assert figures(ann)["petals"][0] == 20
    assert_clean()
    nights.run("expiry")
    assert figures(ann)["petals"][0] == 0
    assert_clean()


# Jobs of others


def test_jobs_that_commit_by_themselves_are_called_until_nothing_is_left(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)
    left = [2, 2, 1]
    jobs = (by_calls("calls", lambda day, limit: left.pop(0), limit=2), at_once("once", lambda day: day.day))
    monkeypatch.setattr(registry, "NIGHTLY", jobs)
    assert [(one.job, one.counts) for one in nights.run("night")] == [("calls", {"done": 5}), ("once", {"done": 31})]
    assert left == []


def test_one_broken_job_does_not_keep_the_others_from_their_night(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)
    fine: list[date] = []

    def breaks(day: date) -> int:
        raise ZeroDivisionError

    jobs = (at_once("breaks", breaks), at_once("fine", lambda day: fine.append(day) or 1))  # type: ignore[func-returns-value]
    monkeypatch.setattr(registry, "NIGHTLY", jobs)
    with pytest.raises(ZeroDivisionError):
        nights.run("night")
    assert fine == [DAY]
    monkeypatch.setattr(registry, "NIGHTLY", (at_once("breaks", lambda day: 1),))
    assert [one.status for one in nights.run("night")] == ["done"], "its lease ended with it"


def test_a_broken_job_is_told_also_where_somebody_else_is_at_the_next_one(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)

    def run_day(job: Job, night: Night, watch: Watch) -> Done:
        if job.name == "breaks":
            raise ZeroDivisionError
        return Done(job.name, night.day, "busy", {})

    monkeypatch.setattr(nights, "run_day", run_day)
    monkeypatch.setattr(
        registry, "NIGHTLY", tuple(at_once(name, lambda day: 1) for name in ("breaks", "busy", "later"))
    )
    told: list[str] = []
    with pytest.raises(ZeroDivisionError):
        told.extend(done.job for done in nights.running("night"))
    assert told == ["busy"]


def test_a_job_of_every_minute_adds_up_its_day(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)
    asked: list[datetime] = []

    def call(now: datetime, limit: int) -> int:
        asked.append(now)
        return limit if len(asked) == 1 else 3

    monkeypatch.setattr(registry, "EVERY_MINUTE", (EveryMinute("holds", call),))
    assert [one.counts for one in nights.every_minute()] == [{"done": nights.A_CALL + 3}]
    assert [one.counts for one in nights.every_minute()] == [{"done": nights.A_CALL + 6}]
    at_noon.move(timedelta(minutes=3))
    assert [(one.job, one.late_seconds) for one in status.all_jobs()][-1] == ("holds", 120)


def test_one_broken_job_does_not_keep_the_others_from_their_minute(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)
    told: list[str] = []

    def breaks(now: datetime, limit: int) -> int:
        raise ZeroDivisionError

    def refuses(now: datetime, limit: int) -> int:
        raise Conflict("locked", "Somebody is at it.")

    jobs = {"breaks": breaks, "refuses": refuses, "fine": lambda now, limit: 1}
    monkeypatch.setattr(registry, "EVERY_MINUTE", tuple(EveryMinute(*one) for one in jobs.items()))

    def tick() -> None:
        told.extend(done.job for done in nights.every_minute())

    with pytest.raises(ZeroDivisionError):
        tick()
    assert told == ["fine"]
    assert [one.counts for one in status.all_jobs()][-3:] == [{}, {}, {"done": 1}]


def test_a_job_that_is_refused_does_not_keep_the_others_from_their_night(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_shop(SILENT_CLUB, members=1)
    fine: list[date] = []

    def refuses(day: date) -> int:
        raise Conflict("locked", "Somebody is at it.")

    jobs = (at_once("refuses", refuses), at_once("fine", lambda day: fine.append(day) or 1))  # type: ignore[func-returns-value]
    monkeypatch.setattr(registry, "NIGHTLY", jobs)
    for name in ("night", "refuses"):
        with pytest.raises(Conflict):
            nights.run(name)
    assert fine == [DAY]


# Status


@pytest.mark.parametrize(("back", "late"), [(timedelta(minutes=1), 0), (timedelta(days=1), 86_400)])
def test_what_was_done_in_the_future_is_late_until_it_is_done_again(
    app: Flask, at_noon: FrozenClock, monkeypatch: pytest.MonkeyPatch, back: timedelta, late: int
) -> None:
    open_shop(SILENT_CLUB, members=1)
    monkeypatch.setattr(registry, "EVERY_MINUTE", (EveryMinute("holds", lambda now, limit: 0),))
    list(nights.every_minute())
    at_noon.move(-back)
    assert status.all_jobs()[-1].late_seconds == late
    list(nights.every_minute())
    stands = status.all_jobs()[-1]
    assert (stands.late_seconds, stands.finished_at) == (0, clock.now())


def test_status_says_what_was_done_and_what_is_late(app: Flask, at_noon: FrozenClock) -> None:
    _year()
    before = status.all_jobs()[0]
    assert (before.last_day, before.next_due_at, before.late_seconds) == (None, None, None)
    nights.run("night")
    at_noon.set(days.start_of(DAY + timedelta(days=1), ZONE))
    due = status.all_jobs()[0]
    assert (due.last_day, due.next_due_at, due.late_seconds) == (DAY, clock.now(), 0)
    at_noon.move(timedelta(hours=2))
    assert status.all_jobs()[0].late_seconds == 7_200
    nights.run("pending", watch=Watch(stopping=lambda: True))
    assert status.all_jobs()[0].last_day == DAY + timedelta(days=1)
