"""A card that fills is a voucher, whatever filled it: in the transaction that gives the points, or in the next night."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import pytest

from loyalty_engine import clock
from loyalty_engine.services import adjustments, events, lots, member_changes, merging
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.jobs import cards, kinds, nights
from loyalty_engine.services.jobs.kinds import Night
from loyalty_engine.services.jobs.runs import Watch
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.store.session import reading
from rules.events import Event
from tests.builders import ADMIN, STAFF, done, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    figures,
    line,
    open_shop,
    paid_with,
    post,
    redeem,
    rows,
    said,
    sold,
    take_return,
    voucher_codes,
)
from tests.nights import noon

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

EVENTS = (
    "events:\n"
    "  - {id: review, event: review, wallet: stamps, points: 6}\n"
    "  - {id: survey, event: survey, wallet: stamps, points: 6, pending: {until: checked}}\n"
    "  - {id: check-in, event: check-in, wallet: stamps, points: 6, pending: 7 days}\n"
    "occasions:\n"
    '  - {id: party, on: {date: "11-24"}, span: day, give: [{points: 6, wallet: stamps}]}\n'
)
CLUB = REWARDED.replace("welcome, wallet: stamps, bonus: 2", "welcome, wallet: stamps, bonus: 1") + EVENTS
TONIGHT = date(2026, 11, 23)


def _stamps(points: int, member: str) -> None:
    adjustments.adjust(STAFF, member, Adjustment("stamps", points, "for her patience"))


def _event(name: str, event_id: str, member: str, of: str | None = None) -> None:
    events.post(ADMIN, member, Event(event_id, name, clock.now(), {}, of))


def _survey_that_is_checked(member: str) -> None:
    _event("survey", "e1", member)
    assert not voucher_codes(member), "its points wait"
    _event("checked", "e2", member, "e1")


def _occasion(member: str) -> None:
    with clock.frozen(noon(date(2026, 11, 24))):
        nights.run("occasions")


def _reinstated(member: str) -> None:
    publish(CLUB.replace(", automatic: true", ""))
    adjustments.adjust(STAFF, member, Adjustment("stamps", 6, "for her patience", date(2026, 11, 22)))
    with clock.frozen(NOON + timedelta(days=1)):
        nights.run("expiry")
        publish(CLUB)
        (lot,) = rows("SELECT lot_id FROM lots WHERE state = 'expired'")
    with clock.frozen(NOON + timedelta(days=1, minutes=1)):
        done(lots.reinstate_in, STAFF, member, str(lot["lot_id"]), "she was ill")


@pytest.mark.parametrize(
    "fills", [partial(_stamps, 6), partial(_event, "review", "e1"), _survey_that_is_checked, _occasion, _reinstated]
)
def test_whatever_gives_the_last_stamp_brings_the_voucher(fills: Callable[[str], None]) -> None:
    (ann,) = open_shop(CLUB, members=1)
    fills(ann)
    assert len(voucher_codes(ann)) == 1
    assert figures(ann)["stamps"] == (0, 0, 0, 0)
    assert_clean()


@pytest.mark.parametrize(("points", "issued"), [(5, 0), (6, 1), (11, 1), (12, 2)])
def test_it_is_as_many_vouchers_as_the_stamps_pay(points: int, issued: int) -> None:
    (ann,) = open_shop(CLUB, members=1)
    _stamps(points, ann)
    assert len(voucher_codes(ann)) == issued
    assert figures(ann)["stamps"][0] == points - 6 * issued
    assert_clean()


@pytest.mark.parametrize(("day", "issued"), [(28, 0), (29, 1), (30, 1)])
def test_stamps_that_mature_at_night_are_a_voucher_in_the_same_night(
    frozen_clock: FrozenClock, day: int, issued: int
) -> None:
    (ann,) = open_shop(CLUB, members=1)
    _event("check-in", "e1", ann)
    frozen_clock.set(noon(date(2026, 11, day)))
    nights.run("pending")
    ran = nights.run("rewards")
    assert [one.counts for one in ran] == ([{"members": 1, "vouchers": 1}] if issued else [{}])
    assert len(voucher_codes(ann)) == issued
    (again,) = nights.run("rewards")
    assert again.status == "already"
    assert_clean()


def _full_without_voucher(text: str, members: int, points: int = 6) -> list[str]:
    """Members whose stamps were given before there was such a reward."""
    found = open_shop(text.replace(", automatic: true", ""), members)
    for member in found:
        _stamps(points, member)
    with clock.frozen(NOON + timedelta(hours=1)):
        publish(text)
    return found


def _night(members: int = 0) -> int:
    with clock.frozen(noon(TONIGHT)):
        (ran,) = nights.run("rewards")
        assert ran.counts.get("members", 0) == members
        assert_clean()
        return ran.counts.get("vouchers", 0)


def test_a_night_that_is_done_again_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE_ON_SQLITE", 1)
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE", 1)
    _full_without_voucher(CLUB, 3)
    with clock.frozen(noon(TONIGHT)):
        steps = []

        def stopping() -> bool:
            steps.append(1)
            return len(steps) == 1

        (stopped,) = nights.run("rewards", watch=Watch(stopping=stopping))
        assert (stopped.status, stopped.counts) == ("stopped", {"members": 1, "vouchers": 1})
        (rest,) = nights.run("rewards")
        assert (rest.status, rest.counts) == ("done", {"members": 3, "vouchers": 3})
    assert len(rows("SELECT 1 FROM vouchers")) == 3
    with clock.frozen(noon(TONIGHT + timedelta(days=1))):
        assert [one.counts for one in nights.run("rewards")] == [{}]
    assert_clean()


def test_the_night_looks_for_active_members_on_the_level_while_there_is_stock() -> None:
    text = CLUB.replace("automatic: true", "automatic: true, stock: 2")
    ann, ben, cem, _ = _full_without_voucher(text, 4)
    done(member_changes.suspend_in, STAFF, ann, "to be looked at")
    assert _night(members=3) == 2
    assert not voucher_codes(ann)
    assert len(voucher_codes(ben)) == len(voucher_codes(cem)) == 1
    with clock.frozen(noon(TONIGHT + timedelta(days=1))):
        assert [one.counts for one in nights.run("rewards")] == [{}], "the stock is gone: nobody is looked at"


def test_a_level_that_may_not_have_it_is_not_looked_at() -> None:
    _full_without_voucher(CLUB.replace("automatic: true", "automatic: true, levels: [silver]"), 2)
    assert _night() == 0


def test_a_limit_leaves_the_points() -> None:
    text = CLUB.replace("automatic: true", "automatic: true, per_member: {per: ever, times: 1}")
    (ann,) = _full_without_voucher(text, 1, points=13)
    assert _night(members=1) == 1
    assert figures(ann)["stamps"][0] == 7


def test_a_merge_that_fills_a_card_is_seen_to_at_night() -> None:
    ann, ben = open_shop(CLUB, 2)
    _stamps(3, ann)
    _stamps(3, ben)
    merging.merge(STAFF, ann, ben, "one person")
    _night(members=1 - len(voucher_codes(ben)))
    assert len(voucher_codes(ben)) == 1


def test_a_cancelled_voucher_comes_back_in_the_night_unless_its_stamps_are_taken() -> None:
    ann, ben = open_shop(CLUB, 2)
    for member in (ann, ben):
        _stamps(6, member)
        done(partial(cancel_in, actor=STAFF, code=voucher_codes(member)[0], reason="a mistake"))
        assert figures(member)["stamps"] == (6, 0, 0, 0)
    _stamps(-6, ben)
    assert _night(members=1) == 1


def test_who_is_suspended_keeps_the_stamps() -> None:
    (ann,) = open_shop(CLUB, 1)
    done(member_changes.suspend_in, STAFF, ann, "to be looked at")
    _stamps(6, ann)
    assert figures(ann)["stamps"][0] == 6
    assert not voucher_codes(ann)
    assert_clean()


def test_a_night_without_automatic_rewards_asks_nothing() -> None:
    open_shop(CLUB.replace(", automatic: true", ""), 1)
    with reading() as connection:
        night = Night(TONIGHT, NOON, plan_for(connection, NOON))
    assert (list(cards.CARDS.steps(night, "")), cards.CARDS.total(night, "")) == ([], 0)


def test_a_return_that_gives_points_back_fills_the_card_once_all_of_it_is_booked() -> None:
    (ann,) = open_shop(CLUB.replace("points: 6, wallet: stamps", "points: 100, wallet: leaves"), 1)
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 90, "for her patience"))
    paid = (20, str(said(redeem(ann, 20, capture=True))["redemption_id"]))
    post(paid_with(sold("p1", ann, line("1", 1, 180, "cake")), paid))
    adjustments.adjust(STAFF, ann, Adjustment("leaves", 10, "for her patience"))
    assert figures(ann)["leaves"] == (81, 0, 0, 0)
    told = said(take_return("p1", "x1"))
    assert told["restored"] == [{"wallet": "leaves", "points": 20}]
    assert len(voucher_codes(ann)) == 1
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    leaves = next(one for one in told["balances"] if one["wallet"] == "leaves")
    assert leaves["available"] == 0, "the answer says what there is afterwards"
    assert_clean()
