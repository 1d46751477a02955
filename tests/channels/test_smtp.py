"""Mail by SMTP to a real server: what it says, what its refusals mean, and what a lost connection leaves open."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from loyalty_engine.channels import Accepted, Ambiguous, Outgoing, Refused, email_smtp
from loyalty_engine.channels.email_smtp import SmtpMail
from loyalty_engine.config import EmailSettings

ID = "01a2b3c4-0000-7000-8000-000000000000"
MAIL = Outgoing("m-1", ID, "ann@example.com", "Hello Ann,\n你好。", "Your birthday")


class Box:
    """Takes mail, or answers as it is told to."""

    def __init__(self, on_recipient: str = "", on_text: str = "") -> None:
        self.taken: list[Message] = []
        self._on_recipient, self._on_text = on_recipient, on_text

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self._on_recipient:
            return self._on_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self._on_text == "gone":
            server.transport.close()
            return "250 never seen"
        if not self._on_text:
            self.taken.append(message_from_bytes(envelope.content, policy=default))
        return self._on_text or "250 OK"


@contextmanager
def serving(box: Box) -> Iterator[SmtpMail]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(box, "127.0.0.1", port, enable_SMTPUTF8=False)
    controller.start()
    try:
        settings = EmailSettings("smtp", "127.0.0.1", port, "none", sender="club@shop.example")
        yield SmtpMail(settings, "https://loyalty.example")
    finally:
        controller.stop()


def test_a_mail_carries_our_id_and_how_to_get_no_more() -> None:
    box = Box()
    with serving(box) as mail:
        assert mail.send(MAIL) == Accepted(f"{ID}@shop.example")
    (taken,) = box.taken
    assert (taken["Subject"], taken["To"], taken["From"]) == ("Your birthday", "ann@example.com", "club@shop.example")
    assert (taken["Message-ID"], taken["List-Unsubscribe"]) == (
        f"<{ID}@shop.example>", "<https://loyalty.example/my/consents>",
    )  # fmt: skip
    assert taken.get_content().split() == ["Hello", "Ann,", "你好。"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("box", "outcome"),
    [
        (Box(on_recipient="550 nobody here"), Refused("550", permanent=True, of_address=True)),
        (Box(on_recipient="451 later"), Refused("451", permanent=False, of_address=True)),
        (Box(on_recipient="421 going down"), Refused("421", permanent=False)),
        (Box(on_text="554 spam"), Refused("554", permanent=True)),
        (Box(on_text="452 full"), Refused("452", permanent=False)),
        (Box(on_text="gone"), Ambiguous("connection_lost")),
    ],
)
def test_what_a_server_answers_says_whether_it_has_the_mail(box: Box, outcome: Refused | Ambiguous) -> None:
    with serving(box) as mail:
        assert mail.send(MAIL) == outcome
    assert box.taken == []


@pytest.mark.parametrize("to", ["änn@example.com", "ann@\nexample.com"])
def test_an_address_that_no_mail_can_be_made_for_is_certainly_not_written_to(to: str) -> None:
    box = Box()
    with serving(box) as mail:
        assert mail.send(replace(MAIL, to=to)) == Refused("address", permanent=True)
    assert box.taken == []


def test_a_server_that_is_not_there_has_certainly_not_taken_it() -> None:
    settings = EmailSettings("smtp", "127.0.0.1", 9, "none", sender="club@shop.example")
    assert SmtpMail(settings, "").send(MAIL) == Refused("not_connected", permanent=False)


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted() -> None:
    box = Box()
    with serving(box) as mail:
        port = mail._settings.port
        strict = EmailSettings("smtp", "127.0.0.1", port, "starttls", sender="club@shop.example")
        assert SmtpMail(strict, "", ssl.create_default_context()).send(MAIL) == Refused(
            "not_connected", permanent=False
        )
    assert box.taken == []


def test_a_server_that_hangs_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_smtp, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = EmailSettings("smtp", "127.0.0.1", silent.getsockname()[1], "none", sender="club@shop.example")
        assert SmtpMail(settings, "").send(MAIL) == Refused("not_connected", permanent=False)
