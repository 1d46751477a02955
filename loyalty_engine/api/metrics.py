"""Counts and times requests for Prometheus, by route, method and status: a handful of series, whoever asks whatever."""

import os
from typing import Final

from flask import Response, current_app
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from loyalty_engine.api import job_metrics
from loyalty_engine.api.auth import public
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint

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
    """Say how many requests were answered, and how fast; how the worker's jobs stand, messages, and webhooks."""
    figures: Metrics = current_app.extensions["loyalty_metrics"]
    return Response(figures.exposed() + job_metrics.exposed(), content_type=CONTENT_TYPE_LATEST)
