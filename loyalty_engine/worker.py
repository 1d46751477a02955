"""The worker: a clock that ticks every minute in UTC; rows say what is due, so that no tick matters by itself.

A trigger at a local midnight would miss or double days (RELIABILITY.md, Pitfalls), and so would a job store that two
processes share. Any number of workers may run beside each other.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from typing import Any
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from flask import Flask
from structlog.typing import FilteringBoundLogger

from loyalty_engine import clock
from loyalty_engine.api.logs import origin
from loyalty_engine.config import Settings
from loyalty_engine.config.webhooks import WebhookTarget
from loyalty_engine.services import reconciliation
from loyalty_engine.services.jobs import nights, registry
from loyalty_engine.services.jobs.runs import Done, Watch
from loyalty_engine.services.jobs.sending import Sender
from loyalty_engine.services.webhook_delivery import Courier
from rules.errors import Refusal

SECONDS_A_TICK = 60
SECONDS_BETWEEN_SENDS = 1
SECONDS_BETWEEN_DELIVERIES = 1


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
        self._guarded(lambda: _worth_telling(nights.every_minute(self.owner)))

    def night(self) -> None:
        """Run the days that are missing; on most ticks there are none."""
        watch = Watch(stopping=self._stopping.is_set, owner=self.owner)
        found = partial(nights.running, "night", watch=watch)
        self._guarded(lambda: (done for done in found() if done.status in ("done", "stopped")))

    def send(self) -> None:
        """Send the messages that are due, until the worker ends: by itself, for a gateway may be slow."""
        while not self._stopping.wait(SECONDS_BETWEEN_SENDS):
            self._guarded(lambda: self._sender.send(self._stopping.is_set))

    def reconcile(self) -> None:
        """Ask what became of texts, every minute until the worker ends: by itself, for a gateway may hang."""
        job = replace(registry.RECONCILING, call=partial(reconciliation.reconcile, stopping=self._stopping.is_set))
        while not self._stopping.is_set():
            self._guarded(lambda: _worth_telling([nights.called(job, self.owner)]))
            self._stopping.wait(SECONDS_A_TICK)

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
        scheduler = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(2)})
        # Ticks that were missed count as one, at once: rows say what is due.
        alone: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        for job in (self.tick, self.night):
            scheduler.add_job(job, "interval", seconds=SECONDS_A_TICK, next_run_time=clock.now(), **alone)
        settings: Settings = self._app.extensions["loyalty_settings"]
        by_themselves = [Thread(target=self.send), Thread(target=self.reconcile)]
        by_themselves += [Thread(target=partial(self.deliver, target)) for target in settings.webhooks]
        with _kept_back(signal.SIGTERM, signal.SIGINT) as wait:
            scheduler.start()
            for thread in by_themselves:
                thread.start()
            self._log.info("worker", status="started", owner=self.owner)
            while not wait(SECONDS_A_TICK):
                catch_up(scheduler)
            self._stopping.set()
            scheduler.shutdown(wait=True)
            for thread in by_themselves:
                thread.join()
        self._log.info("worker", status="stopped")


def catch_up(scheduler: BaseScheduler) -> None:
    """Let every job tick now whose next tick lies too far ahead: the clock was set back since it was chosen.

    APScheduler goes by that clock, and would sit out the whole of the difference.
    """
    now = clock.now()
    for job in scheduler.get_jobs():
        if job.next_run_time - now > timedelta(seconds=2 * SECONDS_A_TICK):
            job.modify(next_run_time=now)


def _worth_telling(found: Iterable[Done]) -> Iterator[Done]:
    return (done for done in found if any(done.counts.values()))


@contextmanager
def _kept_back(*numbers: signal.Signals) -> Iterator[Callable[[float], object]]:
    """Keep signals back from every thread that is started, and yield what waits so many seconds for the first of them.

    A handler that raised would do so anywhere, also where APScheduler takes any exception for a job's.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield partial(signal.sigtimedwait, numbers)
    finally:
        while signal.sigtimedwait(numbers, 0):
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
