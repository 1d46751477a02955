"""What is left of a purchase, as rules see it: which lines count, how much of each, and for how many units."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import NamedTuple

from rules.eligible import eligible_amounts, is_bought
from rules.facts import Line, Number, Purchase
from rules.plan import Plan
from rules.programme import Basis
from rules.views import by_views

Remaining = Mapping[str, int]
"""Line id to the units that have not come back; a line that is not named is whole, one of quantity 0 is whole or 0."""


class Basket(NamedTuple):
    """A purchase, or what is left of it, as wallets with one basis see it; every list is in the order of its lines."""

    lines: Sequence[Line]
    portions: Sequence[Number] | None
    """What part of each line is left; None where everything is."""
    seen: Sequence[int]
    """The views that each line counts for; shipping counts for none where the basis says so."""
    eligible: Sequence[Number]
    """What counts of each line's money, in minor units."""
    money: Mapping[int, Number]
    """The same, added up by the views that see it."""
    views: int
    """The views that see any line."""

    def left(self, figures: Sequence[Number]) -> Sequence[Number]:
        """Return what is left of a figure that each whole line has."""
        return _left(figures, self.portions)


def make_baskets(
    plan: Plan, purchase: Purchase, net: tuple[int, ...], seen: Sequence[int], portions: Sequence[Number] | None
) -> tuple[Basket, ...]:
    """Return the basket for each of the plan's bases; `seen` are the views that each line counts for."""
    return tuple([_basket(purchase, basis, net, seen, portions) for basis in plan.bases])


def _basket(
    purchase: Purchase, basis: Basis, net: tuple[int, ...], seen: Sequence[int], portions: Sequence[Number] | None
) -> Basket:
    if not basis.shipping:
        seen = goods_only(purchase, seen)
    eligible = _left(eligible_amounts(purchase, basis, net), portions)
    money = by_views(seen, eligible)
    return Basket(purchase.lines, portions, seen, eligible, money, reduce(or_, money, 0))


def counted(
    plan: Plan,
    purchase: Purchase,
    passed: Sequence[int],
    portions: Sequence[Number] | None,
    failed: Mapping[str, str],
) -> Sequence[int]:
    """Return for each line the views that it counts for: all those that it `passed`, or none.

    What is nothing bought, or has come back, counts for none; nor does what the exclude rules outside `failed` take out.
    """
    excluded = 0
    for rule in plan.excludes:
        if rule.id not in failed:
            excluded |= rule.view
    lines = zip(purchase.lines, passed, strict=True)
    seen = [views if not views & excluded and is_bought(line) else 0 for line, views in lines]
    return seen if portions is None else [views if left else 0 for views, left in zip(seen, portions, strict=True)]


def goods_only(purchase: Purchase, seen: Sequence[int]) -> Sequence[int]:
    """Return the same views where no line that is shipping counts for any."""
    kinds = [line.kind for line in purchase.lines]
    if "shipping" not in kinds:
        return seen
    return [0 if kind == "shipping" else views for kind, views in zip(kinds, seen, strict=True)]


def portions_of(purchase: Purchase, remaining: Remaining | None) -> Sequence[Number] | None:
    """Return what part of each line is left; None where everything is."""
    return None if remaining is None else [_portion(line, remaining) for line in purchase.lines]


def _portion(line: Line, remaining: Remaining) -> Number:
    left = remaining.get(line.line_id)
    if left is None or left == line.quantity != 0:
        return 1
    return Fraction(left, line.quantity) if left and line.quantity else min(left, 1)


def _left(figures: Sequence[Number], portions: Sequence[Number] | None) -> Sequence[Number]:
    if portions is None:
        return figures
    return [exact(figure * portion) for figure, portion in zip(figures, portions, strict=True)]


def exact(number: Number) -> Number:
    """Return the same number as an int where it is whole: integers are what makes the rest fast."""
    return number if isinstance(number, int) or number.denominator != 1 else number.numerator


def ratio(number: Number, numerator: int, denominator: int) -> Number:
    """Return `number * numerator / denominator`, as an int where it is whole."""
    product = number * numerator
    if not isinstance(product, int):
        return exact(product / denominator)
    return product // denominator if product % denominator == 0 else Fraction(product, denominator)
