"""Reads what stands behind the question mark only where something stands there: the hot paths pay nothing for it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask.globals import request_ctx
from marshmallow import Schema

from loyalty_engine.api.openapi import Blueprint

View = Callable[..., Any]


def reads_query(schema: type[Schema]) -> Callable[[View], View]:
    """Give a view the values of a query of which nothing is required, after the actor; without one, the defaults."""
    nothing: dict[str, Any] = schema().load({})

    def decorate(view: View) -> View:
        reading: View = Blueprint("query", __name__).arguments(schema, location="query")(view)

        @wraps(reading)
        def read(actor: Any, **values: Any) -> Any:
            if request_ctx.request.environ.get("QUERY_STRING"):
                return reading(actor, **values)
            return view(actor, nothing, **values)

        return read

    return decorate
