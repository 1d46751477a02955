"""When points lapse: after their last day, once the notice that was promised has been out for long enough.

Source: PROGRAMME.md, Lots, spending and expiry.
"""

from datetime import date, timedelta

from rules.periods import Period, plus
from rules.programme import BY_PURCHASE, Activity, Expiry, InactivityExpiry


def is_due(expires_on: date, opened_on: date, today: date, days_before: int | None, planned_on: date | None) -> bool:
    """Tell whether points lapse today; they are good through `expires_on`.

    `days_before` is the last of the programme's notices, None where it promises none, and `planned_on` the day on which
    that notice was planned. A lot that is shorter than `days_before` was noticed when it was granted.
    """
    if today <= expires_on:
        return False
    if days_before is None or opened_on + timedelta(days=days_before) > expires_on:
        return True
    return planned_on is not None and planned_on + timedelta(days=days_before) <= today


def last_notice(days_before: tuple[int, ...]) -> int | None:
    """Return how many days before the end the last of a programme's notices is due; None where there is none."""
    return min(days_before, default=None)


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
