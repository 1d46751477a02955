"""What one earning rule gives on the lines that it sees, as integers of the wallet's scale wherever that is exact."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import assert_never

from rules.basket import Basket, exact, ratio
from rules.facts import Line, Number
from rules.plan import Prepared
from rules.programme import EarnRule, PerFact, PerMoney, PerPurchase, PerUnit


def earn(rule: Prepared[EarnRule], basket: Basket, eligible: Sequence[Number]) -> Number:
    """Return what the rule gives, in units of 1 / `scale`; `eligible` is what counts of each line's money."""
    match rule.rule.earn:
        case PerPurchase():
            return rule.rate
        case PerMoney(per_minor=per_minor, whole=True):
            return rule.rate * (sum(_weights(rule, basket, eligible)) // per_minor)
        case _:
            return exact(rule.rate * sum(_weights(rule, basket, eligible)))


def earned_on(
    places: Collection[int],
    rule: Prepared[EarnRule],
    basket: Basket,
    eligible: Sequence[Number],
    total: Number,
) -> Number:
    """Return what of the `total` that a rule gave belongs to the lines at `places`.

    What is given for the purchase as a whole (whole amounts, a purchase) belongs to its lines in proportion to their
    eligible money; equally, where there is none.
    """
    weights = _weights(rule, basket, eligible)
    if not any(weights):
        weights = [1] * len(weights)
    there = sum([weight for place, weight in zip(basket.seen[rule.view], weights, strict=True) if place in places])
    whole = sum(weights)
    if isinstance(there, int) and isinstance(whole, int):
        return ratio(total, there, whole)
    return exact(Fraction(total) * there / whole)


def _weights(rule: Prepared[EarnRule], basket: Basket, eligible: Sequence[Number]) -> list[Number]:
    """Return what counts of each line that the rule sees: its part of the points is in proportion to it."""
    seen = basket.seen[rule.view]
    match rule.rule.earn:
        case PerMoney() | PerPurchase():
            return [eligible[place] for place in seen]
        case PerUnit(paid=paid):
            return [basket.units(place) if eligible[place] or not paid else 0 for place in seen]
        case PerFact() as fact:
            lines = basket.purchase.lines
            return [basket.left(place, _number(rule, fact, lines[place])) for place in seen]
        case _:
            assert_never(rule.rule.earn)


def _number(rule: Prepared[EarnRule], fact: PerFact, line: Line) -> Number:
    """The number of the line that counts, at least the rule's minimum, times the rate of the line's word."""
    number = line.facts.get(fact.fact)
    if number is None or isinstance(number, str):
        return 0
    if fact.at_least is not None:
        number = max(number, fact.at_least)
    if fact.rate_by is None:
        return number
    word = line.facts.get(fact.rate_by)
    return number * fact.rates.get(word, 0) if isinstance(word, str) else 0
