"""Remembers what the rules decide, and translates it for tills, members and marketers."""

from flask import Flask

from loyalty_engine import api, portal
from loyalty_engine.api.application import Application
from loyalty_engine.api.bodies import MAX_BODY
from loyalty_engine.config import Settings, from_environment
from loyalty_engine.edges import edge_of
from loyalty_engine.store.session import db, engine_options, prepare_engine


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application for `settings`; without any, for those of the environment."""
    settings = settings or from_environment()
    app = Application(__name__, static_folder=None)
    app.config |= {
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings),
        "MAX_CONTENT_LENGTH": MAX_BODY,
    }
    app.extensions["loyalty_settings"] = settings
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    api.register(app, settings)
    portal.register(app, edge_of(settings))
    return app
