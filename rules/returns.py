"""What a return takes back: what was granted, less what the remaining basket earns under the facts that decided.

Source: PROGRAMME.md, Returns. The points kept depend only on what is left of the purchase, so any order and any split
of returns agrees, and when nothing is left nothing is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from rules.accrual import Decisions, rework
from rules.eligible import net_amounts, net_spend, visits
from rules.errors import Invalid
from rules.facts import Purchase
from rules.plan import Plan


@dataclass(frozen=True, slots=True)
class Kept:
    """What a purchase still gives: wallet to points, cap to its use, and the money (minor units) and visits for tiers."""

    points: Mapping[str, int]
    cap_use: Mapping[str, int]
    net_spend_minor: int
    visits: int


def everything(purchase: Purchase) -> dict[str, int]:
    """Return what is left of a purchase from which nothing came back; a line of quantity 0 counts as one whole."""
    return {line.line_id: line.quantity or 1 for line in purchase.lines}


def left_after(purchase: Purchase, before: Mapping[str, int], returned: Mapping[str, int] | None) -> dict[str, int]:
    """Return the units left of each line after `returned` (line id to units; None for all that is left).

    Raises `Invalid` for a line that isn't there and for more than is left; every wrong line is named at once.
    """
    if returned is None:
        if not any(before.values()):
            raise Invalid("nothing_left_to_return", "Everything of this purchase has come back already.")
        return dict.fromkeys(before, 0)
    asked = _whole_where_none(purchase, returned)
    errors = {f"lines.{line}": [message] for line, units in asked.items() if (message := _wrong(line, units, before))}
    if errors:
        raise Invalid(
            "return_exceeds_purchase",
            "The return does not fit what is left of the purchase.",
            errors,
        )
    return {line: units - asked.get(line, 0) for line, units in before.items()}


def _whole_where_none(purchase: Purchase, returned: Mapping[str, int]) -> dict[str, int]:
    """A line of quantity 0 comes back whole, whatever number of units the till names."""
    no_units = {line.line_id for line in purchase.lines if line.quantity == 0}
    return {line: 1 if line in no_units else units for line, units in returned.items()}


def _wrong(line: str, units: int, before: Mapping[str, int]) -> str | None:
    if line not in before:
        return f"the purchase has no such line; it has {', '.join(before)}"
    if units < 1:
        return f"{units} can't come back: name at least one unit, or leave the line out"
    if units > before[line]:
        return f"{units} can't come back: {before[line]} left of this line"
    return None


def kept(
    plan: Plan,
    purchase: Purchase,
    decisions: Decisions,
    granted: Mapping[str, int],
    left: Mapping[str, int],
) -> Kept:
    """Return what the purchase still gives when `left` is what remains of its lines.

    It is never more than was `granted` (wallet to points), whatever the remaining basket would earn by itself.
    """
    if not any(left.values()):
        return Kept({}, {}, 0, 0)
    again = rework(plan, purchase, decisions, left)
    points = {wallet: min(points, again.points.get(wallet, 0)) for wallet, points in granted.items()}
    return Kept(points, again.cap_use, net_spend(purchase, left), visits(purchase, left))


def returned_share(purchase: Purchase, left: Mapping[str, int]) -> Fraction:
    """Return the part of a purchase's money that has come back when `left` is what remains of its lines.

    By net line amounts, shipping too, for that is what was paid. When nothing is left it is all of it.
    """
    if not any(left.values()):
        return Fraction(1)
    net = net_amounts(purchase)
    cost = sum(net)
    if cost == 0:
        return Fraction(0)
    lines = zip(purchase.lines, net, strict=True)
    remaining = sum((Fraction(amount * left[line.line_id], line.quantity or 1) for line, amount in lines), Fraction(0))
    return 1 - remaining / cost


def points_back(spent: int, share: Fraction) -> int:
    """Return how many of the points spent on a purchase are back, in all, when so much of it has come back."""
    return floor(spent * share)
