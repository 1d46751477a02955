"""The worker: a clock that ticks every minute in UTC; rows say what is due, so that no tick matters by itself.

A trigger at a local midnight would miss or double days (RELIABILITY.md, Pitfalls), and so would a job store that two
processes share. Any number of workers may run beside each other.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from types import FrameType
from typing import Any, NoReturn
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask
from structlog.typing import FilteringBoundLogger

from loyalty_engine import clock
from loyalty_engine.api.logs import origin
from loyalty_engine.config import Settings
from loyalty_engine.services.jobs import nights, registry
from loyalty_engine.services.jobs.runs import Done, Watch
from loyalty_engine.services.jobs.sending import Sender
from loyalty_engine.services.webhook_delivery import Courier
from loyalty_engine.webhook_targets import WebhookTarget
from rules.errors import Refusal

SECONDS_A_TICK = 60
SECONDS_A_SEND = 1
SECONDS_BETWEEN_DELIVERIES = 1


class _Stopped(BaseException):
    """Somebody asked the process to end. Not an `Exception`: nothing on the way may take it for an error."""


class Worker:
    """Does what is due, at each tick."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._log: FilteringBoundLogger = app.extensions["loyalty_log"]
        self._stopping = Event()
        self.owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:12]}"
        """By which it is known in the database: the machine, the process, and what no other process ever had."""
        self._sender = Sender(self.owner)

    def tick(self) -> None:
        """Do what is due at every minute."""
        self._guarded(lambda: (done for done in nights.every_minute(self.owner) if any(done.counts.values())))

    def night(self) -> None:
        """Run the days that are missing; on most ticks there are none."""
        watch = Watch(stopping=self._stopping.is_set, owner=self.owner)
        self._guarded(lambda: (done for done in nights.run("night", watch=watch) if done.status in ("done", "stopped")))

    def send(self) -> None:
        """Send the messages that are due, until none is."""
        self._guarded(lambda: self._sender.send(self._stopping.is_set))

    def deliver(self, target: WebhookTarget) -> None:
        """Tell one target what happened, until the worker ends; each target has a thread of its own."""
        noted, taken = clock.now() - timedelta(seconds=SECONDS_A_TICK), 0

        def some() -> Iterator[Done]:
            nonlocal noted, taken
            taken += courier.run(stopping=self._stopping.is_set)
            if abs(clock.now() - noted) >= timedelta(seconds=SECONDS_A_TICK):
                done = nights.note(registry.WEBHOOKS, taken, self.owner)
                noted, before, taken = clock.now(), taken, 0
                if before:
                    yield done

        with closing(Courier(target, f"{self.owner}:{target.name}"[:64])) as courier:
            while not self._stopping.wait(SECONDS_BETWEEN_DELIVERIES):
                self._guarded(some)

    def _guarded(self, due: Callable[[], Iterable[Done]]) -> None:
        try:
            with self._app.app_context():
                for done in due():
                    self._log.info("job", job=done.job, day=done.day, status=done.status, counts=done.counts)
        except Refusal as refusal:
            # The database is away, or no programme is published: the next tick asks again.
            self._log.warning("tick", code=refusal.code, detail=refusal.detail)
        except Exception as error:  # noqa: BLE001 - what APScheduler would log could name a person
            self._log.error("bug", **origin(error))

    def run(self) -> None:
        """Tick until the process is told to end (SIGTERM or SIGINT); what is at work then ends its step first."""
        scheduler = BlockingScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(3)})
        # Ticks that were missed count as one, at once: rows say what is due.
        alone: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        for job, seconds in ((self.tick, SECONDS_A_TICK), (self.night, SECONDS_A_TICK), (self.send, SECONDS_A_SEND)):
            scheduler.add_job(job, "interval", seconds=seconds, next_run_time=clock.now(), **alone)
        settings: Settings = self._app.extensions["loyalty_settings"]
        couriers = [Thread(target=partial(self.deliver, target)) for target in settings.webhooks]
        self._log.info("worker", status="started", owner=self.owner)
        with _ended_by(signal.SIGTERM, signal.SIGINT):
            try:
                for courier in couriers:
                    courier.start()
                scheduler.start()
            except _Stopped:
                self._stopping.set()
                scheduler.shutdown(wait=True)
                for courier in couriers:
                    courier.join()
        self._log.info("worker", status="stopped")


@contextmanager
def _ended_by(*numbers: signal.Signals) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
