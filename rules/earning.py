"""What one earning rule gives on the lines that it sees, as integers of the wallet's scale wherever that is exact."""

from collections.abc import Mapping
from fractions import Fraction
from typing import assert_never

from rules.basket import Basket, exact, ratio
from rules.facts import Line, Number
from rules.plan import Prepared
from rules.programme import EarnRule, PerFact, PerMoney, PerPurchase, PerUnit
from rules.views import by_views, seen_by


def earn(rule: Prepared[EarnRule], basket: Basket) -> Number:
    """Return what the rule gives, in units of 1 / `scale`."""
    match rule.rule.earn:
        case PerMoney(per_minor=per_minor, whole=True):
            return rule.rate * (seen_by(rule.view, basket.money) // per_minor)
        case PerPurchase():
            return rule.rate
        case _:
            return exact(rule.rate * seen_by(rule.view, _weights(rule, basket)))


def earned_on(view: int, rule: Prepared[EarnRule], basket: Basket, total: Number) -> Number:
    """Return what of the `total` that a rule gave belongs to the lines that `view` sees too."""
    match rule.rule.earn:
        case PerMoney(whole=True) | PerPurchase():
            return _share(rule.view | view, rule, basket, total)
        case _:
            return exact(rule.rate * seen_by(rule.view | view, _weights(rule, basket)))


def _share(views: int, rule: Prepared[EarnRule], basket: Basket, total: Number) -> Number:
    """Return the part that the lines seen by `views` have in what a rule gave for the purchase as a whole.

    It is in proportion to their eligible money; equal for all lines, where there is none.
    """
    weights = basket.money
    whole = seen_by(rule.view, weights)
    if not whole:
        weights = by_views(basket.seen, [1] * len(basket.lines))
        whole = seen_by(rule.view, weights)
    there = seen_by(views, weights)
    if isinstance(there, int) and isinstance(whole, int):
        return ratio(total, there, whole)
    return exact(Fraction(total) * there / whole)


def _weights(rule: Prepared[EarnRule], basket: Basket) -> Mapping[int, Number]:
    """Return what counts of the lines, by their views: money, units, or a number that the till sends."""
    match rule.rule.earn:
        case PerMoney() | PerPurchase():
            return basket.money
        case PerUnit(paid=paid):
            units = basket.left([line.quantity for line in basket.lines])
            if paid:
                units = [count if money else 0 for count, money in zip(units, basket.eligible, strict=True)]
            return by_views(basket.seen, units)
        case PerFact() as fact:
            return by_views(basket.seen, basket.left([_number(fact, line) for line in basket.lines]))
        case _:
            assert_never(rule.rule.earn)


def _number(fact: PerFact, line: Line) -> Number:
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
