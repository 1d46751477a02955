"""Tells whoever starts and stops processes whether this one lives, and whether it can work."""

from flask import Blueprint

from loyalty_engine.api.auth import public
from loyalty_engine.services import readiness

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> dict[str, str]:
    """Answer as long as the process lives, whatever the database does."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@public
def readyz() -> dict[str, str]:
    """Answer 200 when requests can be served, else 503 with what is missing."""
    readiness.check()
    return {"status": "ready"}
