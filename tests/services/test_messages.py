"""What members are told is planned with its cause: once, over a channel that they allow, when they want to be told."""

from datetime import timedelta
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.message_texts import Composed, composed
from loyalty_engine.services.messages import Wanted, plan_code, plan_messages
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import messages as store
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import messages as table
from tests.conftest import FrozenClock
from tests.ledger import TEA_CLUB, enrol, open_shop

TELLING = TEA_CLUB + dedent("""\
    messages:
      quiet_hours: {from: "20:00", to: "10:00"}
      at: "10:30"
      signature: {zh: 【茶】}
      templates:
        - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} {wallet} wait for you.", zh: "{salutation}，生日快乐！送您{points}{wallet}。"}
        - {id: sale, purpose: marketing, en: "A sale, {salutation}!", zh: "{salutation}，大促销！"}
        - {id: expiry, purpose: service, en: "{points} {wallet} lapse on {expires_on}.", zh: "您有{points}{wallet}将于{expires_on}到期。"}
    """)
BIRTHDAY = {"points": 50, "wallet": "leaves"}


def agreed(*purposes: str, channel: str = "sms", given: bool = True) -> tuple[GivenConsent, ...]:
    return tuple(GivenConsent(channel, purpose, given, clock.now() - timedelta(days=1), "form") for purpose in purposes)


def plan(*wanted: Wanted) -> int:
    return in_transaction(
        lambda connection: plan_messages(connection, plan_for(connection, clock.now()), wanted, clock.now())
    )


def rows() -> list[Message]:
    def look(connection: sa.Connection) -> list[Message]:
        query = sa.select(*store.COLUMNS).order_by(table.c.send_at, table.c.message_id)
        return [Message(*row) for row in connection.execute(query)]

    return in_transaction(look)


def compose(*chosen: Message) -> Any:
    return in_transaction(lambda connection: composed(connection, chosen, clock.now()))


@pytest.fixture
def shop(app: Flask, frozen_clock: FrozenClock) -> FrozenClock:
    open_shop(TELLING, members=0)
    return frozen_clock


def test_a_greeting_is_planned_once_and_says_who_when_and_what(shop: FrozenClock) -> None:
    anna = enrol(phone="+8613800138000", name="Anna Smith", language="en", consents=agreed("greeting"))
    wanted = Wanted(anna, "birthday", "occasion", "birthday/2026", BIRTHDAY)
    assert (plan(wanted), plan(wanted, wanted)) == (1, 0)
    (row,) = rows()
    assert (row.status, row.channel, row.purpose, row.send_at) == ("planned", "sms", "greeting", clock.now())
    said = compose(row)
    assert isinstance(said, Composed)
    assert (said.to, said.text) == ("+8613800138000", "Happy birthday, Anna! 50 Leaves wait for you.")
    assert said.says == (row.message_id,)


def test_a_code_goes_to_a_phone_that_nobody_has(shop: FrozenClock) -> None:
    def ask(connection: sa.Connection) -> None:
        programme = plan_for(connection, clock.now()).programme
        said = {"phone": "+8613800138001", "member_id": None, "language": "zh", "code": "012345", "minutes": 5}
        plan_code(connection, programme, **said, cause_id="c-1", now=clock.now())  # type: ignore[arg-type]

    in_transaction(ask)
    (row,) = rows()
    assert (row.purpose, row.status, row.to_address) == ("code", "planned", "+8613800138001")
    assert compose(row).text == "【茶】验证码012345，5分钟内有效。请勿告知他人。"
