"""Holds every answer of the API against the OpenAPI document: what a generated client would refuse is found by any test."""

import re
from functools import cache
from typing import Any

import jsonschema
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse


@cache
def _document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/v1/openapi.json").json
    return found


@cache
def _schema(app: Flask, method: str, rule: str, status: int) -> jsonschema.Draft202012Validator | None:
    """Return what an answer should be; None where the document says nothing of its body."""
    document = _document(app)
    item = document["paths"].get(re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule), {})
    responses = item.get(method.lower(), {}).get("responses", {})
    response = responses.get(str(status), responses.get("default", {}))
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    return jsonschema.Draft202012Validator({**schema, "components": document["components"]})


def assert_documented(app: Flask, method: str, path: str, answer: TestResponse) -> None:
    """Fail where the answer's JSON is other than the document says."""
    if answer.status_code >= 400 or answer.mimetype != "application/json":
        return
    adapter = app.url_map.bind("localhost")
    try:
        rule, _ = adapter.match(path.partition("?")[0], method=method, return_rule=True)
    except HTTPException:
        return
    schema = _schema(app, method, rule.rule, answer.status_code)
    wrong = [f"{list(one.path)}: {one.message[:200]}" for one in schema.iter_errors(answer.json)] if schema else []
    assert not wrong, f"{method} {path} is not answered as documented: {wrong[:3]}"
