"""How much of each line counts: its money, less its share of discounts, of excluded tenders, and of tax.

Source: PROGRAMME.md, Accrual, 1. Shares are in proportion to net line amounts, by largest remainders, so that they add
up to the cent; what is left is never below 0.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor

from rules.facts import Line, Purchase
from rules.money import shares
from rules.programme import Basis


def net_amounts(purchase: Purchase) -> tuple[int, ...]:
    """Return each line's amount less its share of the order discount, in minor units, in the order of the lines."""
    amounts = tuple([line.amount_minor for line in purchase.lines])
    if purchase.order_discount_minor == 0:
        return amounts
    return _less(amounts, _line_shares(purchase, min(purchase.order_discount_minor, sum(amounts)), amounts))


def eligible_amounts(purchase: Purchase, basis: Basis, net: tuple[int, ...]) -> tuple[int, ...]:
    """Return what of each line counts under `basis`, in minor units; `net` is what `net_amounts` returned."""
    excluded = [tender.amount_minor for tender in purchase.tenders if tender.kind in basis.tenders_excluded]
    amounts = net
    if excluded:
        amounts = _less(net, _line_shares(purchase, min(sum(excluded), sum(net)), net))
    taxes = () if basis.tax_included else [line.tax_minor for line in purchase.lines]
    if any(taxes):
        amounts = _less(amounts, taxes)
    kinds = [line.kind for line in purchase.lines]
    if not basis.shipping and "shipping" in kinds:
        amounts = tuple([0 if kind == "shipping" else amount for kind, amount in zip(kinds, amounts, strict=True)])
    return amounts


def net_spend(purchase: Purchase, left: Mapping[str, int] | None = None) -> int:
    """Return the minor units spent on goods, after discounts; of what is `left` (line id to units) where that is given.

    Shipping is no spend. A part of a cent that is left of a line is dropped, once for the purchase.
    """
    goods = [one for one in zip(purchase.lines, net_amounts(purchase), strict=True) if one[0].kind == "goods"]
    if left is None:
        return sum([amount for _, amount in goods])
    parts = (Fraction(amount * left[line.line_id], line.quantity or 1) for line, amount in goods)
    return floor(sum(parts, Fraction(0)))


def is_bought(line: Line) -> bool:
    """Tell whether a line is something bought: without a unit and without money it only says something."""
    return line.quantity > 0 or line.amount_minor > 0


def visits(purchase: Purchase, left: Mapping[str, int] | None = None) -> int:
    """Return how many visits the purchase counts as: 1 where goods were bought and, with `left`, not all came back."""
    goods = (line.line_id for line in purchase.lines if line.kind == "goods" and is_bought(line))
    return 1 if any(left is None or left[line_id] for line_id in goods) else 0


def _less(amounts: Sequence[int], parts: Sequence[int]) -> tuple[int, ...]:
    return tuple(max(0, amount - part) for amount, part in zip(amounts, parts, strict=True))


def _line_shares(purchase: Purchase, total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Split over the lines in the order of their ids, so that the order they were sent in changes nothing."""
    ids = [line.line_id for line in purchase.lines]
    by_id = sorted(range(len(ids)), key=ids.__getitem__)
    placed = [0] * len(ids)
    for i, part in zip(by_id, shares(total, [weights[i] for i in by_id]), strict=True):
        placed[i] = part
    return tuple(placed)
