"""Tells whoever starts and stops processes whether this one lives, and whether it can work."""

from typing import Any

from loyalty_engine.api.auth import public
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint, ProblemSchema
from loyalty_engine.services import health, readiness

blueprint = Blueprint("health", __name__, description="For whoever runs it.")


@blueprint.route("/healthz", methods=["GET"])
@public
@answers(200)
def healthz() -> dict[str, str]:
    """Answer as long as the process lives, whatever the database does."""
    return {"status": "ok"}


@blueprint.route("/readyz", methods=["GET"])
@public
@answers(200)
@answers(503, ProblemSchema)
def readyz() -> dict[str, Any]:
    """Answer 200 when requests can be served, else 503 with what is missing.

    `degraded` names what the worker is late with: tills are served all the same.
    """
    readiness.check()
    late = health.recent().late
    return {"status": "degraded", "late": late} if late else {"status": "ready"}
