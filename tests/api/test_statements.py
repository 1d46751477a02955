"""Past days, lots, statements and reports over HTTP: who sees what, in which form, and what is refused."""

from typing import Any

import pytest

from loyalty_engine.api.statement_page import POLICY, STYLE
from loyalty_engine.services import ledger
from tests.api.conftest import Shop, purchase
from tests.conftest import FrozenClock
from tests.histories import moved, source
from tests.ledger import enrol

NOBODY = "01a2b3c4-0000-7000-8000-000000000000"
PERIOD = "from=2026-11-01&to=2026-11-22"


@pytest.fixture
def earned(frozen_clock: FrozenClock, shop: Shop) -> Shop:
    """The member has bought once, on 22 November."""
    assert shop.terminal("POST", "/v1/purchases", json=purchase()).status_code == 201
    return shop


def paths(shop: Shop) -> list[tuple[Any, str]]:
    return [(shop.staff, f"/v1/members/{shop.member_id}"), (shop.service, f"/v1/members/{shop.member_id}"), (shop.member, "/v1/me")]  # fmt: skip


def test_a_past_day_is_told_to_staff_and_to_the_member(earned: Shop) -> None:
    for caller, path in paths(earned):
        today = caller("GET", f"{path}/balances?as_of=2026-11-22").json
        assert today == {"as_of": "2026-11-22", **caller("GET", f"{path}/balances").json}
        assert today["balances"][0]["available"] == 35
        assert caller("GET", f"{path}/balances?as_of=2026-11-21").json["balances"][0]["available"] == 0
        assert caller("GET", f"{path}/tier?as_of=2026-11-22").json["level"] == "green"
        assert caller("GET", f"{path}/tier?as_of=2026-11-21").json["history"] == []
        (lot,) = caller("GET", f"{path}/lots").json["lots"]
        assert (lot["wallet"], lot["granted"], lot["remaining"], lot["state"]) == ("leaves", 35, 35, "available")
        assert caller("GET", f"{path}/lots?as_of=2026-11-21").json["lots"] == []


def test_without_a_query_balances_and_tier_are_what_they_were(earned: Shop) -> None:
    for caller, path in paths(earned):
        assert set(caller("GET", f"{path}/balances").json) == {"member_id", "balances"}
        assert {"metric", "next", "benefits"} < set(caller("GET", f"{path}/tier").json)


@pytest.mark.parametrize("what", ["balances", "lots", "tier"])
@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("as_of=2026-11-23", "as_of_future", "as_of"),
        ("as_of=2199-12-31", "as_of_future", "as_of"),
        ("as_of=yesterday", "invalid_fields", "as_of"),
        ("as_of=2026-02-30", "invalid_fields", "as_of"),
        ("as_of=22.11.2026", "invalid_fields", "as_of"),
        ("as_of=２０２６-11-22", "invalid_fields", "as_of"),
        ("as_of=2026-11-22T00:00:00Z", "invalid_fields", "as_of"),
        ("as_of=", "invalid_fields", "as_of"),
        ("as_off=2026-11-22", "invalid_fields", "as_off"),
    ],
)
def test_what_is_no_past_day_is_refused(earned: Shop, what: str, query: str, code: str, field: str) -> None:
    for caller, path in paths(earned)[::2]:
        answer = caller("GET", f"{path}/{what}?{query}")
        assert (answer.status_code, answer.json["code"], list(answer.json["errors"])) == (422, code, [field])


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("", "invalid_fields", "from"),
        ("from=2026-11-01", "invalid_fields", "to"),
        ("from=2026-11-22&to=2026-11-21", "period_backwards", "from"),
        ("from=2026-11-22&to=2026-11-23", "as_of_future", "to"),
        ("from=soon&to=2026-11-21", "invalid_fields", "from"),
        (f"{PERIOD}&format=pdf", "invalid_fields", "format"),
        (f"{PERIOD}&language=1", "invalid_fields", "language"),
        (f"{PERIOD}&from_=2026-11-01", "invalid_fields", "from_"),
    ],
)
def test_what_is_no_period_is_refused(earned: Shop, query: str, code: str, field: str) -> None:
    for caller, path in paths(earned)[::2]:
        answer = caller("GET", f"{path}/statements?{query}")
        assert (answer.status_code, answer.json["code"], next(iter(answer.json["errors"]))) == (422, code, field)


@pytest.mark.parametrize("what", ["balances?as_of=2026-11-22", "lots", "tier?as_of=2026-11-22", f"statements?{PERIOD}"])
def test_a_member_that_is_not_there_is_not_found(earned: Shop, what: str) -> None:
    answer = earned.staff("GET", f"/v1/members/{NOBODY}/{what}")
    assert (answer.status_code, answer.json["code"]) == (404, "member_not_found")


def test_a_member_sees_itself_only(earned: Shop) -> None:
    with earned.app.app_context():
        other = enrol()
    for what in ("lots", f"statements?{PERIOD}", "balances?as_of=2026-11-22"):
        assert earned.member("GET", f"/v1/members/{other}/{what}").status_code == 403
    assert earned.member("GET", f"/v1/me/statements?{PERIOD}").json["member_id"] == earned.member_id


