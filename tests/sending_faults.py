"""Sends many messages while everything goes wrong, and holds what the gateway took against what the database says.

Each text has to be taken at most once, and to be `accepted` or more exactly when it was taken.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.channels import Channel, Listed, Outcome, Outgoing
from loyalty_engine.services import enrolment
from loyalty_engine.services.dispatch import send_due
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.reconciliation import reconcile
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import in_transaction
from tests.builders import ADMIN
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import FAULTS, Form, TwilioServer
from tests.sending import LAPSING, phone, rows

TAKEN = frozenset({"accepted", "sent", "delivered"})
SMALL_PAGE = 20
"""So that a worker that dies takes little with it, and others have work."""


class Killed(BaseException):
    """The process is gone: nobody on the way may take it for an error."""


@dataclass
class Chaos:
    """What goes wrong next, by chance; `injected` counts it."""

    chance: random.Random
    share: float
    injected: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def of_server(self, form: Form) -> str | None:
        """Choose what the gateway does to a call."""
        return self._maybe(FAULTS, self.share)

    def of_worker(self) -> str | None:
        """Choose whether the worker dies around a call."""
        return self._maybe(("killed_before", "killed_after"), self.share / 20)

    def _maybe(self, kinds: Sequence[str], share: float) -> str | None:
        with self.lock:
            if self.chance.random() >= share:
                return None
            kind = self.chance.choice(kinds)
            self.injected[kind] += 1
            return kind


@dataclass
class Mortal:
    """A gateway whose worker may die just before and just after it was asked."""

    channel: Channel
    chaos: Chaos
    provider: str = "twilio"

    def send(self, outgoing: Outgoing) -> Outcome:
        """Ask, or die."""
        fate = self.chaos.of_worker()
        if fate == "killed_before":
            raise Killed
        outcome = self.channel.send(outgoing)
        if fate == "killed_after":
            raise Killed
        return outcome

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> Sequence[Listed] | None:
        """Ask for the list."""
        return self.channel.find(to, digest, since, until)


def plan_many(messages: int, at_once: bool = False) -> None:
    """Plan so many messages to as many members: one in three lapses, the others greet."""
    consents = (GivenConsent("sms", "greeting", True, clock.now(), "form"),)
    members = [NewMember(phone=phone(n), name="Ann Lee", language="en", consents=consents) for n in range(messages)]
    ids = [one.member_id for one in enrolment.enrol_many(ADMIN, members)]
    wanted = [
        Wanted(one, "expiry", "notice", "n", LAPSING, at_once=at_once) if number % 3 == 0
        else Wanted(one, "anniversary", "occasion", "o", {"years": 3}, at_once=at_once)
        for number, one in enumerate(ids) if one is not None
    ]  # fmt: skip

    def work(connection: sa.Connection) -> int:
        return plan_messages(connection, plan_for(connection, clock.now()), wanted, clock.now())

    assert in_transaction(work) == messages


def work_until_nothing_is_due(app: Flask, workers: int) -> None:
    """Let so many workers send beside each other; one that dies is started anew, under another name."""

    def worker() -> None:
        with app.app_context():
            taken = 1
            while taken:
                try:
                    taken = send_due(new_id(), SMALL_PAGE)
                except Killed:
                    continue

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(worker) for _ in range(workers)]:
            done.result()


def through_the_days(app: Flask, frozen_clock: FrozenClock, workers: int) -> None:
    """Send, look after what is unknown, and let time go on, until nothing moves any more."""
    before: Counter[str] = Counter()
    for wait in _waits():
        work_until_nothing_is_due(app, workers)
        frozen_clock.move(wait)
        reconcile(clock.now(), 10_000)
        after = Counter(row.status for row in rows())
        if not after["planned"] and not after["sending"] and after == before and wait > timedelta(hours=1):
            return
        before = after


def _waits() -> Iterator[timedelta]:
    for _ in range(20):
        for minutes in (6, 6, 30, 240, 6):
            yield timedelta(minutes=minutes)


def doubled(server: TwilioServer) -> dict[str, int]:
    """Return the messages that the gateway took more than once."""
    return {one: times for one, times in Counter(taken.message_id for taken in server.taken).items() if times > 1}


def assert_agrees(server: TwilioServer) -> None:
    """Fail where the database says something else than what the gateway took."""
    assert doubled(server) == {}
    taken = {one.message_id: one.sid for one in server.taken}
    found = rows()
    wrong = [
        (row.message_id, row.status, row.provider_id, taken.get(row.message_id))
        for row in found
        if (row.status in TAKEN) != (row.message_id in taken)
        or (row.message_id in taken and row.provider_id != taken[row.message_id])
    ]
    assert wrong == []
    assert {row.status for row in found} <= TAKEN | {"unknown", "failed"}
