"""Past days and reports on the command line: what is said, in words, JSON and files, and with which exit code."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from loyalty_engine import clock
from loyalty_engine.cli import main
from loyalty_engine.cli.output import engine
from loyalty_engine.services import ledger
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.enrolment import NewMember, enrol_in
from tests.builders import PROGRAMME, done
from tests.histories import moved, source

Loyalty = Callable[..., Result]
NOBODY = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.fixture
def loyalty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loyalty:
    """Run a command in a directory with tables and a programme."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOYALTY_DATABASE_URL", raising=False)
    Path("programme.yaml").write_text(PROGRAMME.replace("id: leaves,", 'id: leaves, worth: "0.02",'), encoding="utf-8")

    def run(*words: Any) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    assert run("db", "upgrade").exit_code == 0
    assert run("programme", "publish", "programme.yaml", "--reason", "the first").exit_code == 0
    return run


@pytest.fixture
def member(loyalty: Loyalty) -> Iterator[str]:
    """A member who got 100 points in January, 50 in February, and spent 30 in March; it is 5 April 2026."""
    with ExitStack() as stack:
        with engine():
            stack.enter_context(clock.frozen(datetime(2026, 1, 10, 4, tzinfo=UTC)))
            member_id: str = json.loads(done(enrol_in, command_line("test"), NewMember()).body)["member_id"]
            for month, points in ((1, 100), (2, 50)):
                stack.enter_context(clock.frozen(datetime(2026, month, 10, 4, tzinfo=UTC)))
                moved(member_id, lambda posting, state, plan, points=points: ledger.grant(
                    posting, state, plan, plan.programme.wallet("leaves"), points, source("gift")))  # fmt: skip
            stack.enter_context(clock.frozen(datetime(2026, 3, 10, 4, tzinfo=UTC)))
            moved(member_id, lambda *on: ledger.spend(*on, "leaves", 30, source("redemption")))
        stack.enter_context(clock.frozen(datetime(2026, 4, 5, 4, tzinfo=UTC)))
        yield member_id


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("words", "available"),
    [((), 120), (("--as-of", "2026-04-05"), 120), (("--as-of", "2026-03-09"), 150), (("--as-of", "2026-01-09"), 0)],
)
def test_balances_as_of_a_day(loyalty: Loyalty, member: str, words: tuple[str, ...], available: int) -> None:
    found = told(loyalty("members", "balances", member, *words, "--json"))
    assert found["balances"][0]["available"] == available
    said = loyalty("members", "balances", member.upper(), *words)
    assert said.stdout.startswith(f"leaves: available {available}, pending 0")


def test_lots_and_tier_as_of_a_day(loyalty: Loyalty, member: str) -> None:
    assert [one["remaining"] for one in told(loyalty("members", "lots", member, "--json"))["lots"]] == [70, 50]
    past = loyalty("members", "lots", member, "--as-of", "2026-03-09")
    assert "100 of 100, available" in past.stdout
    assert "level" in told(loyalty("members", "tier", member, "--json"))
    assert told(loyalty("members", "tier", member, "--as-of", "2026-01-09", "--json"))["level"] is None
    assert loyalty("members", "tier", member, "--as-of", "2026-02-09").exit_code == 0


def test_a_statement_in_words_json_and_a_file(loyalty: Loyalty, member: str) -> None:
    words = ("members", "statement", member, "--from", "2026-02-01", "--to", "2026-03-31")
    said = loyalty(*words)
    assert (said.exit_code, "Earned" in said.stdout, "120 at the end" in said.stdout) == (0, True, True)
    assert "使用积分" in loyalty(*words, "--language", "zh").stdout
    (wallet,) = told(loyalty(*words, "--json"))["wallets"]
    assert (wallet["opening"]["balance"], wallet["closing"]["balance"]) == (100, 120)
    assert loyalty(*words, "--csv", "statement.csv").exit_code == 0
    assert Path("statement.csv").read_bytes().startswith(b"\xef\xbb\xbfwallet,")


