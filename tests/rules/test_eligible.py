from dataclasses import replace

import pytest
from hypothesis import given

from rules.eligible import eligible_amounts, net_amounts, net_spend, visits
from rules.facts import Line, Purchase, Tender
from rules.programme import Basis
from tests.rules.reference import eligible, net
from tests.rules.samples import line, purchase
from tests.rules.strategies import bases, purchases, unhurried

THREE = purchase(line("a", 1000), line("b", 1000), line("c", 1000))
EVERYTHING = Basis(shipping=True)


def counted(bought: Purchase, basis: Basis = EVERYTHING) -> tuple[int, ...]:
    return eligible_amounts(bought, basis, net_amounts(bought))


def test_the_order_discount_is_shared_to_the_cent() -> None:
    assert net_amounts(replace(THREE, order_discount_minor=100)) == (966, 967, 967)


def test_shares_go_by_line_id_whatever_the_order_of_the_lines() -> None:
    turned = replace(THREE, lines=THREE.lines[::-1], order_discount_minor=100)
    assert net_amounts(turned) == (967, 967, 966)


def test_the_share_of_a_larger_line_is_larger() -> None:
    bought = purchase(line("a", 4000), line("b", 1000), order_discount_minor=500)
    assert net_amounts(bought) == (3600, 900)


def test_an_order_discount_above_the_sum_leaves_nothing_and_never_less() -> None:
    assert net_amounts(replace(THREE, order_discount_minor=9999)) == (0, 0, 0)


def test_the_discount_of_a_line_is_for_information() -> None:
    assert counted(purchase(line("a", 4000, discount_minor=600))) == (4000,)


def test_what_excluded_tenders_paid_comes_off_after_the_order_discount() -> None:
    bought = purchase(
        line("a", 4000),
        line("b", 1000),
        order_discount_minor=500,
        tenders=(Tender("points", 900), Tender("gift_card", 450), Tender("card", 3150)),
    )
    assert counted(bought, Basis(tenders_excluded=frozenset({"points"}))) == (2880, 720)
    assert counted(bought, Basis(tenders_excluded=frozenset({"points", "gift_card"}))) == (
        2520,
        630,
    )
    assert counted(bought, Basis()) == (3600, 900)


def test_a_purchase_paid_with_points_alone_has_nothing_that_counts() -> None:
    bought = replace(THREE, tenders=(Tender("points", 3000),))
    assert counted(bought, Basis(tenders_excluded=frozenset({"points"}))) == (0, 0, 0)


def test_tax_comes_off_where_the_basis_says_so_and_never_below_nothing() -> None:
    bought = purchase(line("a", 1000, tax_minor=57), line("b", 100, tax_minor=90), order_discount_minor=550)
    assert net_amounts(bought) == (500, 50)
    assert counted(bought, Basis(tax_included=False)) == (443, 0)
    assert counted(bought, Basis(tax_included=True)) == (500, 50)


def test_shipping_counts_only_if_the_basis_says_so_but_bears_its_share_of_the_discount() -> None:
    bought = purchase(line("a", 3000), line("ship", 1000, kind="shipping"), order_discount_minor=400)
    assert counted(bought, Basis(shipping=False)) == (2700, 0)
    assert counted(bought, Basis(shipping=True)) == (2700, 900)


def test_net_spend_is_goods_after_discounts() -> None:
    bought = purchase(line("a", 3000, 2), line("ship", 1000, kind="shipping"), order_discount_minor=400)
    assert net_spend(bought) == 2700
    assert net_spend(bought, {"a": 1, "ship": 1}) == 1350
    assert net_spend(bought, {"a": 0, "ship": 1}) == 0


@pytest.mark.parametrize(
    ("left", "spent"), [({"a": 1, "b": 1}, 666), ({"a": 2, "b": 1}, 1000), ({"a": 1, "b": 3}, 1333)]
)
def test_parts_of_a_cent_are_dropped_once_for_the_purchase(left: dict[str, int], spent: int) -> None:
    bought = purchase(line("a", 1000, 3), line("b", 1000, 3))
    assert net_spend(bought, left) == spent


def test_a_line_of_quantity_0_is_spent_whole_or_not_at_all() -> None:
    bought = purchase(line("a", 1000, 0))
    assert (net_spend(bought, {"a": 1}), net_spend(bought, {"a": 0})) == (1000, 0)


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([line("1", 0, 0)], 0),
        ([line("1", 0, 1)], 1),
        ([line("1", 1, 0)], 1),
        ([line("1", 600, kind="shipping")], 0),
        ([line("1", 600, kind="shipping"), line("2", 0, 1)], 1),
    ],
)
def test_a_visit_is_a_purchase_of_goods(lines: list[Line], count: int) -> None:
    assert visits(purchase(*lines)) == count


@unhurried
@given(purchases(), bases)
def test_what_counts_is_what_the_text_says(bought: Purchase, basis: Basis) -> None:
    ids = [line.line_id for line in bought.lines]
    assert dict(zip(ids, net_amounts(bought), strict=True)) == net(bought)
    assert dict(zip(ids, counted(bought, basis), strict=True)) == eligible(bought, basis)


@unhurried
@given(purchases())
def test_discounted_lines_add_up_to_the_cent(bought: Purchase) -> None:
    total = sum(line.amount_minor for line in bought.lines)
    assert sum(net_amounts(bought)) == total - bought.order_discount_minor
