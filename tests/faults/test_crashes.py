"""A process that dies between any two statements leaves the database as it was before, or as it is after: never between.

Each move is made once to count its statements, and then again and again from the same beginning, killed before each of
them in turn and before its commit. The outbox of webhooks is on: an effect without its event would be between.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import adjustments, claims, enrolment, events, member_changes, merging, redemptions
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.jobs import kinds, nights
from loyalty_engine.services.jobs.runs import Watch
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.voucher_cancelling import cancel_in
from loyalty_engine.services.voucher_redeeming import hold_in, redeem_in
from loyalty_engine.store.on_sqlite import OnSQLite
from loyalty_engine.store.session import db, in_transaction
from loyalty_engine.store.tables import messages
from rules.events import Event
from tests import desk
from tests.builders import ADMIN, STAFF, TILL, done, publish
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    REWARDED,
    assert_clean,
    capture,
    dump,
    figures,
    hold,
    hold_reward,
    line,
    open_shop,
    post,
    redeem,
    redeem_reward,
    release,
    rows,
    sold,
    take_return,
    voucher_codes,
)
from tests.nights import LAPSING_CLUB, SILENT_CLUB, grant, noon, restore, take_back, use
from tests.webhooks import outbox, target, telling

pytestmark = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

WITH_EVENT = REWARDED + "events:\n  - {id: review, event: review, wallet: leaves, points: 30}\n"
CAKE = "rewards:\n  - {id: cake, name: A cake, product: SKU-cake, valid: 14 days}\n"
FULL_CARD = (
    "  - {id: full, name: A full card, cost: {points: 60, wallet: leaves}, product: SKU-cake, automatic: true}\n"
)
WATCH = Watch(owner="the-only-worker")


class Killed(BaseException):
    """The process is no more: nothing on the way may take it for an error."""


class Countdown:
    """Counts statements and commits, and kills before the one that is `last`, where there is one; who is dead does none."""

    def __init__(self) -> None:
        self.seen, self.last, self.dead = 0, -1, False

    def step(self) -> None:
        self.seen += 1
        self.dead = self.dead or self.seen == self.last
        if self.dead:
            raise Killed


@pytest.fixture
def countdown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countdown]:
    """Stand before everything that goes to the database."""
    found = Countdown()
    for name in ("rows", "run", "many"):
        original = getattr(OnSQLite, name)

        def stepping(*given: Any, original: Callable[..., Any] = original) -> Any:
            found.step()
            return original(*given)

        monkeypatch.setattr(OnSQLite, name, stepping)

    def listener(*_: Any) -> None:
        found.step()

    sa.event.listen(db.engine, "before_cursor_execute", listener)
    sa.event.listen(db.engine, "commit", listener)
    yield found
    sa.event.remove(db.engine, "before_cursor_execute", listener)
    sa.event.remove(db.engine, "commit", listener)


@contextmanager
def counting(countdown: Countdown, last: int) -> Iterator[None]:
    """Kill before a step; with the process go its connections."""
    countdown.seen, countdown.last = 0, last
    try:
        yield
    except BaseException:
        if countdown.dead:
            countdown.dead = False
            db.engine.dispose()
            raise Killed from None
        raise
    finally:
        countdown.last = -1


@pytest.fixture
def shop(app: Flask, frozen_clock: FrozenClock) -> Iterator[list[str]]:
    """Two members with points, holds of points and of a reward, points that were used, a voucher, a lot that has lapsed,
    and a purchase without a member."""
    with telling(app, target("http://127.0.0.1:9/hook")):
        frozen_clock.set(NOON - timedelta(days=2))
        ann, ben = open_shop(WITH_EVENT, members=2)
        adjustments.adjust(STAFF, ben, Adjustment("leaves", 7, "why", NOON.date() - timedelta(days=2)))
        frozen_clock.set(NOON)
        nights.run("expiry")
        post(sold("p1", ann, line("1", 2, 30000)))
        post(sold("p2", ben))
        post(sold("p3", None))
        redeem_reward(ann, "cake", "a gift")
        held = hold(ann, 20)
        redeem(ann, 25)
        hold_reward(ann)
        yield [ann, ben, held, voucher_codes(ann)[0]]


def _use(code: str) -> None:
    in_transaction(partial(redeem_in, actor=TILL, code=code, purchase_id=None, store_id=None))


def _hold(code: str) -> None:
    length = timedelta(hours=1)
    in_transaction(partial(hold_in, actor=TILL, code=code, purchase_id="p9", store_id=None, length=length))


def _time_out() -> None:
    """The holds' hour is over; each ends in a transaction of its own."""
    with clock.frozen(clock.now() + timedelta(hours=1)):
        assert redemptions.time_out_holds(clock.now(), 1) == 1


