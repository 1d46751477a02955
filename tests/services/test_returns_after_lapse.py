"""Goods that come back after their points have lapsed: the member owes what was spent, and nothing that was never used."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.services import lots, merging
from loyalty_engine.services.jobs import nights
from tests.builders import STAFF, done
from tests.conftest import NOON, FrozenClock
from tests.ledger import (
    MONEY,
    assert_clean,
    empty,
    figures,
    line,
    move,
    open_shop,
    post,
    rows,
    said,
    sold,
    spend,
    take_return,
)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

LAST_DAY = 373
"""Points of 22 November 2026 are good through 30 November 2027."""
FOUR = line("1", 4, 10_000, "cake")


def _lapsed(clock: FrozenClock, spent: int = 0, days: int = LAST_DAY + 1) -> str:
    """A member whose purchase of four things earned 100 leaves, of which some were spent; later the night is run."""
    clock.set(NOON)
    (ann,) = open_shop(MONEY, members=1)
    post(sold("p1", ann, FOUR))
    if spent:
        spend(ann, "leaves", spent)
    clock.set(NOON + timedelta(days=days))
    nights.run("expiry")
    return ann


def _taken(reference: str, units: int | None = None) -> tuple[int, int]:
    answer = take_return("p1", reference, None if units is None else {"1": units})
    (leaves,) = [one for one in said(answer)["points"] if one["wallet"] == "leaves"]
    return leaves["points"], leaves["forgiven"]


@pytest.mark.parametrize(("days", "forgiven"), [(LAST_DAY - 1, 0), (LAST_DAY, 0), (LAST_DAY + 1, 100)])
def test_a_full_return_after_the_points_lapsed_leaves_nothing(
    frozen_clock: FrozenClock, days: int, forgiven: int
) -> None:
    ann = _lapsed(frozen_clock, days=days)
    assert _taken("all") == (-100, forgiven)
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert_clean()


def test_what_was_spent_before_the_rest_lapsed_is_owed(frozen_clock: FrozenClock) -> None:
    ann = _lapsed(frozen_clock, spent=30)
    assert _taken("all") == (-100, 70)
    assert figures(ann)["leaves"] == (0, 0, 0, 30)
    assert_clean()


def test_points_of_other_purchases_stay(frozen_clock: FrozenClock) -> None:
    ann = _lapsed(frozen_clock)
    post(sold("p2", ann, FOUR))
    assert _taken("all") == (-100, 100)
    assert figures(ann)["leaves"] == (100, 0, 0, 0)
    assert_clean()


def test_returns_in_parts_come_to_the_same_as_one(frozen_clock: FrozenClock) -> None:
    ends = []
    for parts in ([4], [1, 3], [3, 1], [1, 1, 1, 1], [None], [2, None]):
        ann = _lapsed(frozen_clock, spent=30)
        taken = [_taken(f"x{place}", units) for place, units in enumerate(parts)]
        assert_clean()
        ends.append(
            (figures(ann)["leaves"], sum(points for points, _ in taken), sum(forgiven for _, forgiven in taken))
        )
        empty()
    assert set(ends) == {((0, 0, 0, 30), -100, 70)}


def test_what_came_back_before_the_lapse_is_not_forgiven_again(frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(MONEY, members=1)
    post(sold("p1", ann, FOUR))
    assert _taken("half", 2) == (-50, 0)
    frozen_clock.move(timedelta(days=LAST_DAY + 1))
    nights.run("expiry")
    assert _taken("rest") == (-50, 50)
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert_clean()


def test_what_staff_gave_back_of_a_lapsed_lot_is_taken(frozen_clock: FrozenClock) -> None:
    ann = _lapsed(frozen_clock)
    (lot,) = rows("SELECT lot_id FROM lots WHERE state = 'expired'")
    done(lots.reinstate_in, STAFF, ann, str(lot["lot_id"]), "she was ill")
    assert _taken("all") == (-100, 0)
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert_clean()


def _merged(ann: str, ben: str) -> str:
    merging.merge(STAFF, ann, ben, "one person")
    return ben


def _moved(ann: str, ben: str) -> str:
    move("p1", ben)
    return ann


@pytest.mark.parametrize("away", [_merged, _moved])
def test_it_holds_after_a_merge_and_where_the_purchase_moves(
    frozen_clock: FrozenClock, away: Callable[[str, str], str]
) -> None:
    ann, ben = open_shop(MONEY, members=2)
    post(sold("p1", ann, FOUR))
    post(sold("p2", ben, FOUR))
    frozen_clock.move(timedelta(days=LAST_DAY + 1))
    nights.run("expiry")
    assert _taken("one", 1) == (-25, 25)
    left = away(ann, ben)
    nights.run("expiry")
    if away is _merged:
        assert _taken("rest") == (-75, 75)
    expected: tuple[Any, ...] = (0, 0, 0, 0)
    assert figures(left)["leaves"] == expected
    assert_clean()


def test_with_clamp_the_rest_is_forgiven_as_well(frozen_clock: FrozenClock) -> None:
    frozen_clock.set(NOON)
    (ann,) = open_shop(MONEY.replace("on_return: allow_debt", "on_return: clamp"), members=1)
    post(sold("p1", ann, FOUR))
    spend(ann, "leaves", 30)
    frozen_clock.set(NOON + timedelta(days=LAST_DAY + 1))
    nights.run("expiry")
    assert _taken("all") == (-100, 100)
    assert figures(ann)["leaves"] == (0, 0, 0, 0)
    assert_clean()
