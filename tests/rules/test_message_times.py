"""When members are written to, by their own clock: quiet hours at both ends, over midnight, in zones, and where clocks jump."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from rules.message_times import clock_at, is_quiet, next_period, next_send, out_of_quiet
from rules.periods import Per
from rules.programme import Messages, QuietHours

NIGHT = QuietHours(time(20, 0), time(10, 0))
MIDDAY = QuietHours(time(12, 0), time(14, 0))
SHANGHAI, NEW_YORK, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York"), ZoneInfo("Europe/London")
MORNING = Messages(quiet_hours=NIGHT, at=time(10, 30))


@pytest.mark.parametrize(
    ("quiet", "moment", "answer"),
    [
        (None, "03:00", False),
        (NIGHT, "19:59:59", False), (NIGHT, "20:00", True), (NIGHT, "20:01", True), (NIGHT, "00:00", True),
        (NIGHT, "09:59:59", True), (NIGHT, "10:00", False), (NIGHT, "10:01", False),
        (MIDDAY, "11:59:59", False), (MIDDAY, "12:00", True), (MIDDAY, "13:59:59", True), (MIDDAY, "14:00", False),
    ],
)  # fmt: skip
def test_quiet_hours_begin_with_their_start_and_end_with_their_end(
    quiet: QuietHours | None, moment: str, answer: bool
) -> None:
    assert is_quiet(quiet, time.fromisoformat(moment)) == answer


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        (SHANGHAI, "2026-11-22T19:59", "2026-11-22T19:59"),
        (SHANGHAI, "2026-11-22T20:00", "2026-11-23T10:00"),
        (SHANGHAI, "2026-11-22T23:59", "2026-11-23T10:00"),
        (SHANGHAI, "2026-11-23T00:00", "2026-11-23T10:00"),
        (SHANGHAI, "2026-11-23T09:59", "2026-11-23T10:00"),
        (SHANGHAI, "2026-11-23T10:00", "2026-11-23T10:00"),
        # The night in which New York's clocks go forward is shorter, the other one longer.
        (NEW_YORK, "2026-03-07T22:00", "2026-03-08T10:00"),
        (NEW_YORK, "2026-10-31T22:00", "2026-11-01T10:00"),
    ],
)
def test_what_falls_into_the_quiet_hours_waits_for_their_end(zone: ZoneInfo, at: str, until: str) -> None:
    assert out_of_quiet(local(at, zone), zone, NIGHT) == local(until, zone)


def test_the_end_of_the_quiet_hours_that_comes_twice_is_the_one_that_is_still_to_come() -> None:
    early = QuietHours(time(22, 0), time(1, 30))
    again = local("2026-10-25T01:10", LONDON).replace(fold=1)
    assert out_of_quiet(again, LONDON, early) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    first = local("2026-10-25T01:10", LONDON)
    assert out_of_quiet(first, LONDON, early) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_time_that_the_clock_skips_comes_where_the_clock_goes_on() -> None:
    skipped = clock_at(date(2026, 3, 8), time(2, 30), NEW_YORK)
    assert skipped == local("2026-03-08T03:30", NEW_YORK)


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ("2026-11-22T00:05", "2026-11-22T10:30"),
        ("2026-11-22T10:29", "2026-11-22T10:30"),
        ("2026-11-22T10:30", "2026-11-22T10:30"),
        ("2026-11-22T15:00", "2026-11-22T15:00"),
        ("2026-11-22T19:59", "2026-11-22T19:59"),
        ("2026-11-22T20:00", "2026-11-23T10:30"),
        ("2026-11-22T23:59", "2026-11-23T10:30"),
    ],
)
@pytest.mark.parametrize("zone", [SHANGHAI, NEW_YORK, ZoneInfo("Asia/Kathmandu")], ids=str)
def test_a_message_that_nobody_waits_for_goes_out_at_its_time_or_later_that_day(
    zone: ZoneInfo, now: str, sent: str
) -> None:
    assert next_send(MORNING, zone, local(now, zone)) == local(sent, zone)


@pytest.mark.parametrize(("day", "sent"), [(21, "2026-11-21T11:05"), (22, "2026-11-22T10:30")])
def test_a_day_is_not_told_of_before_it_has_come_where_the_member_lives(day: int, sent: str) -> None:
    """Five past midnight on the 22nd in Shanghai is the morning of the 21st in New York."""
    now = local("2026-11-22T00:05", SHANGHAI)
    assert next_send(MORNING, NEW_YORK, now, date(2026, 11, day)) == local(sent, NEW_YORK)


@pytest.mark.parametrize(
    ("per", "sent"),
    [
        ("day", "2026-11-23T10:30"),
        ("week", "2026-11-23T10:30"),
        ("month", "2026-12-01T10:30"),
        ("year", "2027-01-01T10:30"),
        ("ever", None),
    ],
)
def test_what_is_too_much_waits_for_the_next_period_of_the_members_zone(per: Per, sent: str | None) -> None:
    """It is Sunday the 22nd in New York, and Monday already in Shanghai."""
    now = local("2026-11-22T13:00", NEW_YORK)
    assert next_period(MORNING, NEW_YORK, now, per) == (local(sent, NEW_YORK) if sent else None)
