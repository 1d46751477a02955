"""Whether a lot's points lapse now: its last day is over, and the member was told in time, where the programme says so.

Source: PROGRAMME.md, Lots, spending and expiry: expiry waits until the notice that the programme promises was planned at
least its last `days_before` ago; a lot shorter than that is noticed when it is granted.
"""

from datetime import date, timedelta

from rules.periods import Period, plus
from rules.programme import BY_PURCHASE, Activity, Expiry, ExpiryNotices, InactivityExpiry


def last_notice(notices: ExpiryNotices | None) -> int | None:
    """Return how many days before the end the last notice comes; None where none is promised."""
    return min(notices.days_before) if notices is not None and notices.days_before else None


def is_due(
    expires_on: date | None, opened_on: date, today: date, notices: ExpiryNotices | None, planned_on: date | None
) -> bool:
    """Tell whether a lot that is good through `expires_on` lapses on `today`.

    `planned_on` is the day on which the last notice of that end was planned, suppressed, or found to be about too few
    points; None where that has not happened.
    """
    if expires_on is None or today <= expires_on:
        return False
    days = last_notice(notices)
    if days is None or expires_on - opened_on < timedelta(days=days):
        return True
    return planned_on is not None and planned_on <= today - timedelta(days=days)


def lapsed_through(today: date, after: Period) -> date:
    """Return the last day of activity from which `after` has passed today: it and all before it are too long ago."""
    day = plus(today, after, times=-1)
    while plus(day, after) >= today:
        day -= timedelta(days=1)
    while plus(day + timedelta(days=1), after) < today:
        day += timedelta(days=1)
    return day


def activity_of(kind: str, source_kind: str) -> Activity | None:
    """Return what an entry of `kind` shows of its member's taking part, by what it came from; None for nothing."""
    match kind, source_kind:
        case "accrual", "purchase":
            return "purchase"
        case "accrual", "event":
            return "event"
        case "redemption", _:
            return "redemption"
        case "adjustment", _:
            return "adjustment"
        case _:
            return None


def renews(expiry: Expiry, activity: Activity | None) -> bool:
    """Tell whether an activity counts as one in a wallet; a purchase does where the wallet says nothing else."""
    return activity in (expiry.renewed_by if isinstance(expiry, InactivityExpiry) else BY_PURCHASE)
