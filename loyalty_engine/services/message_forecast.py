"""What is sent in the coming days and what it costs: messages that wait, and what occasions and notices will bring.

Days are the programme's. What waits since before today stands under today. What is expected is the most that can come.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, Literal

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import message_costs, occasion_forecast
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.jobs.lots import noticing
from loyalty_engine.services.message_templates import known
from loyalty_engine.services.newcomers import default_language
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import message_lists as store
from loyalty_engine.store import message_pauses
from loyalty_engine.store.nights import notices
from loyalty_engine.store.session import reading
from rules.periods import business_day
from rules.plan import Plan
from rules.spans import day_begins, day_ends

MAX_DAYS: Final = 31
Kind = Literal["planned", "held", "expected"]


@dataclass(frozen=True, slots=True)
class Line:
    """How many messages of a template go out on a day. `segments` are at most so many: what is short takes fewer."""

    on: date
    template: str
    channel: str
    kind: Kind
    messages: int
    segments: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The lines by day; `paused` is what holds some of it."""

    plan: Plan
    lines: tuple[Line, ...]
    paused: tuple[message_pauses.Pause, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, each line with its cost and all of it summed."""
        programme = self.plan.programme
        lines = [
            {name: getattr(line, name) for name in Line.__slots__}
            | {"cost": message_costs.cost_words(programme, line.channel, line.segments)}
            for line in self.lines
        ]
        costs = [message_costs.cost(programme, line.channel, line.segments) for line in self.lines]
        known_costs = [cost for cost in costs if cost is not None]
        total = {
            "messages": sum(line.messages for line in self.lines),
            "segments": sum(line.segments for line in self.lines),
            "cost": message_costs.words(programme, sum(known_costs, Fraction())) if known_costs else None,
        }
        paused = [one.as_json() for one in self.paused]
        return {"currency": programme.money, "lines": lines, "total": total, "paused": paused}


def forecast(actor: Actor, days: int) -> Forecast:
    """Return what is to come today and on the days after it, `days` in all."""
    actor.check_everywhere()
    assert 1 <= days <= MAX_DAYS
    with reading() as connection:
        now = clock.now()
        plan = plan_for(connection, now)
        today = business_day(now, plan.programme.time_zone)
        span = [today + timedelta(days=more) for more in range(days)]
        lines = [line for day in span for line in _of_day(connection, plan, day, today)]
        lines += _notices(connection, plan, span)
        lines.sort(key=lambda line: (line.on, line.template, line.channel, line.kind))
        return Forecast(plan, tuple(lines), message_pauses.all_of(connection))


def _of_day(connection: sa.Connection, plan: Plan, day: date, today: date) -> Iterator[Line]:
    zone = plan.programme.time_zone
    since: datetime | None = None if day == today else day_begins(day, zone)
    kinds: tuple[Kind, ...] = ("planned", "held")
    for kind in kinds:
        for one in store.waiting(connection, kind, since, day_ends(day, zone)):
            yield Line(day, one.template, one.channel, kind, one.messages, one.segments)
    if day > today:
        for template, count in occasion_forecast.expected(connection, plan, day).items():
            yield _expected(plan, day, template, "occasion", count)


def _notices(connection: sa.Connection, plan: Plan, span: list[date]) -> Iterator[Line]:
    """Yield the notices that the nights will write, by what is stored now; today's are those that are not written yet."""
    asked, promised = noticing(plan.programme, span[-1]), plan.programme.messages.expiry_notices
    if asked is None or promised is None:
        return
    by_day: Counter[date] = Counter()
    for due, count in notices.expected(connection, asked):
        by_day[max(due, span[0])] += count
    for day, count in by_day.items():
        yield _expected(plan, day, promised.template, "notice", count)


def _expected(plan: Plan, day: date, template: str, cause: str, count: int) -> Line:
    asked = known(plan, template, cause)
    channel = asked.template.channels[0]
    each = asked.segments(default_language(plan.programme)) if channel == "sms" else 0
    return Line(day, template, channel, "expected", count, count * each)
