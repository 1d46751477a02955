"""`loyalty messages`: the coming days and their cost, what failed, a member's messages, previews, pauses, in words and JSON."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from loyalty_engine import clock
from loyalty_engine.cli import main
from loyalty_engine.cli.output import engine
from loyalty_engine.services.actors import command_line
from loyalty_engine.services.enrolment import NewMember, enrol_in
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.session import in_transaction
from tests.api.test_messages import TELLING
from tests.builders import done
from tests.conftest import NOON

Loyalty = Callable[..., Result]
NOBODY = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.fixture
def loyalty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loyalty]:
    """Run a command in a directory with tables and a programme; it is `NOON`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOYALTY_DATABASE_URL", raising=False)
    Path("programme.yaml").write_text(TELLING, encoding="utf-8")

    def run(*words: Any) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    with clock.frozen(NOON):
        assert run("db", "upgrade").exit_code == 0
        assert run("programme", "publish", "programme.yaml", "--reason", "the first").exit_code == 0
        yield run


@pytest.fixture
def member(loyalty: Loyalty) -> str:
    """A member with one greeting planned, and one text that is not sent."""
    with engine():
        said = GivenConsent("sms", "greeting", True, clock.now() - timedelta(days=1), "form")
        new = NewMember(phone="+8613800138000", name="王芳", language="zh", consents=(said,))
        member_id: str = json.loads(done(enrol_in, command_line("test"), new).body)["member_id"]
        wanted = [
            Wanted(member_id, "birthday", "occasion", "birthday/2026", {"points": 50, "wallet": "leaves"}),
            Wanted(member_id, "sale", "campaign", "1"),
        ]
        in_transaction(lambda to: plan_messages(to, plan_for(to, clock.now()), wanted, clock.now()))
    return member_id


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_coming_days_are_said_with_their_cost(loyalty: Loyalty, member: str) -> None:
    said = loyalty("messages", "plan", "--days", 21).stdout.splitlines()
    assert [line.split() for line in said] == [
        "2026-11-22 birthday planned 1 messages 1 segments 0.045 CNY".split(),
        "2026-12-12 sale expected 1 messages 1 segments 0.045 CNY".split(),
        "in all 2 messages 2 segments 0.09 CNY".split(),
    ]
    assert told(loyalty("messages", "plan", "--json"))["total"] == {"messages": 1, "segments": 1, "cost": "0.045"}


def test_what_was_not_sent_is_listed_with_its_reason(loyalty: Loyalty, member: str) -> None:
    assert loyalty("messages", "list", "--status", "failed").stdout == ""
    (line,) = loyalty("messages", "list", "--status", "suppressed").stdout.splitlines()
    assert line.startswith("2026-11-22 04:00 UTC  ")
    assert line.endswith("  sale  sms  suppressed: no_consent")
    assert [one["template"] for one in told(loyalty("messages", "of", member, "--json"))["messages"]] == [
        "sale",
        "birthday",
    ]
    more = loyalty("messages", "of", member, "--limit", 1)
    assert len(more.stdout.splitlines()) == 1
    assert "more" in more.stderr


def test_a_preview_shows_both_languages_and_why_it_is_not_sent(loyalty: Loyalty, member: str) -> None:
    said = loyalty("messages", "preview", "sale", "--member", member).stdout
    assert "marketing by sms, in the member's language: zh; not sent: no_consent" in said
    assert "[en] 1 segments of UCS-2, 0.045\n  A sale, 王芳! Reply STOP to opt out" in said
    assert "[zh] 1 segments of UCS-2, 0.045\n  【茶会】王芳，大促销！拒收请回复R" in said
    assert told(loyalty("messages", "preview", "sale", "--member", member, "--json"))["refused"] == "no_consent"


def test_messages_are_paused_resumed_and_cancelled(loyalty: Loyalty, member: str) -> None:
    paused = loyalty("messages", "pause", "everything", "--reason", "a wrong word")
    assert paused.stdout == "everything is paused; 1 messages are held.\n"
    assert "paused: everything since 2026-11-22 04:00 UTC: a wrong word" in loyalty("messages", "plan").stdout
    assert loyalty("messages", "resume", "everything").stdout == "everything goes on; 1 messages are free again.\n"
    (found,) = told(loyalty("messages", "list", "--status", "planned", "--json"))["messages"]
    gone = loyalty("messages", "cancel", found["message_id"], "--reason", "asked for")
    assert gone.stdout == f"{found['message_id']} is not sent.\n"
    again = loyalty("messages", "cancel", found["message_id"], "--reason", "asked for")
    assert again.exit_code == 1
    assert "only one that waits can be cancelled" in again.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", "--days", "0"), 2),
        (("plan", "--days", "32"), 2),
        (("list", "--status", "lost"), 2),
        (("of", NOBODY), 1),
        (("of", "nobody"), 1),
        (("preview", "sale"), 2),
        (("preview", "sale", "--member", NOBODY), 1),
        (("pause", "sale"), 2),
        (("pause", "nothing", "--reason", "x"), 1),
        (("resume", "sale"), 1),
        (("cancel", NOBODY, "--reason", "x"), 1),
        (("cancel", "nothing", "--reason", "x"), 1),
    ],
)
def test_what_can_not_be_is_refused(loyalty: Loyalty, words: tuple[str, ...], code: int) -> None:
    refused = loyalty("messages", *words)
    assert refused.exit_code == code, refused.output
    assert refused.stderr
