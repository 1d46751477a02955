"""By which card or phone a till named a member is kept as long as it helps, and not for ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.services import claims, member_changes, parking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.auditing import audit
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.purchase_batches import post_many
from rules.errors import Conflict
from tests.builders import ADMIN, STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean, enrol, open_shop, post, rows, said, sold

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

PHONE, CARD = "+8613800138000", "6300000000000012"


@pytest.fixture(autouse=True)
def _a_shop(app: object, frozen_clock: FrozenClock) -> None:
    open_shop(members=0)


def named() -> dict[str, str | None]:
    return {row["purchase_key"]: row["named_member"] for row in rows("SELECT * FROM parked_purchases")}


def by_phone(purchase_id: str, **changes: Any) -> PostedPurchase:
    return replace(sold(purchase_id, None, **changes), member=MemberReference(phone=PHONE))


def test_a_member_who_is_known_is_kept_by_the_id(frozen_clock: FrozenClock) -> None:
    member = enrol(phone=PHONE, cards=(CARD,))
    done(member_changes.suspend_in, STAFF, member, "a stolen card?")
    post(by_phone("suspended"))
    done(member_changes.resume_in, STAFF, member, "no")
    post(by_phone("disagrees", paid=3))
    post_many(ADMIN, [by_phone("imported", paid=3)])
    assert set(named().values()) == {f'{{"member_id":"{member}"}}'}
    member_changes.change(STAFF, member, Changes(phone=None))
    frozen_clock.move(timedelta(days=100))
    assert parking.forget_names() == 0
    for purchase_id in ("suspended", "disagrees", "imported"):
        answer = done(claims.accept_in, STAFF, purchase_id, "s-1", "it is right")
        assert said(answer)["member_id"] == member
    assert set(named().values()) == {None}
    assert_clean()


@pytest.mark.parametrize(("late", "forgotten"), [(timedelta(0), 0), (timedelta(microseconds=1), 2)])
def test_what_nobody_has_is_forgotten_after_thirty_days(
    frozen_clock: FrozenClock, late: timedelta, forgotten: int
) -> None:
    post(by_phone("phone"))
    post(sold("card", None, card=CARD))
    assert named() == {"s-1/phone": f'{{"phone":"{PHONE}"}}', "s-1/card": f'{{"card":"{CARD}"}}'}
    frozen_clock.set(NOON + parking.NAMED_FOR + late)
    assert parking.forget_names() == forgotten
    assert parking.forget_names() == 0
    assert list(named().values()).count(None) == forgotten


def test_until_then_staff_accept_what_a_member_enrolled_since_bought_and_later_they_name_the_member(
    frozen_clock: FrozenClock,
) -> None:
    post(by_phone("soon"))
    post(by_phone("late"))
    member = enrol(phone=PHONE)
    done(claims.accept_in, STAFF, "soon", "s-1", "enrolled since")
    frozen_clock.move(timedelta(days=31))
    assert parking.forget_names() == 1
    with pytest.raises(Conflict) as refused:
        done(claims.accept_in, STAFF, "late", "s-1", "enrolled since")
    assert refused.value.code == "member_missing"
    answer = done(claims.name_member_in, STAFF, "late", "s-1", MemberReference(member_id=member), "has the receipt")
    assert said(answer)["member_id"] == member
    assert_clean()


def test_a_claim_forgets_it_at_once() -> None:
    code = said(post(by_phone("claimed")))["claim_code"]
    done(claims.claim_in, Actor("app", "member", member_id=enrol()), code)
    assert named() == {"s-1/claimed": None}


@pytest.mark.parametrize(("days", "clean"), [(32, True), (33, False)])
def test_the_audit_says_when_nobody_tidied(frozen_clock: FrozenClock, days: int, clean: bool) -> None:
    post(by_phone("phone"))
    frozen_clock.set(NOON + timedelta(days=days))
    report = audit()
    assert [(one.rule.invariant, one.rule.table) for one in report.broken] == (
        [] if clean else [(13, "parked_purchases")]
    )
    assert PHONE not in str(report.as_json())
    parking.forget_names()
    assert_clean()
