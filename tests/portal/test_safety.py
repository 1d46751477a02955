"""What a browser is told and what it can't be made to do: cookies, forged forms, headers, other people's things."""

import re
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loyalty_engine import create_app
from loyalty_engine.channels.email_smtp import CONSENTS
from loyalty_engine.config import Settings
from loyalty_engine.portal.assets import shortened
from loyalty_engine.portal.pages import POLICY
from loyalty_engine.services import members, tokens
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.tokens import NewToken
from loyalty_engine.store.drivers import Unavailable
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import metadata
from tests.builders import ADMIN
from tests.portal.cafe import PURCHASE, STORE, Cafe

MEMBER, EVERYONE = {"member"}, {"everyone"}
MAY_PASS = {
    "GET /": EVERYONE,
    "GET /join": EVERYONE,
    "POST /join": EVERYONE,
    "GET /join/code": EVERYONE,
    "POST /join/code": EVERYONE,
    "GET /join/new": EVERYONE,
    "POST /join/new": EVERYONE,
    "GET /my": MEMBER,
    "GET /my/<path:rest>": EVERYONE,
    "GET /my/card": MEMBER,
    "GET /my/card/code": MEMBER,
    "GET /my/claims": MEMBER,
    "POST /my/claims": MEMBER,
    "GET /my/consents": MEMBER,
    "POST /my/consents/<channel>/<purpose>": MEMBER,
    "GET /my/dates": MEMBER,
    "POST /my/dates": MEMBER,
    "POST /my/dates/<code:name>/remove": MEMBER,
    "GET /my/erase": MEMBER,
    "POST /my/erase": MEMBER,
    "GET /my/erase/code": MEMBER,
    "GET /my/export": MEMBER,
    "GET /my/export/file": MEMBER,
    "GET /my/history": MEMBER,
    "GET /my/icon-<int:size>.png": EVERYONE,
    "GET /my/manifest.webmanifest": EVERYONE,
    "GET /my/more": MEMBER,
    "GET /my/offline": EVERYONE,
    "GET /my/phone": MEMBER,
    "POST /my/phone": MEMBER,
    "GET /my/phone/code": MEMBER,
    "POST /my/phone/code": MEMBER,
    "GET /my/profile": MEMBER,
    "POST /my/profile": MEMBER,
    "GET /my/sessions": MEMBER,
    "POST /my/sessions/<code:session_id>/end": MEMBER,
    "POST /my/sign-out": MEMBER,
    "GET /my/static/<name>": EVERYONE,
    "GET /my/vouchers": MEMBER,
    "GET /my/why/<code:store>/<code:purchase_id>": MEMBER,
    "GET /my/worker.js": EVERYONE,
}
SECRET = re.compile(r'name="csrf_token" value="([^"]+)"')
LOOPBACK, ELSEWHERE = "http://127.0.0.1:8000", "https://club.example.com"


