"""When a message is sent: at the programme's time of day and outside the quiet hours, both on the member's own clock.

A time that the clock skips comes where the clock goes on; one that comes twice is the first, unless that is over.
Source: PROGRAMME.md, messages.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from rules.periods import Per, Period, period_start, plus
from rules.programme import Messages, QuietHours


def is_quiet(quiet: QuietHours | None, moment: time) -> bool:
    """Tell whether nobody is written to at a time of day: from the start on, up to the end."""
    if quiet is None:
        return False
    if quiet.starts < quiet.ends:
        return quiet.starts <= moment < quiet.ends
    return moment >= quiet.starts or moment < quiet.ends


def clock_at(day: date, moment: time, zone: tzinfo, after: datetime | None = None) -> datetime:
    """Return the instant of a time of day in `zone`; where it comes twice and the first is before `after`, the second."""
    first = datetime.combine(day, moment, tzinfo=zone).astimezone(UTC)
    if after is None or first > after:
        return first
    return datetime.combine(day, moment, tzinfo=zone).replace(fold=1).astimezone(UTC)


def out_of_quiet(at: datetime, zone: tzinfo, quiet: QuietHours | None) -> datetime:
    """Return `at`, or for an instant in the quiet hours their end."""
    local = at.astimezone(zone)
    if quiet is None or not is_quiet(quiet, local.time()):
        return at
    day = local.date()
    if quiet.starts >= quiet.ends and local.time() >= quiet.starts:
        day += timedelta(days=1)
    return clock_at(day, quiet.ends, zone, at)


def next_send(settings: Messages, zone: tzinfo, now: datetime, not_before: date | None = None) -> datetime:
    """Return when a message that nobody waits for is sent: today at `at`, or now where that is over and it isn't quiet.

    `not_before` is the member's own day that it is about: it is not told before that.
    """
    local = now.astimezone(zone)
    if not_before is not None and not_before > local.date():
        return clock_at(not_before, settings.at, zone)
    today = clock_at(local.date(), settings.at, zone)
    if now <= today:
        return today
    if not is_quiet(settings.quiet_hours, local.time()):
        return now
    return clock_at(local.date() + timedelta(days=1), settings.at, zone)


def next_period(settings: Messages, zone: tzinfo, at: datetime, per: Per) -> datetime | None:
    """Return the time of sending in the limit's period after the one that holds `at`; None where there is none."""
    lengths: dict[Per, Period] = {
        "day": Period(1, "days"),
        "week": Period(1, "weeks"),
        "month": Period(1, "months"),
        "year": Period(1, "years"),
    }
    if per not in lengths:
        return None
    start = period_start(per, at.astimezone(zone).date())
    return clock_at(plus(start, lengths[per]), settings.at, zone)
