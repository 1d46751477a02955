"""The settings of the application at work, for services that are asked without them."""

from typing import cast

from flask import current_app

from loyalty_engine.config import Settings


def settings() -> Settings:
    """Return the settings of the application whose context this runs in."""
    return cast(Settings, current_app.extensions["loyalty_settings"])
