"""The command line: what an operator is told, and with which exit code."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from loyalty_engine import clock
from loyalty_engine.cli import main
from loyalty_engine.cli.output import engine
from tests.builders import PROGRAMME, open_store

Loyalty = Callable[..., Result]
MEMBERS = "external_id,name,phone\nc-1,Anna,+8613800138000\nc-2,Ben,12\nc-3,Chen,\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOYALTY_DATABASE_URL", raising=False)


@pytest.fixture
def loyalty() -> Loyalty:
    """Run a command in an empty directory."""
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def ready(loyalty: Loyalty) -> Loyalty:
    """The same, with tables and a programme."""
    assert loyalty("db", "upgrade").exit_code == 0
    assert publish(loyalty).exit_code == 0
    return loyalty


def publish(loyalty: Loyalty, *more: str) -> Result:
    Path("programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    return loyalty("programme", "publish", "programme.yaml", "--reason", "the first one", *more)


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def test_tidying_says_what_was_forgotten(ready: Loyalty) -> None:
    forgotten = told(ready("db", "tidy", "--json"))
    assert {"forgotten", "names_forgotten", "codes", "sessions", "webhook_events"} <= forgotten.keys()
    assert not any(forgotten.values())


def test_an_upgrade_makes_the_tables_on_either_database(
    loyalty: Loyalty, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", empty_url)
    first, again = loyalty("db", "upgrade", "--json"), loyalty("db", "upgrade", "--json")
    assert (first.exit_code, told(first)["before"]) == (0, None)
    assert (again.exit_code, told(again)) == (0, {"before": told(first)["after"], "after": told(first)["after"]})
    published = publish(loyalty, "--json")
    assert told(published) == {"version": 1, "effective_at": None}


def test_the_database_is_a_file_in_this_directory(ready: Loyalty) -> None:
    assert Path("loyalty.db").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("tokens", "create", "--role", "admin", "--name", "me"),
        ("import", "members", "members.csv"),
        ("demo", "--weeks", "1"),
        ("programme", "publish", "programme.yaml", "--reason", "why"),
        ("serve",),
    ],
)
def test_a_database_without_tables_gives_one_line(loyalty: Loyalty, words: tuple[str, ...]) -> None:
    Path("members.csv").write_text(MEMBERS, encoding="utf-8")
    Path("programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    result = loyalty(*words)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "loyalty db upgrade" in result.stderr


def test_a_database_that_another_process_has_locked_gives_one_line(
    ready: Loyalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_LOCK_TIMEOUT_SECONDS", "1")
    lock = (
        "import sqlite3; sqlite3.connect('loyalty.db', isolation_level=None).execute('BEGIN IMMEDIATE'); input(print())"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-uc", lock], **pipes) as other:  # type: ignore[call-overload]
        other.stdout.readline()
        result = ready("tokens", "create", "--role", "admin", "--name", "me")
        other.communicate(b"\n")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "locked" in result.stderr


@pytest.mark.parametrize(
    ("url", "exit_code"),
    [
        ("sqlite:////no/such/directory/loyalty.db", 1),
        ("postgresql+psycopg://127.0.0.1:1/nothing", 1),
        ("loyalty", 2),
        ("oracle9://here", 2),
    ],
)
def test_a_database_that_is_not_there_gives_no_traceback(
    loyalty: Loyalty, monkeypatch: pytest.MonkeyPatch, url: str, exit_code: int
) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", url)
    result = loyalty("tokens", "create", "--role", "admin", "--name", "me")
    assert result.exit_code == exit_code
    assert "Traceback" not in result.output
    assert result.stderr


def test_a_refusal_is_a_problem_document_where_json_is_wanted(ready: Loyalty) -> None:
    result = ready("tokens", "create", "--role", "service", "--name", "shop", "--json")
    assert result.exit_code == 1
    assert (told(result)["code"], list(told(result)["errors"])) == ("token_invalid", ["merchant_id"])


@pytest.mark.parametrize(
    "words",
    [
        ("fly",),
        ("tokens", "create"),
        ("tokens", "create", "--role", "king", "--name", "me"),
        ("tokens", "create", "--role", "terminal", "--name", "me"),
        ("tokens", "create", "--role", "terminal", "--name", "me", "--store", "s-1"),
        ("tokens", "create", "--role", "staff", "--name", "me", "--store", "s-1"),
        ("import", "members", "programme.yaml", "--rejects", "no/such/folder/rejects.csv"),
        ("import", "points", "programme.yaml"),
        ("import", "members", "programme.yaml", "--expect", "leaves=1"),
        ("import", "balances", "programme.yaml", "--expect", "leaves"),
        ("import", "balances", "programme.yaml", "--expect", "leaves=-1"),
        ("import", "balances", "programme.yaml", "--expect", "leaves=1", "--expect", "leaves=2"),
        ("import", "members", "no-such-file.csv"),
        ("programme", "publish", "programme.yaml", "--reason", "why", "--at", "tomorrow"),
        ("programme", "publish", "programme.yaml", "--reason", "why", "--at", "2026-12-01T00:00"),
        ("demo", "--weeks", "0"),
    ],
)
def test_wrong_usage_ends_with_2(ready: Loyalty, words: tuple[str, ...]) -> None:
    assert ready(*words).exit_code == 2


def test_a_token_is_printed_and_can_be_revoked(ready: Loyalty) -> None:
    created = ready("tokens", "create", "--role", "analyst", "--name", "me", "--days", 1)
    assert (created.exit_code, created.stdout.count("\n")) == (0, 1)
    token_id = created.stdout.split("_")[1]
    assert ready("tokens", "revoke", token_id).exit_code == 0
    assert ready("tokens", "revoke", "0" * 16).exit_code == 1


def test_a_good_programme_has_nothing_wrong(ready: Loyalty) -> None:
    assert ready("programme", "check", "programme.yaml").exit_code == 0
    assert told(ready("programme", "check", "programme.yaml", "--json")) == {"problems": []}


@pytest.mark.parametrize("made", [False, True], ids=["no file", "no tables"])
def test_a_programme_is_checked_where_there_is_no_database_yet(loyalty: Loyalty, made: bool) -> None:
    Path("programme.yaml").write_text(PROGRAMME, encoding="utf-8")
    if made:
        Path("loyalty.db").touch()
    assert loyalty("programme", "check", "programme.yaml").exit_code == 0
    Path("programme.yaml").write_text(PROGRAMME.replace("wallet: leaves", "wallet: leafs", 1), encoding="utf-8")
    result = loyalty("programme", "check", "programme.yaml")
    assert (result.exit_code, 'did you mean "leaves"' in result.stderr) == (1, True)
    assert Path("loyalty.db").exists() == made


def test_every_problem_of_a_programme_is_said_with_its_place(ready: Loyalty) -> None:
    bad = PROGRAMME.replace("wallet: leaves", "wallet: leafs", 1).replace("money: CNY", "money: Yuan")
    Path("bad.yaml").write_text(bad, encoding="utf-8")
    said = ready("programme", "check", "bad.yaml")
    assert said.exit_code == 1
    assert "accrual[0].wallet" in said.stderr
    assert 'did you mean "leaves"?' in said.stderr
    as_json = ready("programme", "check", "bad.yaml", "--json")
    assert {"money", "accrual[0].wallet"} <= {problem["path"] for problem in told(as_json)["problems"]}
    published = ready("programme", "publish", "bad.yaml", "--reason", "why")
    assert published.exit_code == 1
    assert "money:" in published.stderr


def test_an_import_says_what_was_refused_and_why(ready: Loyalty) -> None:
    Path("members.csv").write_text(MEMBERS, encoding="utf-8")
    result = ready("import", "members", "members.csv")
    assert result.exit_code == 1
    assert "members.csv.rejects.ndjson" in result.stderr
    (reject,) = Path("members.csv.rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(reject)["line"] == 3
    again = ready("import", "members", "members.csv", "--json")
    assert told(again)["statuses"] == {"replayed": 2, "rejected": 1}


def test_an_import_without_refusals_ends_with_0(ready: Loyalty) -> None:
    Path("products.ndjson").write_text('{"sku": "TEA", "category": "drinks/tea"}\n', encoding="utf-8")
    result = ready("import", "products", "products.ndjson", "--json")
    assert (result.exit_code, told(result)["statuses"]) == (0, {"posted": 1})


def test_purchases_are_imported_from_a_file(ready: Loyalty) -> None:
    Path("members.csv").write_text("external_id,cards\nc-1,6300000000000012\n", encoding="utf-8")
    assert ready("import", "members", "members.csv").exit_code == 0
    Path("purchases.csv").write_text(
        "store,purchase_id,card,occurred_at,sku,quantity,amount\n"
        "nowhere,p-1,6300000000000012,2026-11-01T10:00:00+08:00,TEA,1,30.00\n",
        encoding="utf-8",
    )
    result = ready("import", "purchases", "purchases.csv", "--json")
    assert (result.exit_code, told(result)["statuses"]) == (1, {"rejected": 1})


def test_what_an_import_keeps_without_booking_it_is_told_and_ends_with_1(ready: Loyalty) -> None:
    with engine():
        open_store()
    row = "s-1,p-1,6300000000000012,2026-11-01T10:00:00+08:00,TEA,1,30.00\n"
    Path("purchases.csv").write_text(f"store,purchase_id,card,occurred_at,sku,quantity,amount\n{row}", encoding="utf-8")
    result = ready("import", "purchases", "purchases.csv")
    assert result.exit_code == 1
    assert "waiting, unknown_card  1" in result.stdout
    assert "loyalty: kept, but not booked: 1; the reasons are in purchases.csv.rejects.ndjson" in result.stderr
    assert "refused" not in result.stderr
    (listed,) = Path("purchases.csv.rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(listed)["reason"].startswith("waits: unknown_card: ")
    again = told(ready("import", "purchases", "purchases.csv", "--json"))
    assert (again["waiting"], again["rejects"]) == ({"unknown_card": 1}, "purchases.csv.rejects.ndjson")
    Path("members.csv").write_text("cards\n6300000000000012\n", encoding="utf-8")
    ready("import", "members", "members.csv")
    result = ready("import", "purchases", "purchases.csv", "--json")
    assert (result.exit_code, told(result)["statuses"], told(result)["rejects"]) == (0, {"posted": 1}, None)


BALANCES = "external_id,wallet,points,opened_on\nc-1,leaves,100,2026-01-05\nc-1,leaves,20,2026-01-06\n"


@pytest.fixture
def balances(ready: Loyalty) -> Loyalty:
    """A member, and a file with what that member has elsewhere."""
    Path("members.csv").write_text("external_id\nc-1\n", encoding="utf-8")
    Path("balances.csv").write_text(BALANCES, encoding="utf-8")
    assert ready("import", "members", "members.csv").exit_code == 0
    return ready


def test_balances_that_come_to_what_they_must_are_imported(balances: Loyalty) -> None:
    result = balances("import", "balances", "balances.csv", "--expect", "leaves=120", "--json")
    assert (result.exit_code, told(result)["statuses"]) == (0, {"posted": 2})
    assert (told(result)["accounted"], told(result)["differences"]) == ({"leaves": 120}, [])
    again = balances("import", "balances", "balances.csv", "--expect", "leaves=120")
    assert again.exit_code == 0
    assert "accounted for, leaves  120" in again.stdout
    assert told(balances("audit", "--json"))["clean"]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (["leaves=121"], "leaves: expected 121, found 120: 1 missing"),
        (["leaves=119"], "leaves: expected 119, found 120: 1 too many"),
        (["leaves=120", "petals=5"], "petals: expected 5, found 0: 5 missing"),
        (["petals=0"], "leaves: expected 0, found 120: 120 too many"),
    ],
)
def test_balances_that_come_to_something_else_are_not_imported(
    balances: Loyalty, expected: list[str], said: str
) -> None:
    words = [word for one in expected for word in ("--expect", one)]
    result = balances("import", "balances", "balances.csv", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert told(balances("import", "balances", "balances.csv", "--json"))["statuses"] == {"posted": 2}


def test_a_refused_row_is_missing_from_the_control_totals(balances: Loyalty) -> None:
    Path("balances.csv").write_text(f"{BALANCES}c-9,leaves,7,2026-01-05\n", encoding="utf-8")
    result = balances("import", "balances", "balances.csv", "--expect", "leaves=127")
    assert result.exit_code == 1
    assert "control totals differ: leaves: expected 127, found 120: 7 missing" in result.stderr
    Path("balances.csv").write_text(f"{BALANCES}c-1,leaves,x,2026-01-05\n", encoding="utf-8")
    result = balances("import", "balances", "balances.csv", "--expect", "leaves=127", "--json")
    assert (result.exit_code, told(result)["code"]) == (1, "control_totals_differ")
    (reject,) = Path("balances.csv.rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(reject)["field"] == "points"


def test_up_sets_up_once_and_shows_tokens_once(loyalty: Loyalty) -> None:
    words = ("up", "--no-serve", "--households", 8, "--weeks", 6)
    first = loyalty(*words)
    assert first.exit_code == 0, first.output
    assert first.stdout.count("lty_") == 7, "five tokens, and one in each line to paste"
    assert "posted" in first.stdout
    assert "/v1/docs" in first.stdout
    second = loyalty(*words)
    assert (second.exit_code, second.stdout.count("lty_")) == (0, 0)
    assert "posted" not in second.stdout
    assert (first.stdout.count("curl "), second.stdout.count("curl ")) == (2, 0)


def test_up_without_the_demo_has_nobody(loyalty: Loyalty, empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", empty_url)
    result = loyalty("up", "--no-serve", "--no-demo")
    assert result.exit_code == 0
    assert "posted" not in result.stdout


def test_the_demo_wants_a_programme_in_its_money(ready: Loyalty) -> None:
    refused = ready("demo", "--households", 5, "--weeks", 4)
    assert refused.exit_code == 1
    assert "in CNY" in refused.stderr


@pytest.mark.slow
def test_the_demo_adds_nothing_twice(loyalty: Loyalty) -> None:
    loyalty("up", "--no-serve", "--no-demo")
    words = ("demo", "--households", 8, "--weeks", 6, "--json")
    first, again = told(loyalty(*words)), told(loyalty(*words))
    assert first["statuses"].keys() == {"posted"}
    assert again["statuses"] == {"replayed": first["statuses"]["posted"]}
    assert again["money_minor"] == first["money_minor"]


def test_a_port_in_use_is_said_before_anything_is_done(loyalty: Loyalty) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = loyalty("up", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert "--port" in result.stderr
    assert not Path("loyalty.db").exists()


def test_serving_wants_a_programme(loyalty: Loyalty) -> None:
    loyalty("db", "upgrade")
    result = loyalty("serve")
    assert result.exit_code == 1
    assert "loyalty programme publish" in result.stderr


def test_members_at_risk_are_listed(ready: Loyalty) -> None:
    Path("members.csv").write_text(
        f"external_id,tier_level,tier_until\nM-1,gold,{clock.now().date() + timedelta(days=5)}\nM-2,gold,2199-01-01\n",
        encoding="utf-8",
    )
    assert ready("import", "members", "members.csv").exit_code == 0
    listed = told(ready("members", "at-risk", "--days", 30, "--json"))
    assert [(one["level"], one["missing"], one["of"]) for one in listed["members"]] == [("gold", 1000, "points:leaves")]
    result = ready("members", "at-risk", "--days", 30)
    assert result.stdout.startswith(listed["members"][0]["member_id"])
    assert "1 members at risk" in result.stderr
    assert told(ready("members", "at-risk", "--days", 1, "--json"))["members"] == []
    assert ready("members", "at-risk", "--days", 0).exit_code == 2


def test_the_code_for_a_stores_door_leads_to_the_members_pages(
    ready: Loyalty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_PUBLIC_URL", "https://club.example.com")
    made = ready("qr", "join", "--out", "door.svg", "--json")
    assert told(made) == {"file": "door.svg", "leads_to": "https://club.example.com/join"}
    assert (tmp_path / "door.svg").read_text("utf-8").startswith("<?xml")
    assert ready("qr", "join", "--store", "nowhere", "--out", "x.svg").exit_code == 1
    monkeypatch.delenv("LOYALTY_PUBLIC_URL")
    assert ready("qr", "join", "--out", "x.svg").exit_code == 2
    assert not (tmp_path / "x.svg").exists()
