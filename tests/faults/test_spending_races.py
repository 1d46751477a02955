"""Many tills at one member's points at once, on both databases: one wins, and the others are told what there is."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import one_time_codes, redemptions
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.one_time_codes import REDEMPTION
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal
from tests.conftest import NOON, FrozenClock
from tests.faults.test_races import answers, at_once
from tests.ledger import (
    MONEY,
    assert_clean,
    capture,
    figures,
    hold,
    line,
    move,
    open_shop,
    paid_with,
    post,
    redeem,
    release,
    rows,
    said,
    sold,
    take_return,
)

FREE = MONEY.replace("points: 260", "points: 260000").replace("points: 90}", "points: 900000}")


@pytest.fixture
def members(app: Flask, frozen_clock: FrozenClock) -> list[str]:
    """Three members with 1,040 leaves each."""
    found = open_shop(FREE)
    for number, member in enumerate(found):
        post(sold(f"first-{number}", member, line(amount=100_000, category="cake")))
    return found


def leaves(member: str) -> tuple[int, ...]:
    return figures(member)["leaves"]


def refusals(results: Sequence[Answer | Refusal]) -> list[Refusal]:
    return [one for one in results if isinstance(one, Refusal)]


@pytest.mark.parametrize("held", [True, False])
def test_two_tills_race_for_one_balance_and_exactly_one_wins(app: Flask, members: list[str], held: bool) -> None:
    ann = members[0]
    work = [partial(redeem, ann, 600, capture=not held)] * 2
    results = at_once(app, work)
    (lost,) = refusals(results)
    assert (lost.code, lost.errors) == ("insufficient_points", {"points": ["ask for 440 at most"]})
    assert leaves(ann) == (440, 0, 600 if held else 0, 0)
    assert_clean()


def test_ten_tills_spend_no_more_than_there_is(app: Flask, members: list[str]) -> None:
    ann = members[0]
    results = at_once(app, [partial(redeem, ann, 250, capture=till % 2 == 0) for till in range(10)])
    assert Counter(type(one).__name__ for one in results) == {"Answer": 4, "Conflict": 6}
    assert {one.errors["points"][0] for one in refusals(results)} == {"ask for 40 at most"}
    assert_clean()


def test_fifty_equal_captures_have_one_effect(app: Flask, members: list[str]) -> None:
    ann = members[0]
    redemption = hold(ann, 600)
    given = answers(at_once(app, [partial(capture, redemption, 400)] * 50))
    assert len({one.body for one in given}) == 1
    assert rows("SELECT COUNT(*) AS entries FROM ledger_entries WHERE source_kind = 'capture'") == [{"entries": 1}]
    assert leaves(ann) == (640, 0, 0, 0)
    assert_clean()


def test_a_capture_a_release_and_another_capture_end_a_hold_once(app: Flask, members: list[str]) -> None:
    ann = members[0]
    for _ in range(6):
        redemption = hold(ann, 100)
        acts: list[Callable[[], Any]] = [
            partial(capture, redemption),
            partial(capture, redemption, 50),
            partial(release, redemption),
        ]
        assert len(refusals(at_once(app, acts))) == 2
    assert_clean()


def test_a_hold_that_races_with_its_time_out_ends_once(
    app: Flask, members: list[str], frozen_clock: FrozenClock
) -> None:
    ann = members[0]
    for number in range(6):
        redemption = hold(ann, 100)
        frozen_clock.move(timedelta(minutes=15) - timedelta(seconds=number % 2))
        later = clock.now() + timedelta(seconds=1)
        acts: list[Callable[[], Any]] = [
            partial(capture, redemption),
            partial(redemptions.time_out_holds, later, 10),
            partial(redemptions.time_out_holds, later, 10),
        ]
        results = at_once(app, acts)
        status = rows("SELECT status FROM redemptions WHERE redemption_id = :id", id=redemption)[0]["status"]
        captured = isinstance(results[0], Answer)
        assert status == ("captured" if captured else "timed_out")
        assert sum(one for one in results if isinstance(one, int)) == (0 if captured else 1)
        assert captured or refusals(results)[0].code == "hold_expired"
    assert_clean()


def test_two_workers_free_every_hold_once(app: Flask, members: list[str], frozen_clock: FrozenClock) -> None:
    for member in members:
        for _ in range(4):
            hold(member, 50)
    frozen_clock.move(timedelta(minutes=15))
    freed = at_once(app, [partial(redemptions.time_out_holds, clock.now(), 100)] * 3)
    freed.append(redemptions.time_out_holds(clock.now(), 100))
    assert sum(one for one in freed if isinstance(one, int)) == 12
    assert_clean()


def test_two_purchases_race_for_one_redemption(app: Flask, members: list[str]) -> None:
    ann = members[0]
    for number, held in enumerate((True, False, True, False)):
        redemption = said(redeem(ann, 100, capture=not held))["redemption_id"]
        posts = [
            partial(post, paid_with(sold(f"p{number}{till}", ann, line(amount=400)), (100, redemption)))
            for till in "ab"
        ]
        given = answers(at_once(app, posts))
        assert sorted(said(one)["status"] for one in given) == ["posted", "unresolved"]
    assert_clean()


def test_one_purchase_sent_many_times_captures_its_hold_once(app: Flask, members: list[str]) -> None:
    ann = members[0]
    posted = paid_with(sold("p1", ann, line(amount=400)), (100, hold(ann, 200)))
    given = answers(at_once(app, [partial(post, posted)] * 20))
    assert len({one.body for one in given}) == 1
    assert leaves(ann)[2] == 0
    assert_clean()


def test_returns_of_one_purchase_at_once_give_back_all_that_was_spent(app: Flask, members: list[str]) -> None:
    ann = members[0]
    redemption = said(redeem(ann, 100))["redemption_id"]
    post(paid_with(sold("p1", ann, line(quantity=7, amount=700)), (100, redemption)))
    answers(at_once(app, [partial(take_return, "p1", f"x{unit}", {"1": 1}) for unit in range(7)]))
    assert rows("SELECT restored FROM redemptions") == [{"restored": 100}]
    assert_clean()


def test_returns_of_purchases_that_changed_sides_do_not_wait_for_each_other_in_a_circle(
    app: Flask, members: list[str]
) -> None:
    """Each was paid by the one and is now the other's: both returns need both members."""
    ann, ben, _ = members
    for payer, buyer, name in ((ann, ben, "a"), (ben, ann, "b")):
        for number in range(4):
            redemption = said(redeem(payer, 100))["redemption_id"]
            post(paid_with(sold(f"{name}{number}", payer, line(amount=400)), (100, redemption)))
            move(f"{name}{number}", buyer)
    returns = [partial(take_return, f"{name}{number}", "x") for number in range(4) for name in "ab"]
    answers(at_once(app, returns))
    assert {row["restored"] for row in rows("SELECT restored FROM redemptions")} == {100}
    assert_clean()


def test_a_code_is_used_once_and_guessed_five_times_however_many_try(app: Flask, members: list[str]) -> None:
    ann = members[0]
    post(sold("more", ann, line(amount=900_000, category="cake")))
    code = in_transaction(lambda to: one_time_codes.make(to, ann, REDEMPTION))
    guesses = [f"{(int(code) + one) % 10**6:06d}" for one in range(1, 21)]
    refused = refusals(at_once(app, [partial(redeem, ann, 1_005, code=guess) for guess in guesses]))
    assert Counter(one.code for one in refused) == {"code_wrong": 5, "code_tries_used_up": 15}
    code = in_transaction(lambda to: one_time_codes.make(to, ann, REDEMPTION))
    results = at_once(app, [partial(redeem, ann, 1_005, code=code)] * 5)
    assert len(refusals(results)) == 4
    assert {one.code for one in refusals(results)} <= {"code_wrong", "code_tries_used_up"}
    assert_clean()
    assert clock.now() == NOON