def test_what_is_owed_and_how_it_moved(loyalty: Loyalty, member: str) -> None:
    (wallet,) = told(loyalty("report", "liability", "--json"))["wallets"]
    assert (wallet["points"], wallet["owed"], wallet["check"]) == (120, "2.40", 0)
    words = loyalty("report", "liability", "--as-of", "2026-02-28", "--csv", "owed.csv")
    assert "leaves on 2026-02-28: 150 points" in words.stdout
    assert "owed: 3.00 CNY" in words.stdout
    assert "age in months   1" in words.stdout
    assert Path("owed.csv").read_bytes().count(b"\r\n") == 5
    period = ("report", "movement", "--from", "2026-02-01", "--to", "2026-03-31")
    (moved_wallet,) = told(loyalty(*period, "--json"))["wallets"]
    assert (moved_wallet["lines"]["issued"], moved_wallet["lines"]["redeemed"]) == (50, -30)
    assert "check" in loyalty(*period, "--csv", "moved.csv").stdout
    assert Path("moved.csv").exists()


def test_a_forecast_says_its_error(loyalty: Loyalty, member: str) -> None:
    found = told(loyalty("report", "forecast", "--months", 2, "--json"))
    assert found["wallets"][0] == {
        "wallet": "leaves",
        "outstanding": 150,
        "forecast": 0,
        "lapsed": 0,
        "error_points": 0,
        "error_percent": None,
    }
    assert "error +0 points" in loyalty("report", "forecast", "--months", 2).stdout
    short = loyalty("report", "forecast", "--months", 9)
    assert (short.exit_code, "2 at most" in short.stderr) == (1, True)


def test_a_movement_that_does_not_add_up_ends_with_1(loyalty: Loyalty, member: str) -> None:
    import sqlite3

    with sqlite3.connect("loyalty.db") as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE ledger_entries SET available = available + 1 WHERE seq = 2")
    connection.close()
    result = loyalty("report", "movement", "--from", "2026-02-01", "--to", "2026-03-31", "--json")
    assert (result.exit_code, json.loads(result.stdout)["wallets"][0]["check"]) == (1, -1)


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("members", "balances", NOBODY, "--as-of", "2026-01-01"), 1),
        (("members", "balances", "nonsense"), 1),
        (("members", "balances", NOBODY, "--as-of", "yesterday"), 2),
        (("members", "balances", NOBODY, "--as-of", "2026-02-30"), 2),
        (("members", "balances", NOBODY, "--as-of", "20260101"), 2),
        (("members", "statement", NOBODY, "--from", "2026-01-01"), 2),
        (("members", "statement", NOBODY, "--from", "2026-01-02", "--to", "2026-01-01"), 1),
        (("report", "liability", "--as-of", "2026-04-06"), 1),
        (("report", "movement", "--from", "2026-04-06", "--to", "2026-04-05"), 1),
        (("report", "movement"), 2),
        (("report", "forecast"), 2),
        (("report", "forecast", "--months", "0"), 2),
        (("report", "forecast", "--months", "x"), 2),
    ],
)
def test_what_can_not_be_is_one_line(loyalty: Loyalty, member: str, words: tuple[str, ...], exit_code: int) -> None:
    result = loyalty(*words)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert "Traceback" not in result.stderr
    assert result.stderr


def test_a_member_is_exported_and_erased(loyalty: Loyalty, member: str, tmp_path: Path) -> None:
    assert told(loyalty("members", "export", member))["member_id"] == member
    assert loyalty("members", "export", member, "--out", tmp_path / "all.json").exit_code == 0
    assert json.loads((tmp_path / "all.json").read_text("utf-8"))["tables"]["ledger_entries"]
    gone = told(loyalty("members", "erase", member, "--reason", "asked by letter", "--json"))
    assert gone["points"] == [{"wallet": "leaves", "points": 120}]
    assert loyalty("members", "erase", member, "--reason", "asked by letter").exit_code == 1
    assert loyalty("members", "export", member).exit_code == 1