def routes(app: Flask) -> Iterator[tuple[str, set[str]]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("portal."):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield f"{method} {rule.rule}", set(getattr(app.view_functions[rule.endpoint], "allowed", ()))


def inside(client: FlaskClient, token: str) -> FlaskClient:
    client.set_cookie("loyalty_member", token, domain="127.0.0.1")
    return client


def get(client: FlaskClient, path: str, **more: Any) -> TestResponse:
    return client.get(path, base_url=LOOPBACK, **more)


def send(client: FlaskClient, page: str, to: str | None = None, **fields: str) -> TestResponse:
    """Send a form of a page as a browser does."""
    found = SECRET.search(get(client, page).text)
    assert found, page
    return client.post(to or page, data={"csrf_token": found[1], **fields}, base_url=LOOPBACK)


def cookies(response: TestResponse) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for header in response.headers.getlist("Set-Cookie"):
        jar.load(header)
    return jar


def test_every_page_says_who_may_see_it(cafe: Cafe) -> None:
    assert dict(routes(cafe.app)) == MAY_PASS
    assert f"GET {CONSENTS}" in MAY_PASS, "every mail leads there"


def test_whoever_is_not_signed_in_is_led_to_the_door(client: FlaskClient) -> None:
    for rule, may_pass in MAY_PASS.items():
        method, path = rule.split(" ", 1)
        if may_pass == MEMBER and method == "GET":
            answer = get(client, re.sub("<[^>]+>", "x", path))
            assert (answer.status_code, answer.location) == (303, "/join"), rule


def test_only_a_members_token_opens_the_pages(cafe: Cafe, client: FlaskClient) -> None:
    with cafe.app.app_context():
        admin = tokens.create(ADMIN, NewToken("admin", "an admin")).text
    for wrong in (admin, "nonsense", "lty_" + "0" * 16 + "_" + "0" * 64, "x" * 300, "tökén"):
        answer = get(inside(client, wrong), "/my")
        assert answer.location == "/join"
        assert cookies(answer)["loyalty_member"]["max-age"] == "0"


def test_a_form_without_its_secret_is_refused(cafe: Cafe, client: FlaskClient) -> None:
    inside(client, cafe.tokens["en"])
    for rule in MAY_PASS:
        method, path = rule.split(" ", 1)
        if method == "POST":
            path = re.sub("<[^>]+>", "x", path)
            for data in ({}, {"csrf_token": "forged"}):
                answer = client.post(path, data=data, base_url=LOOPBACK)
                assert answer.status_code == 403, rule
                assert "This form was open for too long" in answer.text


def test_another_browsers_secret_does_not_serve(cafe: Cafe, client: FlaskClient) -> None:
    other = SECRET.search(get(cafe.app.test_client(), "/join").text)
    assert other is not None
    get(client, "/join")
    assert client.post("/join", data={"csrf_token": other[1], "phone": "x"}, base_url=LOOPBACK).status_code == 403


def test_a_form_from_another_site_is_refused_even_with_the_secret(client: FlaskClient) -> None:
    found = SECRET.search(get(client, "/join").text)
    assert found is not None
    data, headers = {"csrf_token": found[1], "phone": "x"}, {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/join", data=data, headers=headers, base_url=LOOPBACK).status_code == 403


def test_the_token_lies_in_a_cookie_that_no_script_and_no_other_site_gets(cafe: Cafe, client: FlaskClient) -> None:
    number, _ = cafe.newcomer("Ned", "en")
    before = cookies(send(client, "/join", phone=number))["loyalty_form"].value
    opened = send(client, "/join/code", code=cafe.code(number))
    token = cookies(opened)["loyalty_member"]
    assert (token["httponly"], token["samesite"], token["path"]) == (True, "Lax", "/")
    assert token["secure"] == "", "on the loopback there is no HTTPS"
    assert cookies(opened)["loyalty_form"].value != before, "who signs in has a new session"
    assert number not in str(opened.headers)
    assert token.value not in get(client, "/my").text


@pytest.mark.parametrize(("base_url", "secure"), [(LOOPBACK, ""), (ELSEWHERE, True), ("http://club.example.com", True)])
def test_cookies_go_over_https_only_anywhere_but_on_the_loopback(
    client: FlaskClient, base_url: str, secure: object
) -> None:
    jar = cookies(client.get("/join?language=zh", base_url=base_url))
    assert {name: one["secure"] for name, one in jar.items()} == {"loyalty_form": secure, "loyalty_language": secure}


def test_behind_https_cookies_are_secure_whatever_name_the_proxy_passes_on(cafe: Cafe, client: FlaskClient) -> None:
    before = cafe.app.extensions["loyalty_settings"]
    cafe.app.extensions["loyalty_settings"] = replace(before, public_url="https://club.example.com")
    try:
        jar = cookies(client.get("/join?language=zh", base_url=LOOPBACK))
    finally:
        cafe.app.extensions["loyalty_settings"] = before
    assert {name: one["secure"] for name, one in jar.items()} == {"loyalty_form": True, "loyalty_language": True}


def test_everything_is_taken_along_no_oftener_than_by_the_api(cafe: Cafe, client: FlaskClient) -> None:
    _, token = cafe.newcomer("Ivy", "en")
    inside(client, token)
    answers = [get(client, "/my/export/file") for _ in range(12)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_every_page_keeps_to_its_reader(cafe: Cafe, client: FlaskClient) -> None:
    inside(client, cafe.tokens["en"])
    for path in ("/my", "/my/card", "/my/card/code", "/my/vouchers", "/my/export/file", "/my/nowhere", "/join"):
        headers = get(client, path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert "unsafe" not in POLICY
    assert "frame-ancestors 'none'" in POLICY


def test_pages_hold_no_style_and_no_script_of_their_own(cafe: Cafe, client: FlaskClient) -> None:
    inside(client, cafe.tokens["en"])
    for path in ("/my", "/my/card", "/my/vouchers", "/my/consents"):
        assert not re.search(
            r"<script(?! src=)|<style|style=|\son\w+=|https?://(?!www\.w3\.org)", get(client, path).text
        )


def test_nothing_personal_stands_in_an_address(cafe: Cafe, client: FlaskClient) -> None:
    number, _ = cafe.newcomer("Liv", "en")
    answer = send(client, "/join", phone=number)
    assert answer.location == "/join/code"
    inside(client, cafe.tokens["en"])
    linked = re.findall(r'(?:href|action|src)="([^"]+)"', get(client, "/my/profile").text)
    assert not [one for one in linked if "+86" in one or "Schmidt" in one]


def test_anothers_purchase_is_not_there(cafe: Cafe, client: FlaskClient) -> None:
    answer = get(inside(client, cafe.tokens["en"]), f"/my/why/{STORE}/{PURCHASE.format('zh')}")
    assert answer.status_code == 404
    assert "There is no such purchase on your account." in answer.text


def test_anothers_session_can_not_be_ended(cafe: Cafe, client: FlaskClient) -> None:
    other = cafe.tokens["zh"].split("_")[1]
    inside(client, cafe.tokens["en"])
    assert send(client, "/my/sessions", f"/my/sessions/{other}/end").status_code == 404
    with cafe.app.app_context():
        assert tokens.authenticate(cafe.tokens["zh"]) is not None


def test_what_a_member_is_called_is_no_markup(cafe: Cafe, client: FlaskClient) -> None:
    _, token = cafe.newcomer('<b onclick="x">{{ 7 * 7 }}</b>', "en")
    shown = get(inside(client, token), "/my").text
    assert "&lt;b onclick=" in shown
    assert "<b onclick" not in shown
    assert "{{ 7 * 7 }}" in shown


def test_codes_of_receipts_can_not_be_tried_out(cafe: Cafe, client: FlaskClient) -> None:
    _, token = cafe.newcomer("Max", "en")
    secret = SECRET.search(get(inside(client, token), "/my/claims").text)
    assert secret is not None
    data = {"csrf_token": secret[1], "claim_code": "Z5XB-H91R-NNF1"}
    answers = [client.post("/my/claims", data=data, base_url=LOOPBACK) for _ in range(40)]
    assert answers[0].status_code == 422
    assert answers[-1].status_code == 429
    assert "Wait a minute" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_api_knows_no_cookies_and_asks_for_no_secret_of_a_form(cafe: Cafe, client: FlaskClient) -> None:
    inside(client, cafe.tokens["en"])
    assert get(client, "/v1/me").status_code == 401
    headers = {"Authorization": f"Bearer {cafe.tokens['en']}"}
    answer = client.post("/v1/me/claims", json={"claim_code": "Z5XB-H91R-NNF1"}, headers=headers)
    assert answer.json is not None
    assert answer.json["code"] == "claim_code_not_found"
    assert "Set-Cookie" not in answer.headers


def test_a_file_is_kept_as_long_as_its_address_names_its_content(client: FlaskClient) -> None:
    named = re.search(r'href="(/my/static/page\.css\?v=\w+)"', get(client, "/join").text)
    assert named is not None
    assert get(client, named[1]).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert get(client, "/my/static/page.css?v=old").headers["Cache-Control"] == "public, max-age=3600"
    for missing in ("worker.js", "..%2Fpages.py", "page.py", "x"):
        assert get(client, f"/my/static/{missing}").status_code == 404


def test_before_a_programme_is_published_the_pages_say_so(tmp_path: Any) -> None:
    app = create_app(Settings(f"sqlite:///{tmp_path / 'empty.db'}", log_level="ERROR"))
    with app.app_context():
        metadata.create_all(db.engine)
    answer = app.test_client().get("/join", base_url=LOOPBACK)
    assert answer.status_code == 503
    assert answer.text == "The shop has not opened its programme yet. Come back soon.\n"
    with app.app_context():
        db.engine.dispose()


def test_while_the_database_is_away_the_pages_ask_to_come_back(
    cafe: Cafe, client: FlaskClient, monkeypatch: Any
) -> None:
    def away(_language: str) -> None:
        raise Unavailable("database_away", "The database can't be reached.")

    monkeypatch.setattr("loyalty_engine.services.names.names", away)
    answer = get(client, "/join", headers={"Accept-Language": "zh-CN"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text == "目前无法完成。\n"


def test_a_bug_is_logged_and_told_without_its_words(cafe: Cafe, client: FlaskClient, monkeypatch: Any) -> None:
    def broken(_member: str) -> bytes:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("loyalty_engine.services.balances.balances", broken)
    answer = get(inside(client, cafe.tokens["en"]), "/my")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "secret of the house" not in answer.text


def test_a_phone_is_told_how_to_install_the_pages(cafe: Cafe, client: FlaskClient) -> None:
    inside(client, cafe.tokens["zh"])
    told = get(client, "/my/manifest.webmanifest").json
    assert told is not None
    assert (told["name"], told["lang"], told["start_url"], told["display"]) == (
        "街角咖啡会员",
        "zh",
        "/my",
        "standalone",
    )
    for one in told["icons"]:
        icon = get(client, one["src"])
        assert (icon.status_code, icon.content_type) == (200, "image/png")
    assert get(client, "/my/icon-513.png").status_code == 404
    worker = get(client, "/my/worker.js")
    assert worker.headers["Service-Worker-Allowed"] == "/my"
    assert "__" not in worker.text
    assert shortened("Neighbourhood Market Rewards") == "Neighbourhood Market"
    assert shortened("Donaudampfschifffahrtsgesellschaft") == "Donaudampfschifffahr"


def test_the_store_of_a_wrong_code_is_not_kept(cafe: Cafe, client: FlaskClient) -> None:
    number = cafe.new_phone()
    get(client, "/join?store=nowhere")
    send(client, "/join", phone=number)
    assert send(client, "/join/code", code=cafe.code(number)).location == "/join/new"
    assert send(client, "/join/new").location == "/my"
    with cafe.app.app_context():
        seen = members.look_up(MemberReference(phone=number))
        assert members.find(seen.member_id).attributes == {}


def test_the_door_without_the_step_before_it_leads_back(client: FlaskClient) -> None:
    for path in ("/join/code", "/join/new"):
        assert get(client, path).location == "/join"
        assert send(client, "/join", path).location == "/join"
