"""A changed phone holds points and rewards for a day: for tills, not for staff, and not a moment longer."""

from datetime import timedelta

import pytest

from loyalty_engine.services import member_changes, own_changes, redemptions, reward_redemptions, sessions, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.member_changes import Changes
from tests.builders import STAFF, TILL, done
from tests.conftest import FrozenClock
from tests.doors import HERE, KNOWN, UNKNOWN, ask, other, refused, sent
from tests.ledger import REWARDED, enrol, line, open_shop, post, redeem, said, sold

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
