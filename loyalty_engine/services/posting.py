"""How one transaction books: members locked once, every figure kept in step, all of it written at the end.

The same `Posting` books one purchase from a till and two thousand from an import, so that both give the same results.
What may be booked is `ledger`'s.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.services import webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.jobs import reopening
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import member_state, postings
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.postings import Appended


class Source(NamedTuple):
    """What an entry is about, and when that happened: a purchase, a return, a move to another member."""

    kind: str
    id: str
    occurred_at: datetime


class Overtaken(Exception):
    """What was judged ahead of its transaction has changed before it was written."""


@dataclass(slots=True)
class Posting:
    """The work of one transaction. With `now` None a purchase is booked at its own time: imports replay their days.

    With `only_looks` it locks nothing: for a quote, and while a batch is judged ahead of its transaction.
    """

    connection: sa.Connection
    actor: Actor
    now: datetime | None
    only_looks: bool = False
    states: dict[str, MemberState] = field(default_factory=dict)
    appended: Appended = field(default_factory=Appended)
    budgets: dict[tuple[str, date], int] = field(default_factory=dict)
    budgets_before: dict[tuple[str, date], int] = field(default_factory=dict)
    to_tell: list[Wanted] = field(default_factory=list)
    """Messages that go with what is booked; history that is replayed is not told."""

    def member(self, member_id: str) -> MemberState:
        """Return the member, locked for the rest of the transaction; of one that was merged, the one it went into."""
        state = self.states.get(member_id)
        if state is None:
            state = member_state.lock(self.connection, member_id)
            if state.merged_into is not None:
                return self.member(state.merged_into)
            self.states[member_id] = state
        return state

    def booked_at(self, state: MemberState, occurred_at: datetime) -> datetime:
        """Return the time of booking, which never decreases along a member's entries."""
        at = self.now or occurred_at
        return at if state.last_booked_at is None else max(at, state.last_booked_at)

    def write(self) -> None:
        """Write all of it, and tell the outbox of webhooks."""
        self.appended.budgets = [
            {"cap_id": cap, "period_start": start, "used": used} for (cap, start), used in self.budgets.items()
        ]
        postings.write(self.connection, list(self.states.values()), self.appended)
        webhooks.emit_posting(self.connection, self.appended)
        if self.now is None and self.appended.lots:
            reopening.after_replay(self.connection, self.appended.lots)
        if self.now is not None and self.to_tell:
            plan_messages(self.connection, plan_for(self.connection, self.now), self.to_tell, self.now)
