"""What Twilio tells us: only what it signed, in any order, twice, late, and from phones that want no more texts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from loyalty_engine import clock
from loyalty_engine.store import members as member_store
from loyalty_engine.store.session import in_transaction, reading
from tests import sending
from tests.conftest import FrozenClock
from tests.gateways.twilio_server import ACCOUNT, PUBLIC_URL, TwilioServer, signature
from tests.ledger import open_shop
from tests.sending import agreed, phone, planned, row, send, texting

INBOUND = "/v1/channels/twilio/inbound"
ID = "01a2b3c4-0000-7000-8000-000000000000"


@pytest.fixture
def twilio(app: Flask, frozen_clock: FrozenClock) -> Iterator[TwilioServer]:
    open_shop(sending.TELLING, members=0)
    with texting(app) as server:
        yield server


def tell(app: Flask, path: str, form: dict[str, str], **headers: str) -> TestResponse:
    """Send a form that is signed as Twilio signs it, or as `headers` say."""
    signed = {"X-Twilio-Signature": signature(PUBLIC_URL + path, form)} | headers
    return app.test_client().post(path, data=form, headers=signed)


def said(app: Flask, number: int, text: str, **more: str) -> TestResponse:
    return tell(app, INBOUND, {"From": phone(number), "Body": text, "MessageSid": "SM1", "AccountSid": ACCOUNT} | more)


def consents(member_id: str) -> dict[str, bool]:
    with reading() as connection:
        return {one.purpose: one.given for one in member_store.consents_of(connection, member_id)}


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", [f"/v1/channels/twilio/status/{ID}/{ID}", INBOUND])
def test_only_what_twilio_signed_passes(app: Flask, twilio: TwilioServer, path: str) -> None:
    form = {"MessageStatus": "delivered", "MessageSid": "SM1"}
    right = signature(PUBLIC_URL + path, form)
    wrong: list[dict[str, Any]] = [
        {"data": form},
        {"data": form, "headers": {"X-Twilio-Signature": ""}},
        {"data": form, "headers": {"X-Twilio-Signature": right[:-2] + "A="}},
        {"data": form, "headers": {"X-Twilio-Signature": signature(PUBLIC_URL + path, form, "another token")}},
        {"data": form, "headers": {"X-Twilio-Signature": signature("http://localhost" + path, form)}},
        {"data": form | {"MessageStatus": "failed"}, "headers": {"X-Twilio-Signature": right}},
        {"data": form, "headers": {"X-Twilio-Signature": right}, "query_string": "again=1"},
        {"json": form, "headers": {"X-Twilio-Signature": right}},
    ]
    for request in wrong:
        answer = app.test_client().post(path, **request)
        assert (answer.status_code, answer.json["code"]) == (403, "signature_invalid")  # type: ignore[index]
    assert tell(app, path, form).status_code in (200, 204)


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_without_a_token_nothing_is_signed(app: Flask) -> None:
    form = {"MessageStatus": "delivered"}
    path = f"/v1/channels/twilio/status/{ID}/{ID}"
    answer = app.test_client().post(path, data=form, headers={"X-Twilio-Signature": signature(path, form, "")})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("sent", "delivered"), "delivered"),
        (("delivered", "sent", "queued"), "delivered"),
        (("delivered", "delivered"), "delivered"),
        (("undelivered", "sent"), "undelivered"),
        (("undelivered", "delivered"), "delivered"),
        (("delivered", "undelivered"), "delivered"),
        (("sent", "failed"), "failed"),
        (("queued",), "accepted"),
        (("dancing", "received", ""), "accepted"),
    ],
)
def test_a_status_only_rises(app: Flask, twilio: TwilioServer, words: tuple[str, ...], status: str) -> None:
    message = planned(agreed(1))
    send()
    twilio.call_back(twilio.taken[0], *words)
    assert row(message).status == status


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_an_error_is_kept_with_what_became_of_it(app: Flask, twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    send()
    twilio.call_back(twilio.taken[0], "undelivered", error=30005)
    assert (row(message).reason, row(message).provider_error) == ("not_delivered", "30005")


def test_a_call_back_resolves_what_nobody_knows(app: Flask, twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    twilio.fault = lambda form: "taken_and_500"
    send()
    assert row(message).status == "unknown"
    twilio.call_back(twilio.taken[0], "sent")
    assert (row(message).status, row(message).provider_id) == ("sent", twilio.taken[0].sid)


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_call_back_for_nobody_is_taken_and_does_nothing(app: Flask, twilio: TwilioServer) -> None:
    message = planned(agreed(1))
    path = f"/v1/channels/twilio/status/{message.member_id}/{ID}"
    assert tell(app, path, {"MessageStatus": "delivered"}).status_code == 204
    assert row(message).status == "planned"
    path = f"/v1/channels/twilio/status/{message.member_id}/{message.message_id}"
    assert tell(app, path, {"MessageStatus": "delivered"}).status_code == 204
    assert row(message).status == "planned", "it was never handed over"


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("days", "status"), [(6, "delivered"), (7, "delivered"), (8, "accepted")])
def test_an_ancient_call_back_changes_nothing(
    app: Flask, twilio: TwilioServer, frozen_clock: FrozenClock, days: int, status: str
) -> None:
    message = planned(agreed(1))
    send()
    frozen_clock.move(timedelta(days=days))
    twilio.call_back(twilio.taken[0], "delivered")
    assert row(message).status == status


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop. ", "STOPALL", "QUIT", "cancel", "END", "UNSUBSCRIBE", "退订", "TD", "td", "T", "R", "n",
     "ＳＴＯＰ", "ｔｄ", "退 订", "“退订”。", "【退订】", "r\n", "STOP!!!"],
)  # fmt: skip
def test_stop_in_whatever_form_withdraws_every_consent_to_texts(app: Flask, twilio: TwilioServer, text: str) -> None:
    ann = agreed(1)
    answer = said(app, 1, text)
    assert (answer.status_code, answer.text) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
    assert consents(ann) == {"service": False, "greeting": False, "marketing": False}


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", ["", "please stop", "Thank you", "don't stop", "STOPP", "123", "\0", "s" * 5000])
def test_anything_else_changes_nothing(app: Flask, twilio: TwilioServer, text: str) -> None:
    ann = agreed(1)
    assert said(app, 1, text).status_code == 200
    assert consents(ann) == {"greeting": True, "marketing": True}


def test_after_stop_nothing_planned_goes_out_but_codes(app: Flask, twilio: TwilioServer) -> None:
    ann = agreed(1)
    messages = [planned(ann), planned(ann, "sale", {}), planned(ann, "expiry", sending.LAPSING)]
    said(app, 1, "STOP")
    sending.code(1)
    send()
    assert ["012345" in one.body for one in twilio.taken] == [True]
    assert [row(one).status for one in messages] == ["cancelled"] * 3


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", ["START", "unstop", "开通", "ＳＴＡＲＴ"])
def test_start_gives_back_what_stop_took_and_no_more(
    app: Flask, twilio: TwilioServer, frozen_clock: FrozenClock, text: str
) -> None:
    ann, ben = agreed(1), agreed(2, consents=())
    for number in (1, 2):
        said(app, number, "STOP")
        said(app, number, "STOP")
    frozen_clock.move(timedelta(minutes=1))
    assert consents(ben) == {"service": False, "greeting": False, "marketing": False}
    for number in (1, 2):
        said(app, number, text)
    assert consents(ann) == {"service": True, "greeting": True, "marketing": True}
    assert consents(ben) == {"service": True, "greeting": False, "marketing": False}


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_a_phone_that_is_nobodys_is_answered_alike(app: Flask, twilio: TwilioServer) -> None:
    ann = agreed(1)
    known, unknown = said(app, 1, "STOP"), said(app, 2, "STOP")
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert dict(known.headers).keys() == dict(unknown.headers).keys()
    assert said(app, 1, "hello", OptOutType="STOP").status_code == 200
    assert not any(consents(ann).values())


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_the_proof_of_a_withdrawal_says_where_it_came_from(app: Flask, twilio: TwilioServer) -> None:
    ann = agreed(1)
    said(app, 1, "TD")
    found = in_transaction(lambda connection: member_store.consents_of(connection, ann))
    assert {one.proof for one in found} == {"inbound STOP, open before"}
    assert {one.at for one in found} == {clock.now()}
