"""How often a member may be written to, by purpose and in the member's own periods: what is too much waits or isn't sent.

What falls due together goes out as one text and counts once, where it fits into one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_engine.services.message_templates import Known, known
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.store import message_people, messages
from loyalty_engine.store.message_people import Person
from rules.message_texts import Spoken, fits, sms
from rules.message_times import next_period
from rules.periods import business_day, period_start
from rules.plan import Plan
from rules.programme import Programme, TimesPer

_PERIODS_AHEAD: Final = 12
"""A message that finds no room for so long isn't worth sending."""

Use = tuple[str, str, date]


@dataclass(slots=True)
class _Text:
    """A text that waits for a day, and the longest that may stand in it by now."""

    send_at: datetime
    bodies: list[Spoken]


@dataclass(slots=True)
class Limits:
    """The uses of the limits of a batch's members: what is stored, and what the batch adds."""

    plan: Plan
    by_purpose: Mapping[str, TimesPer]
    used: dict[Use, int] = field(default_factory=dict)
    added: dict[Use, int] = field(default_factory=dict)
    texts: dict[tuple[str, str, str, date], _Text] = field(default_factory=dict)
    """By member, channel, purpose and the member's own day."""

    @classmethod
    def load(
        cls,
        connection: sa.Connection,
        plan: Plan,
        people: Mapping[str, Person],
        purposes: Collection[str],
        now: datetime,
    ) -> "Limits":
        """Load what these members, who are locked, have used of the limits of the purposes."""
        wanted = {purpose: limit for purpose, limit in plan.programme.messages.limit.items() if purpose in purposes}
        limits = cls(plan, wanted)
        if wanted:
            member_ids = sorted(people)
            ids = [limit_id(purpose) for purpose in wanted]
            # A day before the first that begins anywhere: zones are up to 14 hours ahead and 12 behind.
            today = now.astimezone(UTC).date() - timedelta(days=1)
            since = min(period_start(limit.per, today) for limit in wanted.values())
            limits.used = message_people.uses(connection, member_ids, ids, since)
            for row in messages.planned(connection, member_ids, sorted(wanted)):
                person = people[row.member_id]
                zone = zone_of(plan.programme, person.time_zone)
                limits._note(_template_of(connection, row), row.channel, person, zone, row.send_at)
        return limits

    def take(
        self, person: Person, channel: str, known: Known, at: datetime, send_by: datetime | None
    ) -> datetime | None:
        """Return when the message has room, `at` or in a later period before `send_by`, and count it; None for never."""
        limit = self.by_purpose.get(known.purpose)
        if limit is None:
            return at
        zone = zone_of(self.plan.programme, person.time_zone)
        found: datetime | None = at
        for _ in range(_PERIODS_AHEAD):
            if found is None or (send_by is not None and found > send_by):
                return None
            joined = self._join(person, channel, known, zone, found)
            if joined is not None and (send_by is None or joined <= send_by):
                return joined
            if self._count(person.member_id, known, limit, zone, found):
                self._note(known, channel, person, zone, found)
                return found
            found = next_period(self.plan.programme.messages, zone, found, limit.per)
        return None

    def _join(self, person: Person, channel: str, known: Known, zone: tzinfo, at: datetime) -> datetime | None:
        """Return when a text of that day goes out that has room for one more; None where there is none."""
        waiting = self.texts.get((person.member_id, channel, known.purpose, business_day(at, zone)))
        if waiting is None:
            return None
        bodies = [*waiting.bodies, known.longest(person.language)]
        if channel == "sms" and not fits(sms(self.plan.programme, known.purpose, bodies)):
            return None
        waiting.bodies = bodies
        return waiting.send_at

    def _note(self, known: Known, channel: str, person: Person, zone: tzinfo, at: datetime) -> None:
        key = (person.member_id, channel, known.purpose, business_day(at, zone))
        self.texts.setdefault(key, _Text(at, [])).bodies.append(known.longest(person.language))

    def _count(self, member_id: str, known: Known, limit: TimesPer, zone: tzinfo, at: datetime) -> bool:
        use = (member_id, limit_id(known.purpose), period_start(limit.per, business_day(at, zone)))
        if self.used.get(use, 0) + self.added.get(use, 0) >= limit.times:
            return False
        self.added[use] = self.added.get(use, 0) + 1
        return True

    def write(self, connection: sa.Connection) -> None:
        """Store what was counted."""
        message_people.use(connection, self.added)


def _template_of(connection: sa.Connection, row: messages.Waiting) -> Known:
    """Return the template of a message that waits, as it was when it was planned."""
    return known(plan_of(connection, row.version), row.template, "")


def zone_of(programme: Programme, time_zone: str | None) -> ZoneInfo:
    """Return the member's own zone, else the programme's."""
    return ZoneInfo(time_zone) if time_zone else programme.time_zone


def limit_id(purpose: str) -> str:
    """Return under what name the messages of a purpose are counted."""
    return f"message:{purpose}"
