from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import spending
from rules.errors import Invalid
from rules.programme import Proof, Spending, Wallet
from tests.rules.samples import BEANS, CORNER_COFFEE

CENT = replace(
    BEANS, worth_minor=Fraction(1), spending=Spending(100, 50, Fraction(1, 2), Proof(1000, frozenset({"code"})))
)
HALF_A_CENT = replace(CENT, worth_minor=Fraction(1, 2), spending=Spending(1, 5))
TWO_CENTS_OF_THREE = replace(CENT, worth_minor=Fraction(2, 3), spending=Spending())

wallets = st.builds(
    lambda worth, minimum, multiple, share: replace(
        BEANS, worth_minor=worth, spending=Spending(minimum, multiple, share)
    ),
    st.builds(Fraction, st.integers(1, 300), st.sampled_from((1, 2, 3, 7, 10, 100))),
    st.integers(1, 300),
    st.sampled_from((1, 2, 5, 50)),
    st.builds(Fraction, st.integers(1, 100), st.just(100)),
)


def refused(wallet: Wallet, points: int, due: int | None = None) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        spending.check(wallet, points, "CNY", due)
    return caught.value.code, caught.value.errors["points"][0]


@pytest.mark.parametrize(
    ("points", "answer"),
    [
        (-50, ("points_below_minimum", "use 100 at least")),
        (0, ("points_below_minimum", "use 100 at least")),
        (99, ("points_below_minimum", "use 100 at least")),
        (101, ("points_not_a_multiple", "use 100 or 150")),
        (149, ("points_not_a_multiple", "use 100 or 150")),
    ],
)
def test_too_few_points_and_no_multiple_are_refused_with_what_would_work(points: int, answer: tuple[str, str]) -> None:
    assert refused(CENT, points) == answer


@pytest.mark.parametrize("points", [100, 150, 10_000])
def test_the_minimum_and_its_multiples_may_be_used(points: int) -> None:
    spending.check(CENT, points, "CNY")


@pytest.mark.parametrize(("due", "fits"), [(599, False), (600, True), (601, True)])
def test_points_pay_their_part_of_a_purchase_and_no_more(due: int, fits: bool) -> None:
    if fits:
        spending.check(CENT, 300, "CNY", due)
    else:
        assert refused(CENT, 300, due) == ("points_over_share", "use 250 at most")


def test_a_purchase_too_small_to_use_points_on_says_so() -> None:
    assert refused(CENT, 100, 199) == ("points_over_share", "this purchase is too small to use points on")


def test_a_minimum_that_is_no_multiple_is_brought_up_to_one() -> None:
    wallet = replace(CENT, spending=Spending(120, 50))
    assert spending.least(wallet) == 150
    assert refused(wallet, 100) == ("points_below_minimum", "use 150 at least")


def test_points_are_used_for_whole_minor_units_of_money() -> None:
    assert (spending.step(HALF_A_CENT), spending.least(HALF_A_CENT)) == (10, 10)
    assert (spending.step(TWO_CENTS_OF_THREE), spending.least(TWO_CENTS_OF_THREE)) == (3, 3)
    assert refused(TWO_CENTS_OF_THREE, 4) == ("points_not_a_multiple", "use 3 or 6")


@pytest.mark.parametrize(("amount", "points"), [(1, None), (2, 3), (3, None), (4, 6)])
def test_a_sum_of_money_is_one_number_of_points_or_none(amount: int, points: int | None) -> None:
    assert spending.points_for(TWO_CENTS_OF_THREE, amount) == points


@pytest.mark.parametrize(("points", "needed"), [(999, False), (1000, False), (1001, True)])
def test_above_its_limit_a_redemption_needs_a_proof(points: int, needed: bool) -> None:
    assert spending.proofs_needed(CENT, points) == (frozenset({"code"}) if needed else frozenset())


def test_without_a_limit_no_proof_is_needed() -> None:
    assert spending.proofs_needed(HALF_A_CENT, 10**9) == frozenset()


@pytest.mark.parametrize(("available", "due", "points"), [
    (99, None, 0), (100, None, 100), (149, None, 100), (10_000, 700, 350), (10_000, 699, 300), (10_000, 199, 0), (120, 700, 100),
])  # fmt: skip
def test_the_most_points_that_could_be_used(available: int, due: int | None, points: int) -> None:
    assert spending.most(CENT, available, due) == points


def test_a_programme_spends_money_where_one_of_its_wallets_does() -> None:
    assert not spending.spends_money(replace(CORNER_COFFEE, wallets=(replace(BEANS, spending="rewards_only"),)))
    assert spending.spends_money(replace(CORNER_COFFEE, wallets=(replace(BEANS, spending="rewards_only"), CENT)))


@given(wallets, st.integers(0, 100_000), st.integers(0, 100_000))
def test_the_most_may_be_used_is_worth_whole_money_and_one_step_more_may_not(
    wallet: Wallet, available: int, due: int
) -> None:
    points = spending.most(wallet, available, due)
    if points:
        spending.check(wallet, points, "CNY", due)
        worth = spending.worth_minor(wallet, points)
        assert spending.points_for(wallet, worth) == points <= available
    more = max(points + spending.step(wallet), spending.least(wallet))
    assert more > available or not spending.fits_share(wallet, more, due)