def _redeemed(points: int) -> str:
    (found,) = rows("SELECT redemption_id FROM redemptions WHERE points = :points", points=points)
    return str(found["redemption_id"])


def _cancel(code: str) -> None:
    in_transaction(partial(cancel_in, actor=STAFF, code=code, reason="printed twice"))


MOVES: dict[str, Callable[[str, str, str, str], object]] = {
    "a purchase": lambda ann, ben, held, code: post(sold("p9", ann, line("1", 3, 40000))),
    "a purchase with a voucher": lambda ann, ben, held, code: post(
        sold("p9", ann, line("cake", 1, 3000, "cake"), vouchers=(code,))
    ),
    "a batch": lambda ann, ben, held, code: post_many(ADMIN, [sold("p8", ann), sold("p9", ben)]),
    "a return": lambda ann, ben, held, code: take_return("p1", "x1", {"1": 1}),
    "a redemption": lambda ann, ben, held, code: redeem(ann, 20),
    "a hold": lambda ann, ben, held, code: hold(ann, 30),
    "a capture": lambda ann, ben, held, code: capture(held),
    "a release": lambda ann, ben, held, code: release(held),
    "an undoing": lambda ann, ben, held, code: release(_redeemed(25), STAFF, "the sale never came"),
    "a reward's hold": lambda ann, ben, held, code: hold_reward(ann),
    "a reward's capture": lambda ann, ben, held, code: capture(_redeemed(100)),
    "a time-out": lambda ann, ben, held, code: _time_out(),
    "a reward": lambda ann, ben, held, code: redeem_reward(ann, "five-off"),
    "a voucher's hold": lambda ann, ben, held, code: _hold(code),
    "a voucher's use": lambda ann, ben, held, code: _use(code),
    "a voucher's end": lambda ann, ben, held, code: _cancel(code),
    "an adjustment": lambda ann, ben, held, code: adjustments.adjust(STAFF, ann, Adjustment("leaves", 5, "why")),
    "a level by hand": lambda ann, ben, held, code: desk.do("level", ben, 1),
    "a balance brought in": lambda ann, ben, held, code: desk.open_balance(ann, 31),
    "a reinstatement": lambda ann, ben, held, code: desk.reinstate(ben),
    "an event": lambda ann, ben, held, code: events.post(
        STAFF, ann, Event("e1", "review", noon(date(2026, 11, 20)), {})
    ),
    "a merge": lambda ann, ben, held, code: merging.merge(STAFF, ben, ann, "one person"),
    "an enrolment": lambda ann, ben, held, code: done(
        enrolment.enrol_in, ADMIN, enrolment.NewMember(phone="+8613800138000")
    ),
    "a change": lambda ann, ben, held, code: member_changes.change(STAFF, ann, Changes(name="Ann")),
    "a member named": lambda ann, ben, held, code: done(
        claims.name_member_in, STAFF, "p3", "s-1", MemberReference(member_id=ann), "her receipt"
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_move_that_is_killed_between_any_two_statements_did_nothing(
    shop: list[str], countdown: Countdown, name: str
) -> None:
    before, told = dump(), len(outbox())
    MOVES[name](*shop)  # type: ignore[arg-type]  # what is asked for only once is known from here on
    restore(before)
    with counting(countdown, -1):
        MOVES[name](*shop)  # type: ignore[arg-type]
    steps = countdown.seen
    assert steps > 3
    assert len(outbox()) > told, "it has an event"
    restore(before)
    for last in range(1, steps + 1):
        with pytest.raises(Killed), counting(countdown, last):
            MOVES[name](*shop)  # type: ignore[arg-type]
        assert dump() == before, f"killed before step {last} of {steps}"
    MOVES[name](*shop)  # type: ignore[arg-type]
    assert_clean()


@pytest.mark.parametrize(
    ("job", "text", "tonight"),
    [
        ("pending", SILENT_CLUB, date(2026, 2, 14)),
        ("notices", LAPSING_CLUB, date(2026, 3, 20)),
        ("expiry", SILENT_CLUB, date(2026, 4, 1)),
        ("vouchers", SILENT_CLUB, date(2026, 2, 20)),
        ("reviews", SILENT_CLUB, date(2027, 2, 20)),
    ],
    ids=["pending", "notices", "expiry", "vouchers", "reviews"],
)
def test_a_night_that_is_killed_anywhere_and_run_again_did_everything_once(
    app: Flask,
    frozen_clock: FrozenClock,
    countdown: Countdown,
    monkeypatch: pytest.MonkeyPatch,
    job: str,
    text: str,
    tonight: date,
) -> None:
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE_ON_SQLITE", 1)
    with telling(app, target("http://127.0.0.1:9/hook")):
        before = _before_a_night(frozen_clock, text, tonight)
        nights.run(job, watch=WATCH)
        restore(before)
        with counting(countdown, -1):
            nights.run(job, watch=WATCH)
        steps, after = countdown.seen, _without_runs(dump())
        assert after != _without_runs(before), "it had something to do"
        for last in range(1, steps + 1):
            restore(before)
            with pytest.raises(Killed), counting(countdown, last):
                nights.run(job, watch=WATCH)
            if last % 10 == 0:
                assert_clean({1, 3, 7, 10, 14})
            nights.run(job, watch=WATCH)
            assert _without_runs(dump()) == after, f"killed before step {last} of {steps}"


def test_full_cards_are_one_voucher_each_wherever_the_night_is_killed(
    app: Flask, frozen_clock: FrozenClock, countdown: Countdown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vouchers and their codes are drawn anew each time, so that what counts is compared and not the rows."""
    monkeypatch.setattr(kinds, "MEMBERS_AT_ONCE_ON_SQLITE", 1)
    members = open_shop(SILENT_CLUB, members=2)
    for member in members:
        grant(member, "leaves", 130, NOON)
    publish(SILENT_CLUB + CAKE + FULL_CARD)
    frozen_clock.move(timedelta(days=1))
    before = dump()
    nights.run("rewards", watch=WATCH)
    restore(before)
    with counting(countdown, -1):
        nights.run("rewards", watch=WATCH)
    for last in range(1, countdown.seen + 1):
        restore(before)
        with pytest.raises(Killed), counting(countdown, last):
            nights.run("rewards", watch=WATCH)
        nights.run("rewards", watch=WATCH)
        for member in members:
            assert (len(voucher_codes(member)), figures(member)["leaves"]) == (2, (10, 0, 0, 0)), f"before step {last}"
    assert_clean({1, 3, 7, 10, 14})


def _before_a_night(frozen_clock: FrozenClock, text: str, tonight: date) -> dict[str, list[tuple[Any, ...]]]:
    """Two members with points that wait and points that end, a debt, a level to review and a voucher."""
    begin = noon(date(2026, 1, 31))
    frozen_clock.set(begin)
    for member in open_shop(text + CAKE, members=2):
        for points in (50, 60):
            grant(member, "petals", points, begin)
            grant(member, "leaves", points, begin)
        take_back(member, "petals", 25, begin)
        use(member, "leaves", 15, begin, "hold")
        post(sold(f"p-{member}", member, line("1", 1, 60000)))
        redeem_reward(member, "cake", "a gift")
    frozen_clock.set(noon(tonight))
    return dump()


def _without_runs(dumped: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Leave out who ran it, and of messages the ids that are drawn anew."""
    found = {name: kept for name, kept in dumped.items() if name != "job_runs"}
    place = messages.columns.keys().index("message_id")
    found["messages"] = [(*row[:place], *row[place + 1 :]) for row in dumped["messages"]]
    return found
