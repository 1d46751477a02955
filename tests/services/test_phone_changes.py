"""A changed phone holds points and rewards for a day: for tills, not for staff, and not a moment longer."""

from datetime import timedelta

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import (
    member_changes,
    merging,
    own_changes,
    redemptions,
    reward_redemptions,
    sessions,
    tokens,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.message_texts import Composed, composed
from loyalty_engine.store import members
from loyalty_engine.store.messages import Message
from loyalty_engine.store.session import in_transaction
from tests.builders import STAFF, TILL, done
from tests.conftest import FrozenClock
from tests.doors import HERE, KNOWN, UNKNOWN, ask, other, refused, sent
from tests.ledger import REWARDED, enrol, line, open_shop, post, redeem, said, sold
from tests.sending import rows, send, texting

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")


@pytest.fixture
def ann() -> str:
    """A member with a phone and 400 points, in a shop with rewards."""
    open_shop(REWARDED, 0)
    member_id = enrol(phone=KNOWN)
    post(sold("p1", member_id, line(amount=40_000)))
    return member_id


def reward(member_id: str, actor: Actor = TILL) -> object:
    return done(
        reward_redemptions.redeem, actor, RedemptionRequest(MemberReference(member_id=member_id), reward="five-off")
    )


@pytest.mark.parametrize("by", ["staff", "the member"])
def test_points_and_rewards_wait_a_day(ann: str, frozen_clock: FrozenClock, by: str) -> None:
    redeem(ann, 20)
    change_phone(ann, by)
    for later in (timedelta(), DAY - SECOND):
        frozen_clock.move(later)
        assert refused(redeem, ann, 20) == "phone_changed"
        assert refused(redeem, ann, 20, capture=False) == "phone_changed"
        assert refused(reward, ann) == "phone_changed"
    frozen_clock.move(SECOND)
    redeem(ann, 20)
    reward(ann)


def change_phone(member_id: str, by: str) -> None:
    if by == "staff":
        member_changes.change(STAFF, member_id, Changes(phone=UNKNOWN))
        return
    own_changes.ask_code(member_id, "phone_change", UNKNOWN, HERE)
    own_changes.change(Actor("phone", "member", member_id=member_id), Changes(phone=UNKNOWN), sent(UNKNOWN))


@sqlite
def test_staff_who_know_the_member_give_rewards_all_the_same(ann: str) -> None:
    change_phone(ann, "staff")
    reward(ann, STAFF)


@sqlite
def test_what_was_held_before_is_captured_all_the_same(ann: str) -> None:
    held = said(redeem(ann, 20, capture=False))["redemption_id"]
    change_phone(ann, "staff")
    done(redemptions.capture_in, TILL, held, None)


@sqlite
def test_other_changes_hold_nothing(ann: str) -> None:
    member_changes.change(STAFF, ann, Changes(name="Ann", phone=KNOWN, email="a@example.com"))
    redeem(ann, 20)


@sqlite
def test_another_phone_needs_the_code_that_it_was_sent(ann: str) -> None:
    me = Actor("phone", "member", member_id=ann)
    assert refused(own_changes.change, me, Changes(phone=UNKNOWN), None) == "invalid_fields"
    own_changes.ask_code(ann, "phone_change", UNKNOWN, HERE)
    code = sent(UNKNOWN)
    assert refused(own_changes.change, me, Changes(phone=UNKNOWN), other(code)) == "code_wrong"
    assert refused(sessions.open_session, UNKNOWN, code) == "code_wrong"
    bo = enrol()
    assert refused(own_changes.change, Actor("x", "member", member_id=bo), Changes(phone=UNKNOWN), code) == "code_wrong"
    assert own_changes.change(me, Changes(phone=UNKNOWN), code).phone == UNKNOWN
    assert refused(own_changes.change, me, Changes(phone=KNOWN), code) == "code_wrong"


@sqlite
def test_another_members_phone_gets_a_code_and_is_refused_only_with_it(ann: str) -> None:
    """Asking tells nothing; whoever holds the phone may know."""
    enrol(phone=UNKNOWN)
    own_changes.ask_code(ann, "phone_change", UNKNOWN, HERE)
    me = Actor("phone", "member", member_id=ann)
    assert refused(own_changes.change, me, Changes(phone=UNKNOWN), "000000") == "code_wrong"
    assert refused(own_changes.change, me, Changes(phone=UNKNOWN), sent(UNKNOWN)) == "phone_taken"


@sqlite
def test_a_member_who_changes_the_phone_stays_signed_in_here_and_nowhere_else(ann: str) -> None:
    here, there = sessions.open_session(KNOWN, ask()), sessions.open_session(KNOWN, ask())
    me = tokens.authenticate(here.text)
    assert me is not None
    own_changes.ask_code(ann, "phone_change", UNKNOWN, HERE)
    own_changes.change(me, Changes(phone=UNKNOWN), sent(UNKNOWN))
    assert tokens.authenticate(here.text) is not None
    assert tokens.authenticate(there.text) is None


def news() -> list[Message]:
    return [row for row in rows() if row.template == "phone-changed"]


@sqlite
@pytest.mark.parametrize("by", ["staff", "the member"])
def test_the_old_number_is_told_whoever_changed_it_and_whatever_was_agreed(ann: str, by: str) -> None:
    refusal = GivenConsent("sms", "service", False, clock.now(), "form")
    member_changes.put_consent(STAFF, ann, refusal)
    change_phone(ann, by)
    (row,) = news()
    assert (row.to_address, row.purpose, row.status, row.send_by) == (KNOWN, "code", "planned", clock.now() + DAY)
    text = in_transaction(lambda connection: composed(connection, [row], clock.now()))
    assert isinstance(text, Composed)
    assert text.to == KNOWN
    assert text.text == "Your account no longer uses this telephone number. Not you? Tell Tea Club at once."


@sqlite
def test_a_code_to_the_new_number_and_the_news_to_the_old_one_are_two_texts(ann: str) -> None:
    change_phone(ann, "the member")
    found = [row for row in rows() if row.purpose == "code"]
    assert {row.to_address for row in found} == {KNOWN, UNKNOWN}
    text = in_transaction(lambda connection: composed(connection, found, clock.now()))
    assert isinstance(text, Composed)
    assert (text.to, text.says) == (found[0].to_address, (found[0].message_id,))


@sqlite
def test_the_old_number_is_forgotten_once_it_is_told(app: Flask, ann: str) -> None:
    change_phone(ann, "staff")
    with texting(app) as twilio:
        send()
        assert [text.to for text in twilio.taken] == [KNOWN]
    assert [(row.status, row.to_address) for row in news()] == [("accepted", None)]


@sqlite
def test_nobody_is_told_of_a_first_phone_or_at_a_number_that_gets_no_texts(ann: str) -> None:
    bo = enrol()
    member_changes.change(STAFF, bo, Changes(phone="+862162345678"))
    member_changes.change(STAFF, bo, Changes(phone=UNKNOWN))
    member_changes.change(STAFF, ann, Changes(name="Ann"))
    assert news() == []
    member_changes.change(STAFF, bo, Changes(phone=None))
    assert [row.to_address for row in news()] == [UNKNOWN]


OTHER = "+8613700137000"


@sqlite
@pytest.mark.parametrize("new", ["+8613600136000", OTHER, None])
def test_a_number_that_a_merge_left_leads_to_the_member_no_longer(ann: str, new: str | None) -> None:
    merging.merge(STAFF, enrol(phone=OTHER), ann, "one person")
    member_changes.change(STAFF, ann, Changes(phone=new))
    doors = in_transaction(lambda connection: members.phones_of(connection, ann))
    assert doors == ([new] if new else [])


@sqlite
def test_a_merge_keeps_the_later_hold_of_the_two(ann: str, frozen_clock: FrozenClock) -> None:
    bo = enrol(phone=OTHER)
    change_phone(ann, "staff")
    frozen_clock.move(DAY - SECOND)
    merging.merge(STAFF, ann, bo, "one person")
    assert refused(redeem, bo, 20) == "phone_changed"
    cleo = enrol(phone="+8613600136000")
    merging.merge(STAFF, cleo, bo, "one person")
    assert refused(redeem, bo, 20) == "phone_changed"
    frozen_clock.move(SECOND)
    redeem(bo, 20)
