"""A return after which a purchase keeps more than before: the points come back as the purchase's own."""

from datetime import date, timedelta
from itertools import permutations
from textwrap import dedent

import pytest
from flask import Flask

from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean, empty, figures, line, open_shop, post, rows, said, sold, spend, take_return

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")

NESTED = dedent("""\
    programme: tea-club
    name: Tea Club
    money: CNY
    time_zone: Asia/Shanghai
    wallets:
      - {id: leaves, name: Leaves, expiry: {after: 12 months}, pending: PENDING}
      - {id: stamps, name: Stamps, expiry: {inactivity: 18 months}}
    accrual:
      - {id: tea, wallet: leaves, earn: {points: 1, per: "1.00"}, lines: {category: {in: [tea]}}}
      - {id: cake, wallet: leaves, earn: {points: 1, per: "1.00"}, lines: {category: {in: [cake]}}}
      - {id: cup, wallet: stamps, earn: {points: 10, each: purchase}}
      - {id: cups, wallet: stamps, multiply: 2, lines: {category: {in: [tea]}}}
    caps:
      - {id: a-all, wallet: leaves, rules: [tea, cake], per: purchase, points: 100}
      - {id: b-cake, wallet: leaves, rules: [cake], per: purchase, points: 10}
    """)
"""100.00 of each: 50 and 50 under the first cap, 10 of the cake under the second. Half the tea: 33 and 10; no cake: 50."""

HALF_THE_TEA, ALL_THE_CAKE = {"tea": 1}, {"cake": 1}


def bought(pending: str = "0 days") -> str:
    (member,) = open_shop(NESTED.replace("PENDING", pending), members=1)
    answer = post(sold("p", member, line("tea", 2, 10_000, "tea"), line("cake", 1, 10_000, "cake")))
    assert [one["points"] for one in said(answer)["points"]] == [60, 15]
    return member


def points(reference: str, units: dict[str, int] | None = None) -> dict[str, int]:
    return {one["wallet"]: one["points"] for one in said(take_return("p", reference, units))["points"]}


def lots() -> list[dict[str, object]]:
    return rows(
        "SELECT granted, remaining, state, source_kind, opened_on, available_on, expires_on FROM lots"
        " WHERE wallet = 'leaves' ORDER BY opened_seq"
    )


def test_what_is_kept_depends_on_what_is_left_and_not_on_the_order() -> None:
    for order in permutations((HALF_THE_TEA, ALL_THE_CAKE)):
        member = bought()
        for place, units in enumerate(order):
            points(f"r{place}", units)
        assert figures(member) == {"leaves": (50, 0, 0, 0), "stamps": (15, 0, 0, 0)}
        assert_clean()
        points("rest")
        assert figures(member) == {"leaves": (0, 0, 0, 0), "stamps": (0, 0, 0, 0)}
        assert_clean()
        empty()


def test_points_come_back_with_the_purchases_own_end_and_renew_nothing(frozen_clock: FrozenClock) -> None:
    member = bought()
    frozen_clock.move(timedelta(days=100))
    assert points("r1", HALF_THE_TEA)["leaves"] == -17
    assert points("r2", ALL_THE_CAKE)["leaves"] == 7
    first, back = lots()
    assert (first["granted"], first["remaining"]) == (60, 43)
    assert back == first | {"granted": 7, "remaining": 7}
    active = rows("SELECT active_on FROM accounts WHERE wallet = 'stamps' AND member_id = :member", member=member)
    assert str(active[0]["active_on"]) == "2026-11-22"
    assert_clean()


@pytest.mark.parametrize(("later", "end"), [(334, "2027-11-22"), (335, "2027-11-22"), (336, "2027-11-23")])
def test_points_that_come_back_late_are_good_for_thirty_days(frozen_clock: FrozenClock, later: int, end: str) -> None:
    """The purchase's own end is 365 days away, on 22 November 2027."""
    bought()
    frozen_clock.set(NOON + timedelta(days=later))
    points("r1", HALF_THE_TEA)
    points("r2", ALL_THE_CAKE)
    assert str(lots()[-1]["expires_on"]) == end
    assert date.fromisoformat(end) >= (NOON + timedelta(days=later + 30)).date()
    assert_clean()


def test_points_that_come_back_pay_debt_first() -> None:
    member = bought()
    assert spend(member, "leaves", 60) == 60
    points("r1", HALF_THE_TEA)
    assert figures(member)["leaves"] == (0, 0, 0, 17)
    points("r2", ALL_THE_CAKE)
    assert figures(member)["leaves"] == (0, 0, 0, 10)
    assert_clean()


def test_pending_points_come_back_as_pending_as_the_purchases_own() -> None:
    member = bought(pending="14 days")
    points("r1", HALF_THE_TEA)
    points("r2", ALL_THE_CAKE)
    assert figures(member)["leaves"] == (0, 50, 0, 0)
    first, back = lots()
    assert (back["state"], back["available_on"]) == ("pending", first["available_on"])
    assert_clean()


def test_a_return_takes_what_came_back_as_the_purchases_own_before_other_lots(app: Flask) -> None:
    member = bought()
    post(sold("another", member, line("tea", 1, 10_000, "tea")))
    points("r1", HALF_THE_TEA)
    points("r2", ALL_THE_CAKE)
    points("rest")
    assert [(one["granted"], one["remaining"]) for one in lots()] == [(60, 0), (100, 100), (7, 0)]
    assert_clean()
