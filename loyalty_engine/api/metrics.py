"""Counts and times requests for Prometheus, by route, method and status: a handful of series, whoever asks whatever."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from flask import Response, current_app
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from loyalty_engine.api.auth import public
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.services import phone_codes
from loyalty_engine.services.jobs import status
from loyalty_engine.services.jobs.status import JobStatus
from rules.errors import Refusal

blueprint = Blueprint("metrics", __name__, description="For Prometheus.")

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("loyalty_requests_total", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "loyalty_request_seconds",
            "Time taken to answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request that was answered; `route` is the template of its path."""
        known = self._known.get((method, route, status))
        if known is None:
            known = (
                self._requests.labels(method, route, status),
                self._seconds.labels(method, route),
            )
            self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def exposed(self) -> bytes:
        """Return the figures as Prometheus reads them; of all worker processes, where they share a directory."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


@blueprint.route("/metrics", methods=["GET"])
@public
@answers(200)
def metrics() -> Response:
    """Say how many requests were answered, and how fast; how late the jobs are; and how many codes were sent."""
    figures: Metrics = current_app.extensions["loyalty_metrics"]
    return Response(figures.exposed() + _jobs(), content_type=CONTENT_TYPE_LATEST)


class _Jobs:
    """How the jobs and the door stand, which the database knows: no figure of a process, so that none is added up."""

    def __init__(self, jobs: Sequence[JobStatus], codes: int) -> None:
        self._jobs = jobs
        self._codes = codes

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures of every job that was ever run."""
        late = GaugeMetricFamily("loyalty_job_late_seconds", "How late a job is.", labels=["job"])
        done = GaugeMetricFamily("loyalty_job_finished_timestamp_seconds", "When it was last done.", labels=["job"])
        for one in self._jobs:
            if one.late_seconds is not None:
                late.add_metric([one.job], one.late_seconds)
            if one.finished_at is not None:
                done.add_metric([one.job], one.finished_at.timestamp())
        yield from (late, done)
        yield GaugeMetricFamily("loyalty_codes_sent", "Codes sent to phones in the day that runs.", self._codes)


def _jobs() -> bytes:
    """Return how the jobs stand; nothing where the database can't be asked."""
    try:
        jobs, codes = status.all_jobs(), phone_codes.sent_today()
    except Refusal:
        return b""
    registry = CollectorRegistry()
    registry.register(_Jobs(jobs, codes))
    return generate_latest(registry)
