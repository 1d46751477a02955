"""The document describes what there is, holds together, and its page needs nothing from elsewhere."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

UNDOCUMENTED = {"/v1/docs", "/v1/docs/start.js", "/v1/docs/assets/<path:name>", "/v1/openapi.json"}
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture
def client(sqlite_application: Flask) -> FlaskClient:
    return sqlite_application.test_client()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield (
                    path,
                    method,
                    {**operation, "parameters": item.get("parameters", []) + operation.get("parameters", [])},
                )


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"]
    import openapi_spec_validator as validator

    validator.validate(document)


def test_every_route_is_documented(document: dict[str, Any], sqlite_application: Flask) -> None:
    there = {
        (re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in sqlite_application.url_map.iter_rules()
        if rule.rule not in UNDOCUMENTED and not rule.endpoint.startswith("portal.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == there


def test_every_operation_says_what_it_does_takes_and_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["responses"], path
        assert "security" in operation, path
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), path
        if method in ("post", "put"):
            assert "requestBody" in operation or path.endswith("{terminal_id}"), path
        for status, response in operation["responses"].items():
            assert "description" in response or "$ref" in response, (path, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        for key, inner in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)

    found = set(references(document))
    assert found
    for reference in found:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_fields_say_their_types(document: dict[str, Any]) -> None:
    line = document["components"]["schemas"]["Line"]
    assert line["properties"]["line_id"]["type"] == "string"
    assert set(line["required"]) == {"line_id", "sku", "amount"}
    assert line["additionalProperties"] is False
    assert line["properties"]["quantity"]["maximum"] == 1_000_000


def test_the_page_and_all_that_it_loads_come_from_here(client: FlaskClient) -> None:
    page = client.get("/v1/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) >= 4
    for path in loaded:
        assert path.startswith("/v1/docs/"), path
        answer = client.get(path, buffered=True)
        assert answer.status_code == 200, path
        assert len(answer.data) > 100
    start = client.get("/v1/docs/start.js").text
    assert "validatorUrl: null" in start
    assert "http" not in page.text.replace("<!DOCTYPE html>", "") + start
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_style_sheet_asks_nobody_else_for_fonts(client: FlaskClient) -> None:
    style = client.get("/v1/docs/assets/swagger-ui.css", buffered=True).text
    assert not re.search(r"url\(\s*['\"]?https?:", style)
    assert "@import" not in style


@pytest.mark.parametrize("name", ["nothing.js", "../__init__.py", "%2e%2e/__init__.py", "a%00b"])
def test_only_the_page_s_own_files_are_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/v1/docs/assets/{name}").status_code == 404
