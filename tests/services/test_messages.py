"""What members are told is planned with its cause: once, over a channel that they allow, when they want to be told."""

from datetime import date, datetime, timedelta
from textwrap import dedent
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import member_changes, merging, message_stopping
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.message_texts import Composed, Unsendable, composed
from loyalty_engine.services.messages import Wanted, plan_code, plan_messages, plan_phone_changed
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import members
from loyalty_engine.store import messages as store
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import db, in_transaction
from loyalty_engine.store.tables import limit_uses
from loyalty_engine.store.tables import messages as table
from tests.builders import ADMIN, done, publish
from tests.conftest import FrozenClock
from tests.ledger import TEA_CLUB, enrol, open_shop

TELLING = TEA_CLUB + dedent("""\
    messages:
      quiet_hours: {from: "20:00", to: "10:00"}
      at: "10:30"
      signature: {zh: 【茶】}
      cost: {sms: "0.045"}
      limit: {greeting: {per: day, times: 1}, marketing: {per: week, times: 2}}
      expiry_notices: {days_before: [30, 7], at_least: 10, template: expiry}
      templates:
        - {id: birthday, purpose: greeting, en: "Happy birthday, {salutation}! {points} {wallet} wait for you.", zh: "{salutation}，生日快乐！送您{points}{wallet}。"}
        - {id: qixi, purpose: greeting, en: "Happy Qixi, {salutation}!", zh: "{salutation}，七夕快乐！"}
        - {id: letter, purpose: marketing, channels: [email, sms], subject: {en: News, zh: 新闻}, en: "News for {salutation}.", zh: "给{salutation}的新闻。"}
        - {id: long, purpose: greeting, en: "Dear {salutation}, happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy happy days!"}
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


def statuses() -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in rows()]


def local(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def anna(**given: Any) -> str:
    """Enrol somebody who agrees to greetings and marketing by SMS, save for what is `given`."""
    said = {"phone": "+8613800138000", "name": "Anna Smith", "language": "en"}
    return enrol(**{**said, "consents": agreed("greeting", "marketing"), **given})


def change_member(member_id: str, **columns: Any) -> None:
    in_transaction(lambda connection: members.change_member(connection, member_id, columns))


def greet(member_id: str, cause: str = "1", template: str = "qixi", **more: Any) -> int:
    return plan(Wanted(member_id, template, "occasion", cause, BIRTHDAY if template == "birthday" else {}, **more))


def compose(*chosen: Message) -> Any:
    return in_transaction(lambda connection: composed(connection, chosen, clock.now()))


@pytest.fixture
def shop(app: Flask, frozen_clock: FrozenClock) -> FrozenClock:
    open_shop(TELLING, members=0)
    return frozen_clock


def test_a_greeting_is_planned_once_and_says_who_when_and_what(shop: FrozenClock) -> None:
    wanted = Wanted(anna(), "birthday", "occasion", "birthday/2026", BIRTHDAY)
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


# Whether


@pytest.mark.parametrize(
    ("template", "given", "found"),
    [
        ("qixi", {}, ("sms", "planned", None)),
        ("qixi", {"phone": None}, ("sms", "suppressed", "no_address")),
        ("qixi", {"consents": ()}, ("sms", "suppressed", "no_consent")),
        ("qixi", {"email": "anna@example.com", "consents": "email"}, ("email", "planned", None)),
        ("letter", {"email": "anna@example.com"}, ("sms", "planned", None)),
        ("expiry", {"consents": ()}, ("sms", "planned", None)),
        ("expiry", {"consents": "refused"}, ("sms", "suppressed", "no_consent")),
    ],
)
def test_who_can_not_be_told_is_not_told_and_it_says_why(
    shop: FrozenClock, template: str, given: dict[str, Any], found: tuple[str, str, str | None]
) -> None:
    said = {"email": agreed("greeting", channel="email"), "refused": agreed("service", given=False)}
    given = {**given, **({"consents": said[given["consents"]]} if given.get("consents") in said else {})}
    member = anna(**given)
    places = {"points": 20, "wallet": "leaves", "expires_on": "2026-12-31"} if template == "expiry" else {}
    assert plan(Wanted(member, template, "occasion", "1", places)) == 1
    (row,) = rows()
    assert (row.channel, row.status, row.reason) == found


def test_a_place_without_a_value_is_never_sent_as_a_hole(shop: FrozenClock) -> None:
    plan(Wanted(anna(), "birthday", "occasion", "1", {"points": 5}))
    assert statuses() == [("suppressed", "place_missing")]


def test_thousands_are_planned_as_each_would_be_alone(shop: FrozenClock) -> None:
    some = [anna(), anna(phone="+8613800138001", consents=()), anna(phone=None)]
    wanted = [Wanted(one, "qixi", "occasion", f"{n}", {}) for n, one in enumerate(some)]
    assert plan(*wanted, *wanted) == 3
    together = sorted(zip([row.member_id for row in rows()], statuses(), strict=True))
    assert plan(*wanted) == 0
    assert together == sorted(
        zip(some, [("planned", None), ("suppressed", "no_consent"), ("suppressed", "no_address")], strict=True)
    )


# When


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ("2026-11-22T00:05", "2026-11-22T10:30"),
        ("2026-11-22T19:59", "2026-11-22T19:59"),
        ("2026-11-22T20:00", "2026-11-23T10:30"),
    ],
)
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_a_greeting_is_sent_by_the_members_own_clock(shop: FrozenClock, zone: str | None, now: str, sent: str) -> None:
    member = anna()
    change_member(member, time_zone=zone)
    shop.set(local(now, zone or "Asia/Shanghai"))
    greet(member)
    assert rows()[0].send_at == local(sent, zone or "Asia/Shanghai")


def test_an_occasion_is_not_told_of_before_the_members_own_day(shop: FrozenClock) -> None:
    member = anna()
    change_member(member, time_zone="America/New_York")
    shop.set(local("2026-11-22T00:05"))
    greet(member, on=date(2026, 11, 22))
    assert rows()[0].send_at == local("2026-11-22T10:30", "America/New_York")


@pytest.mark.parametrize(
    ("template", "sent"), [("qixi", "2026-11-23T10:00"), ("sale", "2026-11-23T10:00"), ("expiry", "2026-11-22T23:00")]
)
def test_what_is_told_at_once_keeps_the_quiet_hours_unless_it_is_service(
    shop: FrozenClock, template: str, sent: str
) -> None:
    shop.set(local("2026-11-22T23:00"))
    places = {"points": 20, "wallet": "leaves", "expires_on": "2026-12-31"}
    plan(Wanted(anna(), template, "occasion", "1", places, at_once=True))
    assert rows()[0].send_at == local(sent)


@pytest.mark.parametrize(("end", "found"), [("T10:29", "too_late"), ("T10:30", None), ("T10:31", None)])
def test_what_would_come_too_late_is_not_sent(shop: FrozenClock, end: str, found: str | None) -> None:
    shop.set(local("2026-11-22T21:00"))
    greet(anna(), send_by=local(f"2026-11-23{end}"))
    assert rows()[0].reason == found


# How often


def test_what_falls_together_is_one_text_and_counts_once(shop: FrozenClock) -> None:
    shop.set(local("2026-11-22T00:05"))
    member = anna()
    greet(member, "birthday/2026", "birthday")
    greet(member, "qixi/2026")
    found = rows()
    assert {row.send_at for row in found} == {local("2026-11-22T10:30")}
    shop.set(local("2026-11-22T10:30"))
    said = compose(*found)
    assert said.text == "Happy birthday, Anna! 50 Leaves wait for you. Happy Qixi, Anna!"
    assert said.says == tuple(row.message_id for row in found)
    assert uses() == [("message:greeting", 1)]


def uses() -> list[tuple[str, int]]:
    query = sa.select(limit_uses.c.limit_id, limit_uses.c.used).order_by(limit_uses.c.period_start)
    return in_transaction(lambda connection: [tuple(row) for row in connection.execute(query)])


def test_what_is_too_much_for_a_day_waits_for_the_next(shop: FrozenClock) -> None:
    shop.set(local("2026-11-22T00:05"))
    member = anna()
    greet(member, "1", "long")
    greet(member, "2", "birthday")
    assert [(row.template, row.send_at) for row in rows()] == [
        ("long", local("2026-11-22T10:30")),
        ("birthday", local("2026-11-23T10:30")),
    ]
    assert uses() == [("message:greeting", 1), ("message:greeting", 1)]


@pytest.mark.parametrize(
    ("end", "found"),
    [("2026-11-23T10:29", ("suppressed", "limit")), ("2026-11-23T10:30", ("planned", None))],
)
def test_what_can_not_wait_so_long_is_not_sent(shop: FrozenClock, end: str, found: tuple[str, str | None]) -> None:
    shop.set(local("2026-11-22T00:05"))
    member = anna()
    greet(member, "1", "long")
    greet(member, "2", "birthday", send_by=local(end))
    assert found in [(row.status, row.reason) for row in rows() if row.template == "birthday"]


def test_a_week_is_the_members_own(shop: FrozenClock) -> None:
    """It is Monday in Shanghai and Sunday still in New York: two texts of last week leave no room there."""
    member = anna()
    change_member(member, time_zone="America/New_York")
    for day in ("2026-11-20T12:00", "2026-11-21T12:00", "2026-11-22T12:00"):
        shop.set(local(day, "America/New_York"))
        plan(Wanted(member, "sale", "campaign", day))
    assert [row.send_at for row in rows()] == [
        local("2026-11-20T12:00", "America/New_York"),
        local("2026-11-21T12:00", "America/New_York"),
        local("2026-11-23T10:30", "America/New_York"),
    ]


# What


@pytest.mark.parametrize(
    ("language", "name", "attributes", "text"),
    [
        ("en", "Anna Smith", {}, "A sale, Anna! Reply STOP to opt out"),
        ("zh", "王芳", {"gender": "female"}, "【茶】王女士，大促销！拒收请回复R"),
        ("zh", None, {}, "【茶】您，大促销！拒收请回复R"),
        ("fr", None, {}, "A sale, there! Reply STOP to opt out"),
    ],
)
def test_a_text_is_in_the_members_language_by_how_the_member_is_called_when_it_is_sent(
    shop: FrozenClock, language: str, name: str | None, attributes: dict[str, str], text: str
) -> None:
    plan(Wanted(anna(language=language, name=name, attributes=attributes), "sale", "campaign", "1"))
    assert compose(*rows()).text == text


def test_an_e_mail_has_a_subject_and_no_segments(shop: FrozenClock) -> None:
    anna_by_mail = anna(email="anna@example.com", consents=agreed("marketing", channel="email"))
    plan(Wanted(anna_by_mail, "letter", "campaign", "1"))
    said = compose(*rows())
    assert (said.to, said.subject, said.text, said.segments) == ("anna@example.com", "News", "News for Anna.", 0)


def test_late_notices_that_say_the_same_say_it_once(shop: FrozenClock) -> None:
    member = anna()
    places = {"points": 20, "wallet": "leaves", "expires_on": "2026-12-31"}
    plan(*(Wanted(member, "expiry", "notice", f"leaves:2026-12-31:{days}", places) for days in (30, 7)))
    said = compose(*rows())
    assert said.text == "20 Leaves lapse on 31 December 2026."
    assert len(said.says) == 2


def test_what_is_written_is_the_template_of_now(shop: FrozenClock) -> None:
    greet(anna())
    publish(TELLING.replace("Happy Qixi, {salutation}!", "Happy Double Seventh, {salutation}!"))
    assert compose(*rows()).text == "Happy Double Seventh, Anna!"


def test_a_template_that_is_gone_speaks_as_it_did_when_the_message_was_planned(shop: FrozenClock) -> None:
    greet(anna())
    publish(TEA_CLUB)
    assert compose(*rows()).text.endswith("Happy Qixi, Anna!")


def test_two_long_ones_are_two_texts_and_one_too_long_is_none(shop: FrozenClock) -> None:
    member = anna()
    greet(member, "1", "long")
    greet(member, "2", "birthday")
    first, second = rows()
    assert compose(first, second).says == (first.message_id,)
    change_member_name(member, "Wilhelmina-Charlotte-Eva")
    assert compose(first) == Unsendable("too_long")


def change_member_name(member_id: str, name: str) -> None:
    in_transaction(lambda connection: members.change_profile(connection, member_id, {"name": name}))


# Looked at once more when it is sent


def test_a_number_that_gets_no_texts_is_not_sent_to(shop: FrozenClock) -> None:
    greet(anna(phone="+862162345678"))
    assert compose(*rows()) == Unsendable("no_sms")


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ("2026-11-22T19:59", None),
        ("2026-11-22T20:00", Unsendable("quiet", local("2026-11-23T10:00"))),
        ("2026-11-23T10:00", None),
        ("2026-11-23T12:00", None),
        ("2026-11-23T12:01", Unsendable("too_late")),
    ],
)
def test_a_worker_that_was_down_wakes_nobody_and_is_not_too_late(
    shop: FrozenClock, now: str, found: Unsendable | None
) -> None:
    greet(anna(), send_by=local("2026-11-23T12:00"))
    shop.set(local(now))
    said = compose(*rows())
    assert isinstance(said, Composed) if found is None else said == found


@pytest.mark.parametrize("found", ["no_consent", "no_address", "paused"])
def test_what_has_changed_since_it_was_planned_counts(shop: FrozenClock, found: str) -> None:
    member = anna()
    greet(member)
    (row,) = rows()
    match found:
        case "no_consent":
            store_consent(member)
        case "no_address":
            in_transaction(lambda connection: members.change_profile(connection, member, {"phone": None}))
        case _:
            message_stopping.pause(ADMIN, "qixi", "a wrong word")
    assert compose(row) == Unsendable(found)


def store_consent(member_id: str) -> None:
    said = members.Consent("sms", "greeting", False, clock.now(), "the member's word")
    in_transaction(lambda connection: members.put_consent(connection, member_id, said))


# Stopped


def test_taking_a_consent_back_cancels_what_it_was_for_and_no_more(shop: FrozenClock) -> None:
    member = anna()
    greet(member)
    plan(Wanted(member, "sale", "campaign", "1"))
    member_changes.put_consent(ADMIN, member, GivenConsent("sms", "greeting", False, clock.now(), "said so"))
    assert [(row.template, row.status, row.reason) for row in rows()] == [
        ("qixi", "cancelled", "withdrawn"),
        ("sale", "planned", None),
    ]


def test_a_paused_template_waits_and_goes_on(shop: FrozenClock) -> None:
    member = anna()
    greet(member, "1")
    assert message_stopping.pause(ADMIN, "qixi", "a wrong word")[1] == 1
    plan(Wanted(member, "qixi", "campaign", "2"), Wanted(member, "sale", "campaign", "3"))
    assert sorted(statuses()) == [("held", "paused"), ("held", "paused"), ("planned", None)]
    assert message_stopping.resume(ADMIN, "qixi") == 2
    assert statuses() == [("planned", None)] * 3


def test_everything_can_be_paused_and_what_is_paused_by_itself_stays_so(shop: FrozenClock) -> None:
    member = anna()
    greet(member)
    plan(Wanted(member, "sale", "campaign", "1"))
    message_stopping.pause(ADMIN, "everything", "the gateway is on fire")
    message_stopping.pause(ADMIN, "sale", "a wrong price")
    assert message_stopping.resume(ADMIN, "everything") == 1
    assert [(row.template, row.status) for row in rows()] == [("qixi", "planned"), ("sale", "held")]


def test_what_was_held_by_a_pause_that_nobody_ended_for_it_is_freed_or_over(shop: FrozenClock) -> None:
    member = anna()
    greet(member, "1")
    greet(member, "2", send_by=clock.now() + timedelta(minutes=1))
    in_transaction(lambda connection: connection.execute(table.update().values(status="held", reason="paused")))
    shop.move(timedelta(minutes=2))
    assert message_stopping.release_unpaused(clock.now(), 100) == 2
    assert sorted(statuses()) == [("expired", "too_late"), ("planned", None)]
    assert message_stopping.release_unpaused(clock.now(), 100) == 0


@pytest.mark.parametrize("what", ["qixi", "everything"])
def test_what_stays_held_is_looked_for_without_keeping_others_from_writing(
    shop: FrozenClock, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    greet(anna(), send_by=clock.now() + timedelta(minutes=1))
    message_stopping.pause(ADMIN, what, "a wrong word")
    with monkeypatch.context() as patched:
        patched.delattr(message_stopping, "in_transaction")
        assert message_stopping.release_unpaused(clock.now(), 100) == 0
    shop.move(timedelta(minutes=2))
    assert message_stopping.release_unpaused(clock.now(), 100) == 1
    assert statuses() == [("expired", "too_late")]


def test_a_merged_members_messages_are_the_other_ones(shop: FrozenClock) -> None:
    old, into = anna(), anna(phone="+8613800138001", name="Anna S.")
    greet(old)
    done(merging.merge_in, ADMIN, old, into, "twice the same")
    found = [(row.member_id, row.status, row.reason) for row in rows()]
    assert sorted(found) == sorted([(old, "cancelled", "member_merged"), (into, "planned", None)])


def test_news_of_a_changed_phone_still_go_to_the_old_one_after_a_merge(shop: FrozenClock) -> None:
    old, into = anna(), anna(phone="+8613800138001", name="Anna S.")
    with db.engine.begin() as connection:
        programme = plan_for(connection, clock.now()).programme
        plan_phone_changed(connection, programme, phone="+8613800138009", member_id=old, language="en", now=clock.now())
        plan_code(
            connection, programme, phone="+8613800138009", code="123456", minutes=5, language="en",
            now=clock.now(), cause_id="c1", member_id=old,
        )  # fmt: skip
    done(merging.merge_in, ADMIN, old, into, "twice the same")
    found = {(row.member_id, row.cause_kind, row.status, row.to_address) for row in rows()}
    assert found == {
        (old, "phone_change", "cancelled", None),
        (old, "code", "cancelled", None),
        (into, "phone_change", "planned", "+8613800138009"),
    }


def _merged_while_on_its_way() -> tuple[str, Message]:
    old, into = anna(), anna(phone="+8613800138001", name="Bea S.")
    greet(old)
    in_transaction(lambda connection: connection.execute(table.update().values(status="sending")))
    done(merging.merge_in, ADMIN, old, into, "twice the same")
    (on_its_way,) = rows()
    return into, on_its_way


def test_what_is_on_its_way_during_a_merge_is_the_other_ones_too(shop: FrozenClock) -> None:
    _, on_its_way = _merged_while_on_its_way()
    found = compose(on_its_way)
    assert isinstance(found, Composed)
    assert (found.to, "Bea" in found.text) == ("+8613800138001", True)


def test_what_is_on_its_way_during_a_merge_asks_the_other_ones_consent(shop: FrozenClock) -> None:
    into, on_its_way = _merged_while_on_its_way()
    member_changes.put_consent(ADMIN, into, GivenConsent("sms", "greeting", False, clock.now(), "asked"))
    assert compose(on_its_way) == Unsendable("no_consent")
