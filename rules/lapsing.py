"""Whether a lot's points lapse now: its last day is over, and the member was told in time, where the programme says so.

Source: PROGRAMME.md, Lots, spending and expiry: expiry waits until the notice that the programme promises was planned at
least its last `days_before` ago; a lot shorter than that is noticed when it is granted.
"""

from datetime import date, timedelta

from rules.programme import ExpiryNotices


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
