"""What the OpenAPI document says of a route beyond its schemas' own words; nothing here runs when a request comes."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from marshmallow import Schema

V = TypeVar("V", bound=Callable[..., Any])


def documented(view: Callable[..., Any], **said: Any) -> None:
    """Add to what is said of a view; what it says by itself stays."""
    apidoc = dict(getattr(view, "_apidoc", {}))
    apidoc["manual_doc"] = said | apidoc.get("manual_doc", {})
    view._apidoc = apidoc  # type: ignore[attr-defined]


def reads(
    schema: type[Schema] | Mapping[str, Any], content_type: str = "application/json", **more: Any
) -> Callable[[V], V]:
    """Say what body a view reads by itself."""

    def decorate(view: V) -> V:
        documented(
            view,
            requestBody={"required": True, "content": {content_type: {"schema": schema, **more}}},
        )
        return view

    return decorate


def answers(status: int, schema: type[Schema] | None = None, description: str = "") -> Callable[[V], V]:
    """Say what a view answers with `status`."""

    def decorate(view: V) -> V:
        apidoc = dict(getattr(view, "_apidoc", {}))
        said: dict[str, Any] = {
            "description": description or HTTPStatus(status).phrase,
            "content_type": None,
        }
        if schema is not None:
            said["schema"] = schema
        response = apidoc.setdefault("response", {})
        response.setdefault("responses", {}).setdefault(status, []).append(said)
        view._apidoc = apidoc  # type: ignore[attr-defined]
        return view

    return decorate
