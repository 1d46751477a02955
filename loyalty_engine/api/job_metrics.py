"""What Prometheus is told of the worker: figures that the database knows, not those of a process, so that none is added up."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily

from loyalty_engine.services import health, phone_codes
from loyalty_engine.services.health import Health
from loyalty_engine.services.jobs.status import JobStatus
from loyalty_engine.services.webhook_positions import Position
from rules.errors import Refusal


def exposed() -> bytes:
    """Return the figures as Prometheus reads them; nothing where the database can't be asked."""
    try:
        found, codes = health.recent(), phone_codes.sent_today()
    except Refusal:
        return b""
    registry = CollectorRegistry()
    registry.register(_Figures(found, codes))
    return generate_latest(registry)


class _Figures:
    def __init__(self, found: Health, codes: int) -> None:
        self._found = found
        self._codes = codes

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all figures."""
        yield from _jobs(self._found.jobs)
        says = f"Messages on their way, and those of the last day that are over; {health.MOST_COUNTED} mean at least so many."
        messages = _gauge("loyalty_messages", says, "status")
        for status, count in self._found.messages.items():
            messages.add_metric([status], count)
        yield messages
        yield GaugeMetricFamily("loyalty_codes_sent", "Codes sent to phones in the day that runs.", self._codes)
        yield from _webhooks(self._found.webhooks)


def _gauge(name: str, says: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=labels)


def _jobs(jobs: tuple[JobStatus, ...]) -> Iterator[GaugeMetricFamily]:
    late = _gauge("loyalty_job_late_seconds", "How late a job is.", "job")
    done = _gauge("loyalty_job_finished_timestamp_seconds", "When it was last done.", "job")
    due = _gauge("loyalty_job_due_timestamp_seconds", "When it is due next.", "job")
    counts = _gauge("loyalty_job_count", "What its last day did.", "job", "what")
    for one in jobs:
        if one.late_seconds is not None:
            late.add_metric([one.job], one.late_seconds)
        if one.finished_at is not None:
            done.add_metric([one.job], one.finished_at.timestamp())
        if one.next_due_at is not None:
            due.add_metric([one.job], one.next_due_at.timestamp())
        for what, count in one.counts.items():
            counts.add_metric([one.job, what], count)
    yield from (late, done, due, counts)


def _webhooks(targets: tuple[Position, ...]) -> Iterator[GaugeMetricFamily]:
    waiting = _gauge("loyalty_webhook_waiting_events", "Events that a target was not told of yet.", "target")
    oldest = _gauge("loyalty_webhook_oldest_seconds", "How long ago the oldest of them happened.", "target")
    parked = _gauge("loyalty_webhook_parked_members", "Members whose events were given up.", "target")
    for one in targets:
        waiting.add_metric([one.target], one.waiting_events)
        oldest.add_metric([one.target], one.oldest_seconds or 0)
        parked.add_metric([one.target], one.parked_members)
    yield from (waiting, oldest, parked)
