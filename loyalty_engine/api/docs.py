"""The API's page for people, whole from this server: it works without the internet, and tells nobody who reads it."""

from importlib.resources import files
from typing import Final

from flask import Blueprint, Response, current_app, send_from_directory

from loyalty_engine.api.auth import public
from loyalty_engine.api.openapi import Api

blueprint = Blueprint("docs", __name__)

_ASSETS: Final = str(files("flask_swagger_ui") / "dist")
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Loyalty engine: API</title>
<link rel="stylesheet" href="/v1/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/v1/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/v1/docs/assets/swagger-ui-bundle.js"></script>
<script src="/v1/docs/start.js"></script>
</body>
</html>
"""
_START: Final = """SwaggerUIBundle({
  url: "/v1/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null, persistAuthorization: true,
  displayRequestDuration: true, docExpansion: "list", defaultModelsExpandDepth: 0, tryItOutEnabled: true
});
"""
_ONLY_FROM_HERE: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@blueprint.get("/v1/docs")
@public
def page() -> Response:
    """Show the page."""
    return Response(_PAGE, content_type="text/html; charset=utf-8", headers=_ONLY_FROM_HERE)


@blueprint.get("/v1/docs/start.js")
@public
def start() -> Response:
    """Start the page: a script of its own, so that none is written into the page."""
    return Response(_START, content_type="text/javascript; charset=utf-8", headers=_ONLY_FROM_HERE)


@blueprint.get("/v1/docs/assets/<path:name>")
@public
def asset(name: str) -> Response:
    """Serve a file of the installed package that carries Swagger UI."""
    response = send_from_directory(_ASSETS, name, max_age=86_400)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.get("/v1/openapi.json")
@public
def document() -> Response:
    """Show the OpenAPI document."""
    api: Api = current_app.extensions["loyalty_api"]
    return Response(api.written(), content_type="application/json")
