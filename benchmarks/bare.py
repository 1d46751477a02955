"""The least that Flask can answer: what the balance query is compared with, behind the same server."""

from flask import Flask, Response

_BODY = (
    b'{"member_id":"01a204d6-2569-7124-9139-d1f856eef176","balances":[{"wallet":"points","available":211,"pending":0,'
    b'"held":0,"debt":0,"next_expiry":{"points":211,"on":"2027-11-30"}}]}'
)


def create_app() -> Flask:
    """Return an application with one route, which answers as many bytes as the balance query does."""
    app = Flask(__name__, static_folder=None)

    @app.get("/v1/members/<member_id>/balances")
    def balances(member_id: str) -> Response:
        return Response(_BODY, content_type="application/json")

    @app.get("/healthz")
    def health() -> str:
        return "ok"

    return app
