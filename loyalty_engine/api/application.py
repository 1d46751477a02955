"""Flask without the questions that cost every request a few microseconds and always have the same answer here."""

from collections.abc import Callable
from typing import Any

from flask import Flask


class Application(Flask):
    """An application whose views are plain functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is: none is a coroutine, and Flask would look four times a request."""
        return func