def test_a_statement_is_json_csv_or_a_page(earned: Shop) -> None:
    for caller, path in paths(earned):
        told = caller("GET", f"{path}/statements?{PERIOD}")
        assert told.content_type == "application/json"
        (wallet,) = told.json["wallets"]
        assert (wallet["opening"]["balance"], wallet["closing"]["balance"]) == (0, 35)
        (entry,) = wallet["entries"]
        assert (entry["on"], entry["said"], entry["about"]) == (
            "2026-11-22",
            "Earned",
            "purchase T7-20261122-0042 at s-1",
        )
        for asked in ({"path": "&format=csv"}, {"accept": "text/csv"}):
            csv = caller("GET", f"{path}/statements?{PERIOD}{asked.get('path', '')}", headers={"Accept": asked.get("accept", "*/*")})  # fmt: skip
            assert csv.content_type == "text/csv; charset=utf-8"
            assert csv.data.startswith(b"\xef\xbb\xbfwallet,date,kind")
            assert csv.headers["Content-Disposition"] == 'attachment; filename="statement-2026-11-01-2026-11-22.csv"'
        page = caller("GET", f"{path}/statements?{PERIOD}", headers={"Accept": "text/html,*/*;q=0.1"})
        assert page.content_type == "text/html; charset=utf-8"
        for answer in (told, csv, page):
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert earned.staff("GET", f"/v1/members/{earned.member_id}/statements?{PERIOD}&format=json", headers={"Accept": "text/csv"}).json  # fmt: skip


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/png", "nonsense", ""])
def test_what_else_is_accepted_is_answered_in_json(earned: Shop, accept: str) -> None:
    answer = earned.member("GET", f"/v1/me/statements?{PERIOD}", headers={"Accept": accept})
    assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    ("query", "header", "title"),
    [
        ("&language=zh", "en", "积分对账单"),
        ("", "zh-CN,zh;q=0.9,en;q=0.5", "积分对账单"),
        ("&language=en", "zh", "Statement of points"),
        ("", "fr", "Statement of points"),
        ("", "*", "Statement of points"),
        ("", "", "Statement of points"),
    ],
)
def test_a_page_speaks_the_asked_language(earned: Shop, query: str, header: str, title: str) -> None:
    path = f"/v1/me/statements?{PERIOD}&format=html{query}"
    page = earned.member("GET", path, headers={"Accept-Language": header}).text
    assert f"<h1>{title}</h1>" in page
    assert f'<html lang="{"zh" if title[0] == "积" else "en"}">' in page


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing(earned: Shop) -> None:
    answer = earned.member("GET", f"/v1/me/statements?{PERIOD}&format=html")
    page = answer.text
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert f"<style>{STYLE}</style>" in page, "its hash is that of the very text"
    assert "@media print" in page
    for word in ("<script", "http", "src=", "href=", "url(", "onload", "style="):
        assert word not in page, word


def test_everything_on_a_page_is_escaped(earned: Shop) -> None:
    evil = '<script>alert("1")</script>&\'"'
    with earned.app.app_context():
        moved(earned.member_id, lambda posting, state, plan: ledger.grant(
            posting, state, plan, plan.programme.wallet("leaves"), 1, source("gift"), "adjustment", evil))  # fmt: skip
    answer = earned.staff("PATCH", f"/v1/members/{earned.member_id}", json={"name": "<b>Lin</b>"})
    page = earned.member("GET", f"/v1/me/statements?{PERIOD}&format=html").text
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;&amp;&#39;&#34;" in page
    assert "Lin" in page
    if answer.status_code == 200:
        assert "<b>Lin" not in page
    csv = earned.member("GET", f"/v1/me/statements?{PERIOD}&format=csv").text
    assert evil.replace('"', '""') in csv


def test_what_is_owed_is_told_to_analysts(earned: Shop) -> None:
    for caller in (earned.analyst, earned.admin):
        told = caller("GET", "/v1/reports/liability").json
        assert (told["as_of"], told["currency"]) == ("2026-11-22", "CNY")
        (wallet,) = told["wallets"]
        assert (wallet["points"], wallet["breakage_points"], wallet["owed"], wallet["check"]) == (35, 0, None, 0)
        assert wallet["cohorts"][0]["issued"] == "2026-11"
        assert caller("GET", "/v1/reports/liability?as_of=2026-11-21").json["wallets"][0]["points"] == 0
        moved = caller("GET", f"/v1/reports/liability/movement?{PERIOD}").json
        assert (moved["from"], moved["wallets"][0]["lines"]["issued"], moved["wallets"][0]["check"]) == ("2026-11-01", 35, 0)  # fmt: skip
        for path in ("liability?", f"liability/movement?{PERIOD}&"):
            csv = caller("GET", f"/v1/reports/{path}format=csv")
            assert csv.content_type == "text/csv; charset=utf-8"
            assert csv.data.startswith(b"\xef\xbb\xbfwallet,")
            assert caller("GET", f"/v1/reports/{path}format=html").status_code == 422


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("liability?as_of=2026-11-23", "as_of_future"),
        ("liability?as_of=x", "invalid_fields"),
        ("liability?from=2026-11-01", "invalid_fields"),
        ("liability/movement", "invalid_fields"),
        ("liability/movement?from=2026-11-22&to=2026-11-21", "period_backwards"),
        ("liability/movement?from=2026-11-22&to=2026-12-21", "as_of_future"),
    ],
)
def test_a_report_on_what_is_no_past_day_is_refused(earned: Shop, path: str, code: str) -> None:
    answer = earned.analyst("GET", f"/v1/reports/{path}")
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_an_analyst_of_one_merchant_sees_no_report_on_all(earned: Shop) -> None:
    made = earned.admin(
        "POST", "/v1/tokens", json={"role": "analyst", "name": "of one", "merchant_id": "tea-house"}
    ).json
    headers = {"Authorization": f"Bearer {made['token']}"}
    for path in ("liability", f"liability/movement?{PERIOD}"):
        answer = earned.nobody("GET", f"/v1/reports/{path}", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (403, "other_merchant")
