"""Who may pass which route: the table is written out, and no route may be missing from it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.api.conftest import Caller, Shop

TILLS = {"terminal", "service"}
SHOP = {"service", "staff", "admin"}
DESK = {"staff", "admin"}
MARKETERS = {"marketer", "admin"}
READERS = {"marketer", "analyst", "staff", "admin"}
MEMBER = {"member"}
ADMIN = {"admin"}
EVERYONE = {"everyone"}
TWILIO = {"twilio"}
ROLES = ("terminal", "member", "service", "staff", "marketer", "analyst", "admin")
ID = "01a2b3c4-0000-7000-8000-000000000000"

MAY_PASS = {
    "POST /v1/quotes": TILLS,
    "POST /v1/purchases": TILLS,
    "POST /v1/purchases/batch": TILLS,
    "GET /v1/purchases": DESK,
    "GET /v1/purchases/<code:purchase_id>": TILLS | DESK | MEMBER,
    "GET /v1/purchases/<code:purchase_id>/explanation": TILLS | DESK | MEMBER,
    "POST /v1/purchases/<code:purchase_id>/returns": TILLS,
    "PUT /v1/purchases/<code:purchase_id>/member": TILLS | DESK,
    "POST /v1/purchases/<code:purchase_id>/acceptance": DESK,
    "POST /v1/redemptions": TILLS | DESK,
    "GET /v1/redemptions/<id:redemption_id>": TILLS | DESK,
    "POST /v1/redemptions/<id:redemption_id>/capture": TILLS,
    "POST /v1/redemptions/<id:redemption_id>/release": TILLS | DESK,
    "POST /v1/members": TILLS | DESK,
    "POST /v1/members/lookups": TILLS | DESK,
    "GET /v1/members/<id:member_id>": SHOP,
    "PATCH /v1/members/<id:member_id>": SHOP,
    "PUT /v1/members/<id:member_id>/consents/<code:channel>/<code:purpose>": SHOP,
    "POST /v1/members/<id:member_id>/codes": TILLS,
    "GET /v1/members/<id:member_id>/messages": READERS,
    "GET /v1/messages": READERS,
    "GET /v1/messages/plan": READERS,
    "POST /v1/messages/previews": MARKETERS | DESK,
    "POST /v1/messages/<id:message_id>/cancel": MARKETERS | DESK,
    "GET /v1/messages/pauses": READERS,
    "PUT /v1/messages/pauses/<code:what>": MARKETERS | DESK,
    "DELETE /v1/messages/pauses/<code:what>": MARKETERS | DESK,
    "GET /v1/members/<id:member_id>/balances": SHOP,
    "GET /v1/members/<id:member_id>/ledger": SHOP,
    "GET /v1/members/<id:member_id>/tier": SHOP,
    "GET /v1/members/<id:member_id>/lots": SHOP,
    "GET /v1/members/<id:member_id>/statements": SHOP,
    "PUT /v1/members/<id:member_id>/tier": DESK,
    "GET /v1/members/at-risk": READERS,
    "GET /v1/members/<id:member_id>/lots/expired": SHOP,
    "POST /v1/members/<id:member_id>/lots/<id:lot_id>/reinstate": DESK,
    "POST /v1/members/<id:member_id>/tokens": DESK,
    "POST /v1/members/<id:member_id>/suspend": DESK,
    "POST /v1/members/<id:member_id>/resume": DESK,
    "POST /v1/members/<id:member_id>/cards/block": SHOP,
    "POST /v1/members/<id:member_id>/cards/replace": SHOP,
    "POST /v1/members/<id:member_id>/events": SHOP,
    "POST /v1/members/<id:member_id>/adjustments": DESK,
    "POST /v1/members/<id:member_id>/merge": DESK,
    "POST /v1/members/<id:member_id>/erase": DESK,
    "GET /v1/members/<id:member_id>/export": DESK,
    "POST /v1/sessions/codes": EVERYONE,
    "POST /v1/sessions": EVERYONE,
    "DELETE /v1/sessions/current": MEMBER,
    "GET /v1/me": MEMBER,
    "PATCH /v1/me": MEMBER,
    "GET /v1/me/sessions": MEMBER,
    "DELETE /v1/me/sessions/<code:session_id>": MEMBER,
    "POST /v1/me/codes": MEMBER,
    "GET /v1/me/card.svg": MEMBER,
    "GET /v1/me/consents": MEMBER,
    "PUT /v1/me/consents/<code:channel>/<code:purpose>": MEMBER,
    "GET /v1/me/purchases/<id:posting_id>/explanation": MEMBER,
    "GET /v1/me/export": MEMBER,
    "DELETE /v1/me": MEMBER,
    "GET /v1/members/<id:member_id>/dates": SHOP,
    "PUT /v1/members/<id:member_id>/dates/<code:name>": SHOP,
    "POST /v1/channels/twilio/status/<id:member_id>/<id:message_id>": TWILIO,
    "POST /v1/channels/twilio/inbound": TWILIO,
    "GET /v1/me/dates": MEMBER,
    "PUT /v1/me/dates/<code:name>": MEMBER,
    "GET /v1/me/balances": MEMBER,
    "GET /v1/me/ledger": MEMBER,
    "GET /v1/me/tier": MEMBER,
    "GET /v1/me/lots": MEMBER,
    "GET /v1/me/statements": MEMBER,
    "GET /v1/me/card": MEMBER,
    "POST /v1/me/claims": MEMBER,
    "GET /v1/vouchers/<voucher:code>": TILLS | DESK,
    "POST /v1/vouchers/<voucher:code>/redeem": TILLS | DESK,
    "POST /v1/vouchers/<voucher:code>/release": TILLS | DESK,
    "POST /v1/vouchers/<voucher:code>/cancel": DESK,
    "GET /v1/members/<id:member_id>/vouchers": SHOP,
    "GET /v1/me/vouchers": MEMBER,
    "POST /v1/programme/check": MARKETERS,
    "POST /v1/programme/versions": MARKETERS,
    "GET /v1/programme/versions": READERS,
    "GET /v1/programme/versions/<version:number>": READERS,
    "PUT /v1/products": MARKETERS,
    "GET /v1/sku-lists": MARKETERS | {"analyst"},
    "PUT /v1/sku-lists/<code:list_id>": MARKETERS,
    "GET /v1/merchants": READERS,
    "PUT /v1/merchants/<code:merchant_id>": ADMIN,
    "GET /v1/stores": READERS | {"service"},
    "GET /v1/stores/<code:store_id>": READERS | {"service"},
    "PUT /v1/stores/<code:store_id>": ADMIN,
    "GET /v1/stores/<code:store_id>/terminals": SHOP,
    "PUT /v1/stores/<code:store_id>/terminals/<code:terminal_id>": ADMIN,
    "PUT /v1/stores/<code:store_id>/days/<day:day>": TILLS | DESK,
    "GET /v1/stores/<code:store_id>/days/<day:day>": TILLS | DESK,
    "GET /v1/store-groups": READERS,
    "PUT /v1/store-groups/<code:group_id>": MARKETERS,
    "POST /v1/tokens": ADMIN,
    "GET /v1/tokens": ADMIN,
    "DELETE /v1/tokens/<code:token_id>": DESK,
    "POST /v1/tokens/<code:token_id>/rotate": ADMIN,
    "GET /v1/reports/liability": ADMIN | {"analyst"},
    "GET /v1/reports/liability/movement": ADMIN | {"analyst"},
    "GET /v1/audit-log": ADMIN,
    "GET /v1/webhooks": {"admin"},
    "PUT /v1/webhooks/<code:target>/replay": {"admin"},
    "GET /healthz": EVERYONE,
    "GET /readyz": EVERYONE,
    "GET /metrics": EVERYONE,
    "GET /v1/openapi.json": EVERYONE,
    "GET /v1/docs": EVERYONE,
    "GET /v1/docs/start.js": EVERYONE,
    "GET /v1/docs/assets/<path:name>": EVERYONE,
}


def routes(app: Flask) -> Iterator[tuple[str, set[str]]]:
    """Return every method and path of the API, with who may pass by its own word; the pages' are in tests/portal."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal."):
            continue
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield f"{method} {rule.rule}", set(getattr(view, "allowed", ()))


