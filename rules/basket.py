"""What is left of a purchase, as rules see it: which lines count, how much of each, and for how many units."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from rules.eligible import eligible_amounts, is_bought
from rules.facts import Line, Number, Purchase
from rules.plan import Plan
from rules.programme import Basis

Remaining = Mapping[str, int]
"""Line id to the units that have not come back; a line that is not named is whole, one of quantity 0 is whole or 0."""


class Basket(NamedTuple):
    """A purchase, or what is left of it, as one plan sees it; lines are known by their places."""

    purchase: Purchase
    portions: tuple[Number, ...] | None
    """What part of each line is left; None where everything is."""
    seen: tuple[tuple[int, ...], ...]
    """For each of the plan's views the places of the lines that count and pass it."""
    goods: tuple[tuple[int, ...], ...]
    """The same without shipping, which counts only for wallets whose basis says so."""
    eligible: tuple[Sequence[Number], ...]
    """For each of the plan's bases what counts of each line's money, in minor units."""

    def under(self, basis: Basis) -> "Basket":
        """Return the basket as a wallet with this basis sees it."""
        return self if basis.shipping or self.goods is self.seen else self._replace(seen=self.goods)

    def units(self, place: int) -> Number:
        """Return how many units of a line are left."""
        quantity = self.purchase.lines[place].quantity
        return quantity if self.portions is None else exact(quantity * self.portions[place])

    def left(self, place: int, number: Number) -> Number:
        """Return what is left of a number that the whole line has."""
        return number if self.portions is None else exact(number * self.portions[place])


def make_basket(
    plan: Plan,
    purchase: Purchase,
    net: tuple[int, ...],
    passed: Sequence[tuple[int, ...]],
    failed: Mapping[str, str],
    remaining: Remaining | None = None,
) -> Basket:
    """Return the basket of `purchase` without the lines that the exclude rules outside `failed` take out.

    `passed` is what the plan's views said of the lines.
    """
    portions = None if remaining is None else tuple([_portion(line, remaining) for line in purchase.lines])
    eligible = tuple([_eligible(eligible_amounts(purchase, basis, net), portions) for basis in plan.bases])
    seen = _seen(plan, passed, _counting(purchase, portions), failed)
    return Basket(purchase, portions, seen, goods_among(purchase, seen), eligible)


def goods_among(purchase: Purchase, seen: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Return what is seen without the lines that are shipping."""
    shipping = {place for place, line in enumerate(purchase.lines) if line.kind == "shipping"}
    if not shipping:
        return seen
    return tuple([tuple([place for place in places if place not in shipping]) for places in seen])


def _counting(purchase: Purchase, portions: Sequence[Number] | None) -> Sequence[Number]:
    """Return for each line something other than 0 where rules see it: it was bought, and something of it is left."""
    bought = [is_bought(line) for line in purchase.lines]
    return bought if portions is None else [part if there else 0 for part, there in zip(portions, bought, strict=True)]


def _seen(
    plan: Plan, passed: Sequence[tuple[int, ...]], counting: Sequence[Number], failed: Mapping[str, str]
) -> tuple[tuple[int, ...], ...]:
    excluded = {rule.view for rule in plan.excludes if rule.id not in failed}
    seen: list[list[int]] = [[] for _ in plan.views.filters]
    for place, views in enumerate(passed):
        if counting[place] and excluded.isdisjoint(views):
            for view in views:
                seen[view].append(place)
    return tuple(map(tuple, seen))


def _eligible(whole: tuple[int, ...], portions: Sequence[Number] | None) -> Sequence[Number]:
    if portions is None:
        return whole
    return [exact(amount * portion) for amount, portion in zip(whole, portions, strict=True)]


def _portion(line: Line, remaining: Remaining) -> Number:
    left = remaining.get(line.line_id)
    if left is None or left == line.quantity != 0:
        return 1
    return Fraction(left, line.quantity) if left and line.quantity else min(left, 1)


def exact(number: Number) -> Number:
    """Return the same number as an int where it is whole: integers are what makes the rest fast."""
    return number if isinstance(number, int) or number.denominator != 1 else number.numerator


def ratio(number: Number, numerator: int, denominator: int) -> Number:
    """Return `number * numerator / denominator`, as an int where it is whole."""
    product = number * numerator
    if isinstance(product, int) and product % denominator == 0:
        return product // denominator
    return exact(Fraction(product) / denominator)
