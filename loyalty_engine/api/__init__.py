"""HTTP in, HTTP out: reads what was sent, says who may, and asks a service; nothing is decided here."""

from flask import Flask

from loyalty_engine.api import (
    accounts,
    audit_log,
    batches,
    codes,
    dates,
    deeds,
    docs,
    errors,
    health,
    leaving,
    levels,
    limits,
    lots,
    members,
    messages,
    metrics,
    observed,
    own,
    paths,
    products,
    programme,
    purchases,
    redemptions,
    reports,
    responses,
    sessions,
    statements,
    store_days,
    stores,
    tokens,
    twilio,
    vouchers,
    webhooks,
)
from loyalty_engine.api.openapi import make_api
from loyalty_engine.config import Settings

_RESOURCES = (
    purchases,
    batches,
    codes,
    redemptions,
    members,
    levels,
    own,
    leaving,
    accounts,
    lots,
    dates,
    deeds,
    messages,
    vouchers,
    statements,
    reports,
    programme,
    products,
    stores,
    store_days,
    tokens,
    sessions,
    audit_log,
    twilio,
    webhooks,
    health,
    metrics,
)


def register(app: Flask, settings: Settings) -> None:
    """Add the API to `app`."""
    paths.register(app)
    observed.register(app, settings)
    errors.register(app)
    responses.register(app)
    limits.register(app, settings)
    api = make_api(app)
    for resource in _RESOURCES:
        api.register_blueprint(resource.blueprint)
    app.register_blueprint(docs.blueprint)
