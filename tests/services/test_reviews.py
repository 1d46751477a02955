"""The nightly run over levels, from purchases at the till to what `…/tier` says: days, editions, stops, races."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import balances, enrolment, publishing, reviews
from loyalty_engine.services.imports.records import HeldLevel
from loyalty_engine.services.manual_levels import ManualLevel, put_in
from loyalty_engine.services.reviews import Reviewed
from loyalty_engine.store.session import in_transaction
from tests.builders import ADMIN, STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import TEA_CLUB, assert_clean, dump, enrol, line, open_shop, post, rows, said, sold, take_return
from tests.reviews import Member, by_metric, programme, put, stored, told

TODAY = date(2026, 11, 22)
REVIEW_ON = date(2027, 11, 22)
GRACIOUS = TEA_CLUB.replace("{steps: one}", "{grace: 30 days, steps: one}")
DAY = timedelta(days=1)


def night(day: date, last: int | None = 1, **options: Any) -> Reviewed:
    """Run the reviews half an hour into `day` in Shanghai."""
    with clock.frozen(datetime.fromisoformat(f"{day}T00:30:00+08:00")):
        return reviews.review_day(day, last, **options)


def level(member: str) -> tuple[str | None, date | None, date | None]:
    found = stored(member)
    return found.level, found.review_on, found.grace_until


def buy(number: str, member: str, points: int, day: date | None = None) -> dict[str, Any]:
    """Buy cake for so many leaves, at noon in Shanghai."""
    with clock.frozen(datetime.fromisoformat(f"{day}T12:00:00+08:00") if day else clock.now()):
        return said(post(sold(number, member, line(amount=points * 100, category="cake"), at=clock.now())))


def spread(number: str, member: str, points: int, day: date) -> None:
    """Buy more than a day's cap allows, on as many days before `day`."""
    for place in reversed(range((points + 249) // 250)):
        buy(f"{number}-{place}", member, min(250, points - 250 * place), day - place * DAY)


def test_a_level_is_kept_through_its_review_day_and_lowered_the_night_after(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    assert level(ann) == ("silver", REVIEW_ON, None)
    for day in (REVIEW_ON - DAY, REVIEW_ON):
        assert night(day).outcomes == {}
    assert night(REVIEW_ON + DAY).outcomes == {"lowered": 1}
    assert level(ann) == ("plain", None, None)
    row = rows("SELECT since_at, booked_at, actor, version FROM tier_history WHERE source_kind = 'review'")[0]
    since, booked = (datetime.fromisoformat(str(row[name])).replace(tzinfo=UTC) for name in ("since_at", "booked_at"))
    assert (since, booked) == (datetime(2027, 11, 22, 16, tzinfo=UTC), datetime(2027, 11, 22, 16, 30, tzinfo=UTC))
    assert (row["actor"], row["version"]) == ("system:reviews", 1)
    assert_clean()


@pytest.mark.parametrize(
    ("days_before", "expected"),
    [(0, "kept"), (364, "kept"), (365, "lowered")],
)
def test_the_window_that_ends_on_the_review_day_is_looked_at(
    app: Flask, frozen_clock: FrozenClock, days_before: int, expected: str
) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    if days_before < 365:
        buy("p2", ann, 150, REVIEW_ON - days_before * DAY)
    assert night(REVIEW_ON + DAY).outcomes == {expected: 1}
    if expected == "kept":
        assert level(ann) == ("silver", date(2028, 11, 22), None)
    assert_clean()


def test_what_is_bought_in_the_grace_keeps_the_level_at_once_where_it_is_enough(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, ben, cleo = open_shop(GRACIOUS)
    for member in (ann, ben, cleo):
        spread(f"p-{member}", member, 500, TODAY)
    until = date(2027, 12, 22)
    assert night(REVIEW_ON + DAY).outcomes == {"grace": 3}
    assert level(ann) == ("gold", until, until)
    frozen_clock.set(datetime.fromisoformat("2027-11-23T12:00:00+08:00"))
    assert balances.tier(ann)["keep"] == {
        "level": "gold", "missing": 500, "of": "points:leaves", "by": "2027-12-22", "grace_until": "2027-12-22",
    }  # fmt: skip
    spread("a", ann, 500, date(2027, 12, 3))
    for day in (date(2027, 12, 2), date(2027, 12, 3)):
        assert buy(f"b-{day}", ben, 140, day)["points"][0]["points"] == 210
    assert level(ann) == ("gold", date(2028, 12, 3), None)
    assert level(ben) == ("gold", until, until)
    assert night(until).outcomes == {}
    assert night(until + DAY).outcomes == {"lowered": 2}
    assert level(ben) == level(cleo) == ("silver", date(2028, 12, 23), None)
    assert level(ann)[0] == "gold"
    frozen_clock.set(datetime.fromisoformat("2027-12-24T12:00:00+08:00"))
    assert buy("again", ben, 64)["tier"] == {"level": "gold", "upgraded": True, "next": None}
    assert_clean()


def test_a_return_lowers_at_the_next_review_and_not_at_the_till(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    take_return("p1", "x1")
    assert level(ann)[0] == "silver"
    assert night(TODAY + DAY, None).outcomes == {}
    assert night(REVIEW_ON + DAY).outcomes == {"lowered": 1}
    assert_clean()


def test_a_higher_threshold_lowers_nobody_before_their_review(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    publishing.publish(ADMIN, TEA_CLUB.replace("from: 150", "from: 160"), None, "dearer")
    assert night(TODAY + DAY) == Reviewed(2, {})
    assert buy("p2", ann, 127, REVIEW_ON)["points"][0]["points"] == 158
    assert night(REVIEW_ON + DAY, 2).outcomes == {"lowered": 1}
    assert_clean()


def test_a_lower_threshold_raises_in_the_first_night_after_it_takes_effect(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, ben, cleo = open_shop()
    buy("p1", ann, 120)
    buy("p2", ben, 119)
    buy("p3", cleo, 150)
    midnight = datetime.fromisoformat("2026-11-24T00:00:00+08:00")
    publishing.publish(ADMIN, TEA_CLUB.replace("from: 150", "from: 120"), midnight, "cheaper")
    assert night(date(2026, 11, 23)) == Reviewed(1, {})
    assert night(date(2026, 11, 24)) == Reviewed(2, {"raised": 1})
    assert level(ann) == ("silver", date(2027, 11, 24), None)
    assert level(ben)[0] == "plain"
    assert level(cleo) == ("silver", REVIEW_ON, None)
    assert night(date(2026, 11, 24)).outcomes == {}
    assert_clean()


def test_a_version_that_begins_a_minute_into_the_day_judges_the_next_night(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 120)
    late = datetime.fromisoformat("2026-11-24T00:01:00+08:00")
    publishing.publish(ADMIN, TEA_CLUB.replace("from: 150", "from: 120"), late, "cheaper")
    assert night(date(2026, 11, 24)) == Reviewed(1, {})
    assert night(date(2026, 11, 25)) == Reviewed(2, {"raised": 1})


def test_a_removed_level_leads_to_the_next_lower_one_in_the_first_night(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, ben, _ = open_shop()
    spread("p1", ann, 500, TODAY)
    buy("p2", ben, 150)
    kept = [text for text in TEA_CLUB.splitlines() if "id: gold" not in text]
    publishing.publish(ADMIN, "\n".join(kept), None, "no more gold")
    assert buy("p3", ann, 1)["tier"]["level"] == "gold"
    assert night(TODAY + DAY).outcomes == {"removed": 1}
    assert level(ann) == ("silver", date(2027, 11, 23), None)
    assert level(ben) == ("silver", REVIEW_ON, None)
    assert_clean()


def test_the_first_ladder_there_is_puts_everybody_on_it(app: Flask, frozen_clock: FrozenClock) -> None:
    without = TEA_CLUB[: TEA_CLUB.index("tiers:")]
    ann, ben, _ = open_shop(without)
    buy("p1", ann, 150)
    assert night(TODAY + DAY, None) == Reviewed(1, {})
    publishing.publish(ADMIN, TEA_CLUB, None, "levels at last")
    assert night(TODAY + DAY).outcomes == {"raised": 3}
    assert (level(ann)[0], level(ben)) == ("silver", ("plain", None, None))
    assert_clean()


def test_a_level_of_a_later_version_is_left_alone_by_a_run_that_comes_late(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, *_ = open_shop(TEA_CLUB)
    frozen_clock.move(DAY)
    publishing.publish(ADMIN, TEA_CLUB + "    - {id: platinum, name: Platinum, from: 600}\n", None, "more")
    spread("p1", ann, 601, TODAY + DAY)
    assert level(ann)[0] == "platinum"
    assert reviews.review_day(TODAY, None).outcomes == {}
    assert reviews.review_day(TODAY + 400 * DAY, None).outcomes == {"lowered": 1}
    assert_clean()


def test_a_run_that_comes_late_forgets_no_purchase(app: Flask, frozen_clock: FrozenClock) -> None:
    """In time it would have lowered, and the purchase have raised again."""
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    buy("p2", ann, 150, REVIEW_ON + 2 * DAY)
    with clock.frozen(datetime.fromisoformat("2027-11-26T00:30:00+08:00")):
        for missed in range(1, 5):
            reviews.review_day(REVIEW_ON + missed * DAY, 1)
    assert level(ann) == ("silver", date(2028, 11, 23), None)
    assert_clean()


def test_an_imported_level_is_reviewed_when_it_ends(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop(GRACIOUS)
    ann = said(done(enrolment.enrol_in, ADMIN, enrolment.NewMember(tier=HeldLevel("gold", date(2026, 12, 31)))))[
        "member_id"
    ]
    assert night(date(2026, 12, 31)).outcomes == {}
    assert night(date(2027, 1, 1)).outcomes == {"grace": 1}
    assert night(date(2027, 1, 31)).outcomes == {"lowered": 1}
    assert level(ann)[0] == "silver"
    assert_clean()


def test_a_review_that_was_missed_for_years_is_caught_up_in_one_night(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop(GRACIOUS)
    ann = enrol(tier=HeldLevel("gold", date(2024, 2, 29)), joined_on=date(2020, 1, 1))
    assert night(date(2026, 11, 23)).outcomes == {"grace": 2, "lowered": 2}
    assert told(ann) == [
        ("2024-02-29", "gold", "grace"),
        ("2024-03-30", "silver", "lowered"),
        ("2025-03-31", "silver", "grace"),
        ("2025-04-30", "plain", "lowered"),
    ]
    assert_clean()


def test_who_is_gone_is_not_looked_at_and_who_is_suspended_is(app: Flask, frozen_clock: FrozenClock) -> None:
    from loyalty_engine.store.session import db

    members = open_shop(members=3)
    for place, member in enumerate(members):
        buy(f"p{place}", member, 150)
    with db.engine.begin() as connection:
        for status, member in zip(("suspended", "erased"), members, strict=False):
            connection.exec_driver_sql(f"UPDATE members SET status = '{status}' WHERE member_id = '{member}'")
    assert night(REVIEW_ON + DAY).outcomes == {"lowered": 2}
    assert [level(member)[0] for member in members] == ["plain", "silver", "plain"]


class Stopped(Exception):
    pass


def test_a_run_can_be_stopped_between_batches_and_goes_on(app: Flask, frozen_clock: FrozenClock) -> None:
    members = open_shop(programme([("green", 0), ("gold", 5)], {"rolling": "12 months"}), members=0)
    members = [one.member_id for one in put("visits", [Member(by_metric("gold", TODAY), {})] * 7)]
    seen: list[int] = []

    def advance(count: int) -> None:
        seen.append(count)
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        night(TODAY + DAY, batch=3, advance=advance)
    assert sorted(level(member)[0] or "" for member in members) == ["gold"] + ["green"] * 6
    assert night(TODAY + DAY, batch=3, advance=seen.append).outcomes == {"lowered": 1}
    assert seen == [3, 3, 1]
    before = dump()
    assert night(TODAY + DAY).outcomes == {}
    assert dump() == before


def test_two_runs_at_once_do_nothing_twice(application: Flask) -> None:
    """And purchases meanwhile are either counted or come after."""
    with application.app_context():
        open_shop(programme([("green", 0), ("gold", 1)], {"rolling": "12 months"}), members=0)
        joined = clock.now().date() - timedelta(days=500)
        due = clock.now().date() - DAY
        members = [one.member_id for one in put("visits", [Member(by_metric("gold", due, joined), {})] * 60)]
    found: list[Any] = []

    def run() -> None:
        with application.app_context():
            found.append(reviews.review_day(due + DAY, 1, batch=7).outcomes)

    def sell() -> None:
        with application.app_context():
            for place, member in enumerate(members[::3]):
                post(sold(f"p{place}", member))

    threads = [threading.Thread(target=work) for work in (run, run, sell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with application.app_context():
        assert len(found) == 2
        assert sum(sum(one.values()) for one in found) == 60
        assert {level(member)[0] for member in members[::3]} == {"gold"}
        assert {level(member)[0] for member in members[1::3]} == {"green"}
        once = "SELECT member_id FROM tier_history WHERE source_kind = 'review' GROUP BY member_id HAVING COUNT(*) > 1"
        assert rows(once) == []
        assert_clean()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["0 of 150 counted on 2027-11-22: the level stays through 2027-12-22.",
                "Lowered: 0 of 150 counted on 2027-12-22."]),
        ("zh", ["2027-11-22累计0,未达150:等级保留至2027-12-22。", "等级下调:2027-12-22累计0,未达150。"]),
    ],
)  # fmt: skip
def test_the_history_says_why_in_the_members_language(
    app: Flask, frozen_clock: FrozenClock, language: str, words: list[str]
) -> None:
    open_shop(GRACIOUS, members=0)
    ann = enrol(language=language)
    buy("p1", ann, 150)
    night(REVIEW_ON + DAY)
    night(date(2027, 12, 23))
    history = balances.tier(ann)["history"]
    assert [one["reason"] for one in history[-2:]] == words
    assert [one["outcome"] for one in history] == [None, None, "grace", "lowered"]


def test_a_level_by_hand_that_is_ended_goes_by_what_counts_then(app: Flask, frozen_clock: FrozenClock) -> None:
    """What was reached long ago does not count any more, and the audit does not ask for it."""
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    frozen_clock.move(800 * DAY)
    for asked in (ManualLevel("gold", date(2030, 1, 1), "a gift"), ManualLevel(None, None, "the wrong member")):
        in_transaction(lambda connection, asked=asked: put_in(connection, STAFF, ann, asked))
    assert level(ann) == ("plain", None, None)
    assert_clean()


def test_money_is_told_in_major_units(app: Flask, frozen_clock: FrozenClock) -> None:
    by_money = TEA_CLUB.replace("{points_of: leaves}", "net_spend").replace("from: 150", 'from: "150.00"')
    ann, *_ = open_shop(by_money.replace("from: 500", 'from: "500.00"').replace("from: 0", 'from: "0.00"'))
    buy("p1", ann, 150)
    assert balances.tier(ann)["keep"]["missing"] == "150.00"
    assert balances.tier(ann)["next"] == {"level": "gold", "missing": "350.00", "of": "net_spend"}
    night(REVIEW_ON + DAY)
    assert balances.tier(ann)["history"][-1]["reason"] == "Lowered: 0.00 of 150.00 counted on 2027-11-22."


def test_a_clock_that_is_set_back_books_no_change_before_the_last_purchase(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ann, *_ = open_shop()
    buy("p1", ann, 150)
    reviews.review_day(REVIEW_ON + DAY, 1, now=NOON - DAY)
    row = rows("SELECT booked_at FROM tier_history ORDER BY change_no DESC, booked_at DESC LIMIT 1")[0]
    assert datetime.fromisoformat(str(row["booked_at"])).replace(tzinfo=None) == NOON.replace(tzinfo=None)
    assert_clean()


@pytest.mark.parametrize(
    ("zone", "due", "begins"),
    [
        ("America/New_York", "2027-03-13", "2027-03-14T05:00:00"),
        ("America/New_York", "2027-03-14", "2027-03-15T04:00:00"),
        ("America/New_York", "2027-11-06", "2027-11-07T04:00:00"),
        ("America/New_York", "2027-11-07", "2027-11-08T05:00:00"),
        ("Pacific/Kiritimati", "2027-03-13", "2027-03-13T10:00:00"),
    ],
)
def test_a_level_ends_at_midnight_in_the_programmes_own_zone(
    app: Flask, frozen_clock: FrozenClock, zone: str, due: str, begins: str
) -> None:
    text = programme([("green", 0), ("gold", 5)], {"rolling": "12 months"}).replace("Asia/Shanghai", zone)
    open_shop(text, members=0)
    (ann,) = put("visits", [Member(by_metric("gold", date.fromisoformat(due)), {})])
    following = date.fromisoformat(due) + DAY
    assert reviews.review_day(following - DAY, 1).outcomes == {}
    assert reviews.review_day(following, 1).outcomes == {"lowered": 1}
    row = rows("SELECT since_at FROM tier_history WHERE member_id = :member AND change_no = 2", member=ann.member_id)[0]
    assert datetime.fromisoformat(str(row["since_at"])).replace(tzinfo=None).isoformat() == begins


def test_members_of_29_february_are_reviewed_on_the_nights_of_their_years(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    open_shop(programme([("green", 0), ("gold", 5)], {"membership": "year"}), members=0)
    joined = date(2024, 2, 29)
    (ann,) = put(
        "visits", [Member(by_metric("gold", date(2027, 2, 27), joined), {date(2026, 2, 28): 5, date(2028, 2, 28): 5})]
    )
    assert night(date(2027, 2, 27)).outcomes == {}
    assert night(date(2027, 2, 28)).outcomes == {"kept": 1}
    assert stored(ann.member_id).review_on == date(2028, 2, 28)
    assert night(date(2028, 2, 28)).outcomes == {}
    assert night(date(2028, 2, 29)).outcomes == {"kept": 1}
    assert stored(ann.member_id).review_on == date(2029, 2, 27)
    assert night(date(2029, 2, 28)).outcomes == {"lowered": 1}