def test_every_route_says_who_may_pass(sqlite_application: Flask) -> None:
    assert dict(routes(sqlite_application)) == MAY_PASS


def _path(rule: str) -> tuple[str, str]:
    method, path = rule.split(" ", 1)
    for place, value in {
        "<id:member_id>": ID,
        "<id:redemption_id>": ID,
        "<id:lot_id>": ID,
        "<id:posting_id>": ID,
        "<id:message_id>": ID,
        "<version:number>": "99",
        "<day:day>": "2026-11-22",
        "<voucher:code>": "0000-0000-0000-0",
        "<path:name>": "swagger-ui.css",
    }.items():
        path = path.replace(place, value)
    while "<code:" in path:
        before, _, after = path.partition("<code:")
        path = before + "x-1" + after.partition(">")[2]
    return method, path


def _caller(shop: Shop, rule: str, role: str) -> Caller:
    """Return who calls; whoever signs out does so with a token that nobody needs afterwards."""
    if (rule, role) != ("DELETE /v1/sessions/current", "member"):
        return shop.callers[role]
    made = shop.staff("POST", f"/v1/members/{shop.member_id}/tokens", json={}).json
    return Caller(shop.member.client, made["token"])


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_only_the_roles_in_the_table_pass(shop: Shop) -> None:
    """What passes may still be refused for what it asks, but never with 401 or for its role."""
    wrong = []
    for rule, may_pass in MAY_PASS.items():
        method, path = _path(rule)
        for role in ROLES:
            answer = _caller(shop, rule, role)(method, path, json={} if method in ("POST", "PUT", "PATCH") else None)
            says_no = "signature_invalid" if may_pass == TWILIO else "role_not_allowed"
            refused = answer.status_code == 403 and answer.json["code"] == says_no
            if refused == (role in may_pass or may_pass == EVERYONE) or answer.status_code in (
                401,
                500,
            ):
                wrong.append((rule, role, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_nobody_passes_without_a_token(shop: Shop) -> None:
    for rule, may_pass in MAY_PASS.items():
        answer = shop.nobody(*_path(rule))
        if may_pass == EVERYONE:
            assert answer.status_code in ((200, 503) if rule.startswith("GET") else (400, 415, 422)), rule
        elif may_pass == TWILIO:
            assert (answer.status_code, answer.json["code"]) == (403, "signature_invalid")
        else:
            assert answer.status_code == 401, rule
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json["code"] == "token_missing"


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "header",
    [
        "Basic eDp5",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer " + "x" * 5000,
        "Bearer tökén",
        "lty_1_2",
    ],
)
def test_a_token_that_is_none_is_unknown(shop: Shop, header: str) -> None:
    answer = shop.nobody("GET", "/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_revoked_token_is_dead(shop: Shop) -> None:
    made = shop.admin("POST", "/v1/tokens", json={"role": "staff", "name": "for a day"}).json
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert shop.nobody("GET", "/v1/merchants", headers=headers).status_code == 200
    assert shop.admin("DELETE", f"/v1/tokens/{made['token_id']}").status_code == 204
    assert shop.nobody("GET", "/v1/merchants", headers=headers).status_code == 401
