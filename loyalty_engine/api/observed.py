"""What is seen of each request from outside: its id, one line in the log, its place in the metrics; nothing personal.

Log and metrics name the route's template, never the path, the query or the body: RELIABILITY.md, Doors.
"""

import re
from secrets import token_hex
from time import perf_counter
from typing import Final

from flask import Flask, Response
from flask.globals import request_ctx
from structlog.typing import FilteringBoundLogger

from loyalty_engine.api.known import ACTOR, BEGAN, REQUEST_ID
from loyalty_engine.api.logs import make_log
from loyalty_engine.api.metrics import Metrics
from loyalty_engine.config import Settings

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register(app: Flask, settings: Settings) -> None:
    """Give every request of `app` an id, a line in the log and a place in the metrics."""
    log, metrics = make_log(settings.log_level), Metrics()
    app.extensions |= {"loyalty_log": log, "loyalty_metrics": metrics}
    app.before_request(_begin)
    app.after_request(lambda response: _end(response, log, metrics))


def _begin() -> None:
    environment = request_ctx.request.environ
    environment[BEGAN] = perf_counter()
    sent = environment.get("HTTP_X_REQUEST_ID", "")
    environment[REQUEST_ID] = sent if _SANE_ID.fullmatch(sent) else token_hex(8)


def _end(response: Response, log: FilteringBoundLogger, metrics: Metrics) -> Response:
    request = request_ctx.request
    environment, rule = request.environ, request.url_rule
    request_id, actor = environment[REQUEST_ID], environment.get(ACTOR)
    seconds = perf_counter() - environment[BEGAN]
    route = rule.rule if rule is not None else "unmatched"
    method = request.method if request.method in _METHODS else "OTHER"
    status = response.status_code
    response.headers["X-Request-Id"] = request_id
    metrics.answered(method, route, status, seconds)
    log.info(
        "request",
        method=method,
        route=route,
        status=status,
        microseconds=int(seconds * 1_000_000),
        request_id=request_id,
        actor=None if actor is None else str(actor),
    )
    return response
