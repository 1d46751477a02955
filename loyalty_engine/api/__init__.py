"""HTTP in, HTTP out: reads what was sent, says who may, and asks a service; nothing is decided here."""

from flask import Flask

from loyalty_engine.api import (
    accounts,
    audit_log,
    batches,
    docs,
    errors,
    health,
    lots,
    members,
    metrics,
    observed,
    paths,
    products,
    programme,
    purchases,
    stores,
    tokens,
)
from loyalty_engine.api.openapi import make_api
from loyalty_engine.config import Settings

_RESOURCES = (
    purchases,
    batches,
    members,
    accounts,
    lots,
    programme,
    products,
    stores,
    tokens,
    audit_log,
    health,
    metrics,
)


def register(app: Flask, settings: Settings) -> None:
    """Add the API to `app`."""
    paths.register(app)
    observed.register(app, settings)
    errors.register(app)
    api = make_api(app)
    for resource in _RESOURCES:
        api.register_blueprint(resource.blueprint)
    app.register_blueprint(docs.blueprint)
