"""What of a member changes, by whom, and what becomes of cards."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine.services import audit_log, cards, enrolment, member_changes, members
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.store.ids import new_id
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.facts import Birthday
from tests.builders import STAFF, done, publish
from tests.conftest import NOON, FrozenClock

PHONE, OTHER_PHONE = "+8613800138000", "+8613900139000"


@pytest.fixture(autouse=True)
def _a_programme(app: Flask, frozen_clock: FrozenClock) -> None:
    publish()


def enrolled(**details: Any) -> str:
    told = json.loads(done(enrolment.enrol_in, STAFF, NewMember(**details)).body)
    return str(told["member_id"])


def card_of(member_id: str) -> str:
    return members.find(member_id).cards[-1].number


def test_only_what_is_named_changes() -> None:
    member_id = enrolled(name="Anna", email="anna@example.com", segments=frozenset({"vip"}))
    changed = member_changes.change(STAFF, member_id, Changes(name="Anne", time_zone="Europe/Paris", language="zh"))
    assert (changed.name, changed.email, changed.segments) == ("Anne", "anna@example.com", ("vip",))
    assert (changed.time_zone, changed.language) == ("Europe/Paris", "zh")
    emptied = member_changes.change(STAFF, member_id, Changes(email=None, segments=frozenset(), attributes={"a": "b"}))
    assert (emptied.name, emptied.email, emptied.segments, emptied.attributes) == ("Anne", None, (), {"a": "b"})


def test_the_audit_log_says_which_fields_changed_and_not_to_what() -> None:
    member_id = enrolled()
    member_changes.change(STAFF, member_id, Changes(name="Anne", phone=PHONE))
    entry = audit_log.entries()[0][0]
    assert (entry.action, entry.actor, entry.target) == ("member.change", str(STAFF), member_id)
    assert json.loads(entry.detail) == {"fields": ["name", "phone"]}


def test_a_new_phone_finds_the_member_and_the_old_one_is_free() -> None:
    member_id = enrolled(phone=PHONE)
    member_changes.change(STAFF, member_id, Changes(phone="139 0013 9000"))
    assert members.look_up(MemberReference(phone=OTHER_PHONE)).member_id == member_id
    with pytest.raises(NotFound):
        members.look_up(MemberReference(phone=PHONE))
    assert enrolled(phone=PHONE) != member_id
    member_changes.change(STAFF, member_id, Changes(phone=None))
    assert members.find(member_id).phone is None
    with pytest.raises(NotFound):
        members.look_up(MemberReference(phone=OTHER_PHONE))


def test_another_members_phone_can_not_be_taken() -> None:
    enrolled(phone=PHONE)
    member_id = enrolled(phone=OTHER_PHONE)
    with pytest.raises(Conflict) as refused:
        member_changes.change(STAFF, member_id, Changes(phone=PHONE, name="Anne"))
    assert refused.value.code == "phone_taken"
    assert members.find(member_id).name is None
    assert member_changes.change(STAFF, member_id, Changes(phone=OTHER_PHONE)).phone == OTHER_PHONE


def test_a_wrong_change_names_its_fields() -> None:
    changes = Changes(name="", email="x", phone="1", language="L", time_zone="Mars", segments=frozenset({" "}))
    with pytest.raises(Invalid) as refused:
        member_changes.change(STAFF, enrolled(), changes)
    assert set(refused.value.errors) == {"name", "email", "phone", "language", "time_zone", "segments"}


@pytest.mark.parametrize("member_id", [new_id(), "nobody"], ids=["unknown", "malformed"])
def test_nobody_can_not_be_changed(member_id: str) -> None:
    for act in (
        lambda: member_changes.change(STAFF, member_id, Changes(name="Anne")),
        lambda: member_changes.change(STAFF, member_id, Changes(birthday=Birthday(5, 17))),
        lambda: member_changes.put_consent(STAFF, member_id, said("call", True)),
        lambda: done(member_changes.suspend_in, STAFF, member_id, "theft"),
        lambda: members.find(member_id),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_birthday_is_set_once_by_anybody() -> None:
    member_id = enrolled()
    himself = Actor("m", "member", member_id=member_id)
    member = member_changes.change(himself, member_id, Changes(birthday=Birthday(5, 17)))
    assert (member.birthday, member.birthday_locked_until) == (Birthday(5, 17), None)
    assert member_changes.change(himself, member_id, Changes(birthday=Birthday(5, 17))).birthday_locked_until is None
    with pytest.raises(Forbidden):
        member_changes.change(himself, member_id, Changes(birthday=Birthday(5, 18)))


def test_staff_change_a_birthday_with_a_reason_and_lock_it_for_eleven_months() -> None:
    member_id = enrolled(birthday=Birthday(5, 17))
    for reason in (None, "", " "):
        with pytest.raises(Invalid):
            member_changes.change(STAFF, member_id, Changes(birthday=Birthday(5, 18)), reason)
    member = member_changes.change(STAFF, member_id, Changes(birthday=Birthday(5, 18)), "read from the passport")
    assert (member.birthday, member.birthday_locked_until) == (Birthday(5, 18), date(2027, 10, 22))
    entry = audit_log.entries()[0][0]
    assert (entry.action, json.loads(entry.detail)) == ("member.set_birthday", {"reason": "read from the passport"})


def said(proof: str, given: bool, days_ago: int = 0) -> GivenConsent:
    return GivenConsent("sms", "marketing", given, NOON - timedelta(days=days_ago), proof)


def test_what_a_member_said_last_about_messages_counts() -> None:
    member_id = enrolled(consents=(said("call 1", True, days_ago=2),))
    (consent,) = member_changes.put_consent(STAFF, member_id, said("call 2", False, days_ago=1)).consents
    assert (consent.given, consent.at, consent.proof) == (False, NOON - timedelta(days=1), "call 2")
    (late,) = member_changes.put_consent(STAFF, member_id, said("a form from last week", True, days_ago=7)).consents
    assert late == consent
    (same_moment,) = member_changes.put_consent(STAFF, member_id, said("call 3", True, days_ago=1)).consents
    assert same_moment.given
    entries = [json.loads(entry.detail) for entry in audit_log.entries()[0] if entry.action == "member.consent"]
    assert entries == [{"sms marketing": True}, {"sms marketing": False}], "what changed nothing is not told"


def test_nobody_agrees_in_the_future() -> None:
    member_id = enrolled()
    skewed = GivenConsent("sms", "marketing", True, NOON + timedelta(minutes=5), "a till with a fast clock")
    assert member_changes.put_consent(STAFF, member_id, skewed).consents
    with pytest.raises(Invalid) as refused:
        member_changes.put_consent(STAFF, member_id, replace(skewed, at=NOON + timedelta(minutes=5, seconds=1)))
    assert list(refused.value.errors) == ["at"]


def test_a_member_is_suspended_and_resumed_with_a_reason() -> None:
    member_id = enrolled()
    assert done(member_changes.suspend_in, STAFF, member_id, "a stolen card").status == "suspended"
    assert members.look_up(MemberReference(member_id=member_id)).status == "suspended"
    assert done(member_changes.suspend_in, STAFF, member_id, "again").status == "suspended"
    assert done(member_changes.resume_in, STAFF, member_id, "cleared up").status == "active"
    told = [(entry.action, json.loads(entry.detail)) for entry in audit_log.entries()[0]]
    assert told[:2] == [
        ("member.resume", {"reason": "cleared up"}),
        ("member.suspend", {"reason": "a stolen card"}),
    ]
    with pytest.raises(Invalid):
        done(member_changes.suspend_in, STAFF, member_id, "")


def test_a_blocked_card_finds_nobody() -> None:
    member_id = enrolled()
    number = card_of(member_id)
    assert done(cards.block_in, STAFF, number, "lost").status == "blocked"
    assert done(cards.block_in, STAFF, number, "lost").status == "blocked"
    with pytest.raises(Conflict) as refused:
        members.look_up(MemberReference(card=number))
    assert refused.value.code == "blocked_card"
    assert members.look_up(MemberReference(member_id=member_id)).card is None


@pytest.mark.parametrize("before", [lambda number: None, lambda number: done(cards.block_in, STAFF, number, "lost")])
def test_a_replaced_card_points_to_the_new_one(before: Callable[[str], object]) -> None:
    member_id = enrolled()
    number = card_of(member_id)
    before(number)
    new = done(cards.replace_in, STAFF, number, "lost")
    assert (new.status, new.member_id) == ("active", member_id)
    old = next(card for card in members.find(member_id).cards if card.number == number)
    assert (old.status, old.replaced_by, old.changed_at) == ("replaced", new.number, NOON)
    assert members.look_up(MemberReference(card=new.number)).member_id == member_id
    with pytest.raises(Conflict) as refused:
        members.look_up(MemberReference(card=number))
    assert refused.value.code == "replaced_card"
    for act in (
        lambda: done(cards.replace_in, STAFF, number, "again"),
        lambda: done(cards.block_in, STAFF, number, "again"),
    ):
        with pytest.raises(Conflict):
            act()


def test_a_card_is_replaced_by_one_that_nobody_has() -> None:
    number, other = card_of(enrolled()), card_of(enrolled())
    with pytest.raises(Conflict) as refused:
        done(cards.replace_in, STAFF, number, "lost", other)
    assert refused.value.code == "card_taken"
    assert done(cards.replace_in, STAFF, number, "lost", "8412-3456-7890").number == "841234567890"


def test_a_card_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        done(cards.block_in, STAFF, "6300000000000017", "lost")
    with pytest.raises(Invalid):
        done(cards.block_in, STAFF, "1", "")
