"""The real Twilio client against a local server: one request a text, and what its answer means."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from loyalty_engine import clock
from loyalty_engine.channels import Accepted, Ambiguous, Outgoing, Refused, digest_of, twilio_http
from loyalty_engine.channels.sms_twilio import TwilioSms
from loyalty_engine.channels.twilio_errors import PASSING, PERMANENT, meaning
from loyalty_engine.channels.twilio_words import START, STOP, asked
from tests import sending
from tests.gateways.twilio_server import PUBLIC_URL, TwilioServer, older, serving

TEXT = Outgoing("m-1", "t-1", "+8613800000001", "生日快乐！")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    monkeypatch.setattr(twilio_http, "READ_SECONDS", 0.3)
    with serving() as server:
        yield server


def client(server: TwilioServer, **more: str) -> TwilioSms:
    return TwilioSms(sending.settings(server.url, **more), PUBLIC_URL, 4)


def test_a_text_says_who_sends_it_and_where_to_report(server: TwilioServer) -> None:
    outcome = client(server).send(TEXT)
    assert outcome == Accepted(server.taken[0].sid)
    assert server.asked == [
        {
            "To": "+8613800000001", "Body": "生日快乐！", "From": "+15005550006",
            "StatusCallback": f"{PUBLIC_URL}/v1/channels/twilio/status/m-1/t-1",
        }
    ]  # fmt: skip


def test_a_messaging_service_sends_instead_of_a_number(server: TwilioServer) -> None:
    client(server, service="MG" + "1" * 32).send(TEXT)
    assert server.asked[0]["MessagingServiceSid"] == "MG" + "1" * 32
    assert "From" not in server.asked[0]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 21211, Refused("21211", permanent=True)),
        (400, 21610, Refused("21610", permanent=True)),
        (400, 21611, Refused("21611", permanent=False)),
        (401, 20003, Refused("20003", permanent=False)),
        (403, 12345, Refused("12345", permanent=True)),
        (503, 20503, Ambiguous("20503")),
        (500, 21211, Ambiguous("21211")),
        (408, 20408, Ambiguous("20408")),
    ],
)
def test_what_an_answer_means_stands_in_a_table(
    server: TwilioServer, status: int, code: int, outcome: Refused | Ambiguous
) -> None:
    server.fault, server.error = lambda form: "refused", (status, code)
    assert client(server).send(TEXT) == outcome
    assert len(server.asked) == 1


def test_429_says_how_long_to_wait(server: TwilioServer) -> None:
    server.fault, server.retry_after = lambda form: "429", 7
    assert client(server).send(TEXT) == Refused("20429", permanent=False, retry_after=7)


@pytest.mark.parametrize(
    ("fault", "code"),
    [("hangs", "time_out"), ("dropped", "connection_lost"), ("broken_json", "answer_not_read"), ("500", "500")],
)
def test_what_nobody_knows_is_ambiguous_after_one_request(server: TwilioServer, fault: str, code: str) -> None:
    server.fault = lambda form: fault
    assert client(server).send(TEXT) == Ambiguous(code)
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_has_certainly_not_taken_it() -> None:
    away = TwilioSms(sending.settings("http://127.0.0.1:9"), PUBLIC_URL, 4)
    assert away.send(TEXT) == Refused("not_connected", permanent=False)


def test_an_unknown_code_is_never_a_reason_to_send_again() -> None:
    assert meaning(400, 99999) == meaning(400, None) == meaning(500, None) == meaning(503, 21211) == "unknown"
    assert not set(PERMANENT) & set(PASSING)


def test_the_list_is_asked_by_number_text_and_time_over_all_its_pages(server: TwilioServer) -> None:
    server.page_size = 2
    sms = client(server)
    for number in range(5):
        sms.send(Outgoing("m-1", f"t-{number}", "+8613800000001", f"text {number}"))
    sms.send(Outgoing("m-2", "t-9", "+8613800000002", "text 0"))
    now = clock.now()
    minute = timedelta(minutes=1)
    (found,) = sms.find("+8613800000001", digest_of("text 0"), now - minute, now + minute) or ()
    assert found.provider_id == server.taken[0].sid
    assert sms.find("+8613800000001", digest_of("text 9"), now - minute, now + minute) == []
    older(server.taken[0], 2 * minute)
    assert sms.find("+8613800000001", digest_of("text 0"), now - minute, now + minute) == []
    assert len(sms.find("+8613800000001", digest_of("text 0"), now - 3 * minute, now + minute) or ()) == 1
    assert sms.find("+8613800000001", digest_of("text 1"), now - 3 * minute, now - minute) == []


def test_a_list_that_cannot_be_had_is_not_an_empty_one(server: TwilioServer) -> None:
    away = TwilioSms(sending.settings("http://127.0.0.1:9"), PUBLIC_URL, 4)
    assert away.find("+8613800000001", digest_of("x"), clock.now(), clock.now()) is None


def test_stop_and_start_share_no_word_and_are_found_in_any_writing() -> None:
    assert not STOP & START
    assert {asked(word.upper()) for word in STOP} == {"stop"}
    assert {asked(f" {word}。") for word in START} == {"start"}
