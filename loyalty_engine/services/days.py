"""Days that people ask for, past ones and none to come: an "as of", and a period from one day through another."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.programmes import plan_for
from rules.errors import Invalid
from rules.periods import business_day
from rules.programme import Programme
from rules.spans import Span, day_ends, span_of


class Asked(NamedTuple):
    """The programme that was in force at the end of what was asked for, and the instants of it."""

    programme: Programme
    span: Span

    @property
    def before(self) -> datetime:
        """The instant before which everything counts."""
        return self.span.end


def today(connection: sa.Connection) -> date:
    """Return the day that it is in the programme's zone."""
    now = clock.now()
    return business_day(now, plan_for(connection, now).programme.time_zone)


def as_of(connection: sa.Connection, day: date) -> Asked:
    """Return the instants of a day in the programme's zone; raises `Invalid` for one that has not begun."""
    return period(connection, day, day, {"as_of": ["name today, or a day before it"]})


def period(connection: sa.Connection, first: date, last: date, hints: Mapping[str, list[str]] | None = None) -> Asked:
    """Return the instants of the days from `first` through `last`; raises `Invalid` for what can't be a period."""
    now = clock.now()
    zone = plan_for(connection, now).programme.time_zone
    today = business_day(now, zone)
    if first > last:
        backwards = {"from": [f"must not be after {last}"]}
        raise Invalid("period_backwards", f"A period can't begin on {first} and end on {last}.", backwards)
    if last > today:
        detail = f"{last} is still to come: in {zone} it is {today}."
        raise Invalid("as_of_future", detail, hints or {"to": ["name today, or a day before it"]})
    last_instant = min(now, day_ends(last, zone) - timedelta(microseconds=1))
    return Asked(plan_for(connection, last_instant).programme, span_of(first, last, zone))
