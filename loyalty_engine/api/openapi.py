"""The OpenAPI 3.1 document, made from the routes and their schemas, and the reading of bodies on the routes it shows."""

import json
from http import HTTPStatus
from typing import Any, NoReturn

import flask_smorest
from flask import Flask, Request
from flask_smorest.utils import prepare_response
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from loyalty_engine.api.bodies import json_body, read_json
from loyalty_engine.api.paths import CONVERTERS
from loyalty_engine.api.schemas.base import invalid
from loyalty_engine.api.schemas.fields import Amount, Checked, Facts, Whole
from loyalty_engine.services.problems import CONTENT_TYPE

DESCRIPTION = """\
Points, tiers and reasons. Money is text in major units (`"12.30"`), points are integers, times are RFC 3339 with an
offset. Every error is a problem document of RFC 9457 with a stable `code`. Every write may carry an `Idempotency-Key`.
"""


class ProblemSchema(Schema):
    """What went wrong: RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "stable, for machines"})
    detail = fields.String(required=True, metadata={"description": "for people"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "path of a field → what is wrong with it"},
    )


class Parser(FlaskParser):
    """Reads bodies strictly, and refuses with everything that is wrong."""

    DEFAULT_UNKNOWN_BY_LOCATION = dict.fromkeys(FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION)

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the body's data."""
        return read_json(json_body())

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Any,
        *,
        error_status_code: Any,
        error_headers: Any,
    ) -> NoReturn:
        """Refuse, without the name of the place in the request that webargs puts around the messages."""
        assert isinstance(error.messages, dict)
        (messages,) = error.messages.values()
        raise invalid(messages)


class Blueprint(flask_smorest.Blueprint):
    """A resource's routes."""

    ARGUMENTS_PARSER = Parser()


class Api(flask_smorest.Api):
    """The document, in which every error is a problem; errors.py answers them."""

    ERROR_SCHEMA = ProblemSchema

    def written(self) -> bytes:
        """Return the document as JSON, put together when it is first asked for."""
        if not hasattr(self, "_written"):
            self._written = json.dumps(self.spec.to_dict(), ensure_ascii=False).encode()
        return self._written

    def _register_error_handlers(self) -> None:
        pass

    def _register_responses(self) -> None:
        names = {status.name: status.phrase for status in HTTPStatus} | {"DEFAULT_ERROR": "A problem"}
        for name, phrase in names.items():
            response = {"description": phrase, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, CONTENT_TYPE)
            self.spec.components.response(name, response, lazy=True)


def make_api(app: Flask) -> Api:
    """Return the document of `app`, to which blueprints are added."""
    app.config |= {"API_TITLE": "Loyalty engine", "API_VERSION": "v1", "OPENAPI_VERSION": "3.1.0"}
    app.config["API_SPEC_OPTIONS"] = {
        "info": {"description": DESCRIPTION},
        "servers": [{"url": "/"}],
    }
    api = Api(app)
    for kind in (Checked, Amount):
        api.register_field(kind, "string", None)
    api.register_field(Whole, "integer", None)
    api.register_field(Facts, "object", None)
    for converter in CONVERTERS.values():
        api.register_converter(converter, lambda made: {"type": "string", "pattern": f"^{made.regex}$"})
    bearer = {
        "type": "http",
        "scheme": "bearer",
        "description": "A terminal's, member's, service's or person's token.",
    }
    api.spec.components.security_scheme("bearer", bearer)
    app.extensions["loyalty_api"] = api
    return api
