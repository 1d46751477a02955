"""How often a member may be written to, by purpose and in the member's own periods: what is too much waits or isn't sent.

What falls due together goes out as one text and counts once, where it fits into one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services.message_templates import Known
from loyalty_engine.store import message_people
from loyalty_engine.store.nights.batches import lock
from rules.message_times import next_period
from rules.periods import business_day, period_start
from rules.plan import Plan
from rules.programme import TimesPer

_PERIODS_AHEAD: Final = 12
"""A message that finds no room for so long isn't worth sending."""

Use = tuple[str, str, date]


@dataclass(slots=True)
class Limits:
    """The uses of the limits of a batch's members: what is stored, and what the batch adds."""

    plan: Plan
    by_purpose: Mapping[str, TimesPer]
    used: dict[Use, int] = field(default_factory=dict)
    added: dict[Use, int] = field(default_factory=dict)
    bodies: dict[tuple[str, str, str, datetime], list[str]] = field(default_factory=dict)

    @classmethod
    def load(
        cls, connection: sa.Connection, plan: Plan, member_ids: Sequence[str], purposes: Collection[str], now: datetime
    ) -> "Limits":
        """Lock the members where one of the purposes is limited, and load what they have used."""
        wanted = {purpose: limit for purpose, limit in plan.programme.messages.limit.items() if purpose in purposes}
        limits = cls(plan, wanted)
        if wanted:
            lock(connection, member_ids)
            ids = [limit_id(purpose) for purpose in wanted]
            # A day before the first that begins anywhere: zones are up to 14 hours ahead and 12 behind.
            today = now.astimezone(UTC).date() - timedelta(days=1)
            since = min(period_start(limit.per, today) for limit in wanted.values())
            limits.used = message_people.uses(connection, member_ids, ids, since)
        return limits

    def take(
        self, member_id: str, channel: str, known: Known, zone: tzinfo, at: datetime, send_by: datetime | None
    ) -> datetime | None:
        """Return when the message has room, `at` or in a later period before `send_by`, and count it; None for never."""
        limit = self.by_purpose.get(known.purpose)
        if limit is None:
            return at
        found: datetime | None = at
        for _ in range(_PERIODS_AHEAD):
            if found is None or (send_by is not None and found > send_by):
                return None
            if self._count(member_id, channel, known, limit, zone, found):
                return found
            found = next_period(self.plan.programme.messages, zone, found, limit.per)
        return None

    def _count(self, member_id: str, channel: str, known: Known, limit: TimesPer, zone: tzinfo, at: datetime) -> bool:
        use = (member_id, limit_id(known.purpose), period_start(limit.per, business_day(at, zone)))
        if self.used.get(use, 0) + self.added.get(use, 0) >= limit.times:
            return False
        self.added[use] = self.added.get(use, 0) + 1
        return True

    def write(self, connection: sa.Connection) -> None:
        """Store what was counted."""
        message_people.use(connection, self.added)


def limit_id(purpose: str) -> str:
    """Return under what name the messages of a purpose are counted."""
    return f"message:{purpose}"
