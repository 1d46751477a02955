"""Two members who are one person become one: no points made, none lost, and the old id points on."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, balances, events, members, merging, tokens
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import expiry_notices, limit_uses, voucher_codes, vouchers
from rules.errors import Refusal
from rules.events import Event
from tests.builders import ADMIN, STAFF, done, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    REWARDED,
    TEA_CLUB,
    assert_clean,
    dump,
    enrol,
    figures,
    line,
    move,
    open_shop,
    post,
    redeem_reward,
    rows,
    said,
    sold,
    spend,
    take_return,
)
from tests.ledger import voucher_codes as usable_codes

WITH_EVENTS = TEA_CLUB + (
    "events:\n"
    "  - {id: review, event: review, wallet: leaves, points: 30, once_per: [sku], cap: {per: year, points: 100}}\n"
    "  - {id: survey, event: survey, wallet: leaves, points: 7, pending: {until: checked}}\n"
)


@pytest.fixture(autouse=True)
def _noon(app: Flask, frozen_clock: FrozenClock) -> None:
    """All of this happens at noon, unless a test moves on."""


def merge(old: str, into: str) -> Answer:
    return merging.merge(STAFF, old, into, "one person, two cards")


def happen(member: str, event_id: str, event: str, of: str | None = None, **facts: Any) -> Answer:
    return events.post(STAFF, member, Event(event_id, event, clock.now(), facts, of))


def adjust(member: str, points: int, wallet: str = "leaves") -> Answer:
    return adjustments.adjust(STAFF, member, Adjustment(wallet, points, "an apology"))


def sums() -> list[dict[str, Any]]:
    query = (
        "SELECT wallet, SUM(available) AS available, SUM(pending) AS pending, SUM(held) AS held, SUM(debt) AS debt,"
        " SUM(lifetime) AS lifetime FROM accounts GROUP BY wallet ORDER BY wallet"
    )
    return rows(query)


def lots_of(member: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT wallet, remaining, state, opened_on, available_on, expires_on, level, source_kind, source_id FROM lots"
        " WHERE member_id = :member AND remaining > 0"
    )
    return sorted((tuple(row.values()) for row in rows(query, member=member)), key=repr)


def refused(code: str, *work: Any) -> None:
    before = dump()
    with pytest.raises(Refusal) as caught:
        work[0](*work[1:])
    assert caught.value.code == code
    assert dump() == before


def test_everything_is_the_other_ones_and_nothing_is_made_or_lost() -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann))
    post(sold("p2", ben, line(amount=5_000)))
    spend(ann, "leaves", 20)
    lots, whole = sorted(lots_of(ann) + lots_of(ben), key=repr), sums()
    done = said(merge(ann, ben))
    assert (done["member_id"], done["merged"]) == (ben, ann)
    assert figures(ann) == dict.fromkeys(("leaves", "petals", "stamps"), (0, 0, 0, 0))
    assert (lots_of(ben), lots_of(ann)) == (lots, [])
    assert [one | {"debt": 0} for one in sums()] == [one | {"debt": 0} for one in whole]
    (gone,) = rows("SELECT status, merged_into FROM members WHERE member_id = :m", m=ann)
    assert (gone["status"], str(gone["merged_into"])) == ("merged", ben)
    assert_clean()


@pytest.mark.parametrize(("here", "there"), [(50, 0), (0, 50), (150, 100), (100, 150), (150, 150)])
def test_a_debt_is_paid_by_what_the_other_one_has(here: int, there: int) -> None:
    """`here` is what each of the two has spent of its 150 leaves before the purchase came back whole."""
    ann, ben, _ = open_shop()
    post(sold("p1", ann))
    post(sold("p2", ben))
    spend(ann, "leaves", here)
    spend(ben, "leaves", there)
    take_return("p1", "x1")
    before = figures(ann)["leaves"], figures(ben)["leaves"]
    merge(ann, ben)
    available, pending, _, debt = figures(ben)["leaves"]
    assert available - debt == sum(one[0] - one[3] for one in before)
    assert min(available, debt) == 0
    assert pending == sum(one[1] for one in before)
    assert_clean()


def test_the_debt_of_the_one_who_stays_is_paid_by_what_comes() -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann))
    post(sold("p2", ben))
    spend(ben, "leaves", 150)
    take_return("p2", "x1")
    assert figures(ben)["leaves"] == (0, 0, 0, 150)
    spend(ann, "leaves", 30)
    merge(ann, ben)
    assert figures(ben)["leaves"] == (0, 0, 0, 30)
    assert_clean()


def test_a_return_of_an_old_purchase_takes_points_from_the_one_who_stays() -> None:
    ann, ben, _ = open_shop()
    first = post(sold("p1", ann, line(quantity=2)))
    merge(ann, ben)
    take_return("p1", "x1", {"1": 1})
    assert figures(ben)["leaves"] == (75, 0, 0, 0)
    assert_clean()
    again = post(sold("p1", ann, line(quantity=2)))
    assert (again.replayed, again.body) == (True, first.body)
    back = take_return("p1", "x2")
    assert take_return("p1", "x2").body == back.body
    assert {one[:2] for one in figures(ben).values()} == {(0, 0)}
    assert not rows("SELECT 1 FROM qualifying_days WHERE amount <> 0")
    assert not rows("SELECT 1 FROM cap_uses WHERE used <> 0")
    assert_clean()


def test_the_old_id_points_on_wherever_it_is_used() -> None:
    ann, ben, cleo = open_shop()
    post(sold("p1", ann))
    merge(ann, ben)
    merge(ben, cleo)
    assert balances.balances(ann) == balances.balances(cleo)
    assert balances.ledger(STAFF, ann, None, 9) == balances.ledger(STAFF, cleo, None, 9)
    assert balances.tier(ann) == balances.tier(cleo)
    assert members.find(ann).member_id == cleo
    assert members.look_up(MemberReference(member_id=ann)).member_id == cleo
    assert said(post(sold("p2", ann)))["member_id"] == cleo
    assert said(adjust(ann, 5))["member_id"] == cleo
    assert tokens.for_member(STAFF, ann).token.member_id == cleo
    take_return("p1", "x1")
    take_return("p2", "x2")
    assert figures(cleo)["leaves"] == (5, 0, 0, 0)
    assert_clean()


def test_cards_and_phones_lead_on_and_what_is_missing_is_taken_over() -> None:
    _, ben, _ = open_shop()
    ann = enrol(cards=("6300000000000012",), phone="+8613800138000", name="Ann", external_id="a-1")
    token = tokens.for_member(STAFF, ann)
    merge(ann, ben)
    assert members.look_up(MemberReference(card="6300000000000012")).member_id == ben
    assert members.look_up(MemberReference(phone="+8613800138000")).member_id == ben
    found = members.find(ben)
    assert (found.phone, found.name) == ("+8613800138000", "Ann")
    assert rows("SELECT member_id FROM external_ids WHERE external_id = 'a-1'")[0]["member_id"] is not None
    assert not rows("SELECT 1 FROM profiles WHERE name = 'Ann' AND member_id <> :ben", ben=ben)
    assert tokens.authenticate(token.text) is None
    assert_clean()


def test_the_one_who_stays_keeps_its_own_phone_and_name() -> None:
    open_shop(members=0)
    ann = enrol(phone="+8613800138000", name="Ann")
    ben = enrol(phone="+8613800138001", name="Ben")
    merge(ann, ben)
    assert (members.find(ben).phone, members.find(ben).name) == ("+8613800138001", "Ben")
    assert members.look_up(MemberReference(phone="+8613800138000")).member_id == ben


def test_the_higher_level_stays_and_both_together_may_reach_another() -> None:
    ann, ben, cleo = open_shop()
    post(sold("p1", ann, line(amount=26_000), store="s-1"))
    assert members.find(ann).level == "silver"
    merge(ann, ben)
    assert members.find(ben).level == "silver"
    for number in range(2):
        with clock.frozen(NOON + timedelta(days=1 + number)):
            post(sold(f"q{number}", cleo, line(amount=26_000)))
    with clock.frozen(NOON + timedelta(days=5)):
        assert members.find(cleo).level == "gold"
        merge(ben, cleo)
        assert members.find(cleo).level == "gold"
        changes = rows("SELECT source_kind FROM tier_history WHERE member_id = :m ORDER BY change_no", m=cleo)
    assert {row["source_kind"] for row in changes} == {"enrolment", "purchase"}
    assert_clean()


def test_what_both_bought_together_raises_at_once() -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann, line(amount=9_000)))
    post(sold("p2", ben, line(amount=9_000)))
    assert {members.find(one).level for one in (ann, ben)} == {"plain"}
    merge(ann, ben)
    assert members.find(ben).level == "silver"
    last = rows("SELECT level, source_kind, reason FROM tier_history WHERE member_id = :m ORDER BY change_no", m=ben)[
        -1
    ]
    assert (last["level"], last["source_kind"]) == ("silver", "merge")
    assert_clean()


def test_a_merge_long_after_the_purchases_raises_nobody_for_what_is_over() -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann, line(amount=9_000)))
    post(sold("p2", ben, line(amount=9_000)))
    with clock.frozen(NOON + timedelta(days=800)):
        merge(ann, ben)
        assert members.find(ben).level == "plain"
        assert_clean()


def test_a_purchase_moves_from_an_old_member_and_to_one() -> None:
    ann, ben, cleo = open_shop()
    post(sold("p1", ann))
    post(sold("p2", cleo, at=NOON - timedelta(days=3)))
    merge(ann, ben)
    refused("already_theirs", move, "p1", ben)
    refused("already_theirs", move, "p1", ann)
    assert said(move("p1", cleo))["member_id"] == cleo
    assert figures(ben)["leaves"] == (0, 0, 0, 0)
    assert said(move("p2", ann))["member_id"] == ben
    assert_clean()
    move("p2", cleo)
    assert rows("SELECT last_purchase_on FROM members WHERE member_id = :m", m=ben)[0]["last_purchase_on"] is None
    assert_clean()


def test_first_purchase_bonuses_and_caps_know_of_both() -> None:
    ann, ben, _ = open_shop()
    post(sold("p1", ann, line(amount=18_000)))
    merge(ann, ben)
    after = said(post(sold("p2", ben, line(amount=18_000))))
    points = {one["wallet"]: one["points"] for one in after["points"]}
    assert points["leaves"] == 40, "260 a day were used up by the other one; the bonus has no cap"
    assert points["stamps"] == 2, "it is no first purchase"
    assert_clean()


def test_events_are_once_for_both() -> None:
    ann, ben, _ = open_shop(WITH_EVENTS)
    first = happen(ann, "e1", "review", sku="TEA")
    happen(ann, "e2", "survey")
    happen(ben, "e3", "review", sku="TEA")
    merge(ann, ben)
    assert happen(ann, "e1", "review", sku="TEA").body == first.body
    assert happen(ben, "e1", "review", sku="TEA").body == first.body
    told = said(happen(ben, "e4", "review", sku="TEA"))["points"]
    assert [(one["points"], one["because"]) for one in told] == [(0, "once_used")]
    told = said(happen(ben, "e5", "review", sku="CUP"))["points"]
    assert told[0]["points"] == 30
    told = said(happen(ben, "e6", "review", sku="POT"))["points"]
    assert (told[0]["points"], told[0]["because"]) == (10, "cap_reached")
    assert figures(ben)["leaves"] == (100, 7, 0, 0)
    matured = said(happen(ben, "e7", "checked", of="e2"))["matured"]
    assert [(one["rule"], one["points"]) for one in matured] == [("survey", 7)]
    assert figures(ben)["leaves"] == (107, 0, 0, 0)
    assert_clean()


def test_a_waiting_event_may_be_answered_under_the_old_id() -> None:
    ann, ben, _ = open_shop(WITH_EVENTS)
    happen(ann, "e2", "survey")
    merge(ann, ben)
    assert said(happen(ann, "e7", "checked", of="e2"))["matured"]
    assert_clean()


def test_what_cannot_be_merged_is_refused_and_nothing_is_half_done() -> None:
    ann, ben, cleo = open_shop()
    post(sold("p1", ann))
    nobody = "01a2b3c4-0000-7000-8000-000000000000"
    refused("merge_into_itself", merge, ann, ann)
    refused("merge_into_itself", merge, ann, ann.upper())
    refused("member_not_found", merge, ann, nobody)
    refused("member_not_found", merge, nobody, ann)
    refused("reason_missing", merging.merge, STAFF, ann, ben, "  ")
    refused("reason_personal", merging.merge, STAFF, ann, ben, "called from +8613912345678")
    merge(ann, ben)
    refused("already_merged", merge, ann, ben)
    refused("already_merged", merge, ann, cleo)
    refused("already_merged", merge, ben, ann)
    merge(ben, cleo)
    refused("already_merged", merge, cleo, ann)
    assert_clean()


def test_who_has_holds_or_is_suspended_is_not_merged() -> None:
    from loyalty_engine.services import ledger, member_changes
    from loyalty_engine.services.posting import Posting, Source
    from loyalty_engine.services.programmes import plan_for
    from loyalty_engine.store.session import in_transaction

    ann, ben, _ = open_shop()
    post(sold("p1", ann))
    done(member_changes.suspend_in, STAFF, ben, "looks odd")
    refused("member_not_active", merge, ann, ben)
    refused("member_not_active", merge, ben, ann)
    done(member_changes.resume_in, STAFF, ben, "it was not")

    def hold(connection: Any) -> None:
        posting = Posting(connection, STAFF, clock.now())
        plan = plan_for(connection, clock.now())
        ledger.hold(posting, posting.member(ann), plan, "leaves", 10, Source("hold", "h1", clock.now()))
        posting.write()

    in_transaction(hold)
    refused("member_has_holds", merge, ann, ben)


def test_members_without_anything_are_merged_too() -> None:
    ann, ben, _ = open_shop()
    merge(ann, ben)
    merge(ben, enrol())
    post(sold("p1", ann))
    assert_clean()


def test_a_programme_without_levels_merges_as_well() -> None:
    publish_plain = TEA_CLUB.split("tiers:", maxsplit=1)[0].replace(", multiply: 1.25, wallet: leaves", "")
    ann, ben, _ = open_shop(publish_plain)
    post(sold("p1", ann))
    merge(ann, ben)
    publish(TEA_CLUB)
    assert ADMIN
    post(sold("p2", ben))
    assert_clean()


def _voucher(member: str, number: int, status: str) -> None:
    values = {"member_id": member, "voucher_id": new_id(), "code": f"CODE-{number}", "reward": "cake", "status": status}
    values |= {"source_kind": "gift", "source_id": f"g{number}", "version": 1, "issued_at": NOON}
    lead = {"code": f"CODE-{number}", "member_id": member, "voucher_id": values["voucher_id"]}
    with db.engine.begin() as connection:
        connection.execute(vouchers.insert().values(**values))
        connection.execute(voucher_codes.insert().values(**lead))


def test_vouchers_limits_and_notices_are_the_other_ones() -> None:
    ann, ben, _ = open_shop()
    _voucher(ann, 1, "issued")
    _voucher(ann, 2, "expired")
    _voucher(ben, 3, "issued")
    used = [{"member_id": one, "limit_id": "reward/x", "period_start": NOON.date(), "used": 2} for one in (ann, ben)]
    notice = {"member_id": ann, "wallet": "leaves", "expires_on": NOON.date(), "days_before": 7, "points": 5}
    with db.engine.begin() as connection:
        connection.execute(limit_uses.insert(), used)
        told = notice | {"status": "planned", "planned_on": NOON.date(), "planned_at": NOON}
        connection.execute(expiry_notices.insert().values(**told))
    merge(ann, ben)
    held = "SELECT code, status, source_kind, reason FROM vouchers WHERE member_id = :m ORDER BY code, source_kind"
    assert [tuple(row.values()) for row in rows(held, m=ann)] == [
        ("CODE-1", "cancelled", "gift", "merged"),
        ("CODE-2", "expired", "gift", None),
    ]
    assert [tuple(row.values()) for row in rows(held, m=ben)] == [
        ("CODE-1", "issued", "merge", None),
        ("CODE-3", "issued", "gift", None),
    ]
    (leads,) = rows("SELECT member_id, voucher_id FROM voucher_codes WHERE code = 'CODE-1'")
    assert rows("SELECT code FROM vouchers WHERE member_id = :member_id AND voucher_id = :voucher_id", **leads)
    assert [str(row["member_id"]) for row in rows("SELECT member_id FROM limit_uses WHERE used = 4")] == [ben]
    assert len(rows("SELECT 1 FROM expiry_notices")) == 2


def test_a_voucher_that_was_bought_goes_along_and_can_be_used_there() -> None:
    ann, ben, _ = open_shop(REWARDED)
    adjust(ann, 100)
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    merge(ann, ben)
    assert_clean()
    assert usable_codes(ann) == []
    assert usable_codes(ben) == [code]


def test_what_is_held_is_named() -> None:
    ann, ben, _ = open_shop()
    for number in range(7):
        _voucher(ann, number, "held")
    with pytest.raises(Refusal, match=r"voucher CODE-4 and 2 more") as caught:
        merge(ann, ben)
    assert caught.value.code == "member_has_holds"


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_an_address_that_said_stop_is_not_written_to_as_the_other_ones(channel: str) -> None:
    open_shop(members=0)
    said_no = tuple(GivenConsent(one, "service", False, clock.now(), "STOP") for one in ("sms", "email"))
    said_yes = tuple(GivenConsent(one, "service", True, clock.now(), "form") for one in ("sms", "email"))
    address = {"phone": "+8613800138000"} if channel == "sms" else {"email": "a@example.com"}
    own: dict[str, Any] = {"email": "b@example.com"} if channel == "sms" else {"phone": "+8613800138001"}
    ann, ben = enrol(**address, consents=said_no), enrol(**own, consents=said_yes)
    merge(ann, ben)
    consents = members.find(ben).consents
    assert {one.channel: (one.given, one.proof) for one in consents} == {
        "sms": (channel != "sms", "STOP" if channel == "sms" else "form"),
        "email": (channel != "email", "STOP" if channel == "email" else "form"),
    }


def test_a_voucher_that_came_with_merges_gives_back_what_it_cost_when_it_is_cancelled() -> None:
    ann, ben, cleo = open_shop(REWARDED)
    adjust(ann, 100)
    before = sums()
    code = redeem_reward(ann, "five-off")["voucher"]["code"]
    merge(ann, ben)
    merge(ben, cleo)
    told = said(done(cancel_in, STAFF, code, "printed twice"))
    assert (told["status"], told["points_restored"]) == ("cancelled", 100)
    assert figures(cleo)["leaves"][0] == 100
    assert [(row["wallet"], row["available"]) for row in sums()] == [
        (row["wallet"], row["available"]) for row in before
    ]
    assert rows("SELECT restored FROM redemptions") == [{"restored": 100}]
    assert rows("SELECT used FROM limit_uses WHERE limit_id LIKE 'reward/%'") == [{"used": 0}]
    assert_clean()
