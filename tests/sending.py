"""A shop whose members are sent texts by a local Twilio: what tests of sending begin with."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.channels.sms_twilio import TwilioSms
from loyalty_engine.config import Settings, SmsSettings
from loyalty_engine.services.circuit import Breaker, Bucket
from loyalty_engine.services.dispatch import send_due
from loyalty_engine.services.gateways import Gateway
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.messages import Wanted, plan_code, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import messages as store
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import messages as table
from tests.gateways.twilio_server import ACCOUNT, PUBLIC_URL, TOKEN, Deliver, TwilioServer, serving
from tests.ledger import TEA_CLUB, enrol

TELLING = (
    TEA_CLUB
    + """\
messages:
  quiet_hours: {from: "20:00", to: "10:00"}
  at: "10:30"
  signature: {zh: 【茶】}
  expiry_notices: {days_before: [7], at_least: 1, template: expiry}
  templates:
    - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} {wallet}.", zh: "{salutation}，生日快乐！"}
    - {id: anniversary, purpose: greeting, en: "{years} years with us, {salutation}.", zh: "{salutation}，相伴{years}年。"}
    - {id: sale, purpose: marketing, en: "A sale, {salutation}!", zh: "{salutation}，大促销！"}
    - {id: expiry, purpose: service, en: "{points} {wallet} lapse on {expires_on}.", zh: "您有{points}{wallet}将于{expires_on}到期。"}
"""
)
BIRTHDAY = {"points": 50, "wallet": "leaves"}
LAPSING = {"points": 50, "wallet": "leaves", "expires_on": "2026-11-30"}
WORKER = "worker-of-tests"


def phone(number: int) -> str:
    """Return one of many Chinese mobile numbers."""
    return f"+86138{number:08}"


def agreed(number: int, **more: Any) -> str:
    """Enrol a member who wants greetings and marketing by text; return the id."""
    consents = tuple(GivenConsent("sms", one, True, clock.now(), "form") for one in ("greeting", "marketing"))
    told = {"phone": phone(number), "name": "Ann Lee", "language": "en", "consents": consents}
    return enrol(**told | more)


def planned(member_id: str, template: str = "birthday", places: Mapping[str, Any] = BIRTHDAY, **more: Any) -> Message:
    """Plan a message for a member; return its row."""
    cause = more.pop("cause", template)
    wanted = Wanted(member_id, template, "occasion", cause, places, **more)

    def work(connection: sa.Connection) -> None:
        plan_messages(connection, plan_for(connection, clock.now()), [wanted], clock.now())

    in_transaction(work)
    return next(row for row in rows(member_id) if row.cause_id == cause)


def code(number: int, cause: str = "c-1", text: str = "012345") -> None:
    """Plan a one-time code to a phone that nobody has."""

    def work(connection: sa.Connection) -> None:
        programme = plan_for(connection, clock.now()).programme
        plan_code(
            connection, programme, phone=phone(number), member_id=None, language="en", code=text, minutes=5,
            cause_id=cause, now=clock.now(),
        )  # fmt: skip

    in_transaction(work)


def rows(member_id: str | None = None) -> list[Message]:
    """Return the messages, of one member or of all, as they are stored."""

    def look(connection: sa.Connection) -> list[Message]:
        query = sa.select(*store.COLUMNS).order_by(table.c.planned_at, table.c.message_id)
        if member_id is not None:
            query = query.where(table.c.member_id == member_id)
        return [Message(*row) for row in connection.execute(query)]

    return in_transaction(look)


def row(message: Message) -> Message:
    """Return a message as it is now."""
    return next(one for one in rows(message.member_id) if one.message_id == message.message_id)


def settings(url: str, **more: Any) -> SmsSettings:
    """Return the settings of a deployment that texts by the local server."""
    return SmsSettings(
        **{"gateway": "twilio", "account": ACCOUNT, "token": TOKEN, "sender": "+15005550006", "url": url} | more
    )


def gateway(url: str, **more: Any) -> Gateway:
    """Return the gateway of the local server, which may be asked as often as one likes."""
    given: dict[str, Any] = {"breaker": Breaker(failures=10_000), "bucket": Bucket(0)}
    return Gateway("sms", TwilioSms(settings(url), PUBLIC_URL, 48), **given | more)


def to(app: Flask) -> Deliver:
    """Return what sends call-backs to the application."""

    def deliver(url: str, form: dict[str, str], signature: str) -> None:
        said = app.test_client().post(urlsplit(url).path, data=form, headers={"X-Twilio-Signature": signature})
        if said.status_code != 204:
            sys.stderr.write(f"{said.status_code} {said.text}\n")

    return deliver


@contextmanager
def texting(app: Flask, **more: Any) -> Iterator[TwilioServer]:
    """Let the application text by a local Twilio while the block runs."""
    known: Settings = app.extensions["loyalty_settings"]
    with serving(TwilioServer(deliver=to(app))) as server:
        app.extensions["loyalty_settings"] = replace(known, public_url=PUBLIC_URL, sms=settings(server.url))
        app.extensions["loyalty_gateways"] = {"sms": gateway(server.url, **more)}
        try:
            yield server
        finally:
            app.extensions["loyalty_settings"] = known
            del app.extensions["loyalty_gateways"]


def send() -> int:
    """Send until nothing is due; return how many messages were taken up."""
    taken = 0
    while more := send_due(WORKER, 500):
        taken += more
    return taken
