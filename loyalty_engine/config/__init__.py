"""What an operator may set, and how it is read from the environment."""

from loyalty_engine.config.environment import from_environment
from loyalty_engine.config.settings import (
    DEFAULT_DATABASE,
    TWILIO,
    EmailSettings,
    Settings,
    SmsSettings,
    sqlite_path,
)
from loyalty_engine.config.variables import WrongSetting

__all__ = [
    "DEFAULT_DATABASE",
    "TWILIO",
    "EmailSettings",
    "Settings",
    "SmsSettings",
    "WrongSetting",
    "from_environment",
    "sqlite_path",
]
