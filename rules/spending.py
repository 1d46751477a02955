"""Whether so many points may be used as money, what they are worth, and how many a purchase could take.

Points that are used are always worth a whole number of minor units: where a point is worth half a cent they go in twos,
so that nobody gains or loses by rounding, and a sum of money is one number of points (docs/decisions/0020-points-are-whole-money.md).
Source: PROGRAMME.md, `spending` of a wallet.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Literal

from rules.errors import Invalid
from rules.money import format_amount
from rules.programme import Programme, Spending, Wallet

Proved = Literal["token", "code"]


def spending_of(wallet: Wallet) -> Spending | None:
    """Return how the wallet's points may be used as money; None where they only buy rewards."""
    return wallet.spending if isinstance(wallet.spending, Spending) else None


def spends_money(programme: Programme) -> bool:
    """Tell whether the points of any wallet may be used as money: then a tender "points" names a redemption."""
    return any(spending_of(wallet) for wallet in programme.wallets)


def step(wallet: Wallet) -> int:
    """Return the number that points are used in multiples of: the programme's, and whole minor units of money."""
    spending, rate = _terms(wallet)
    return lcm(spending.multiple, rate.denominator)


def least(wallet: Wallet) -> int:
    """Return the fewest points that may be used: the minimum, brought up to a multiple."""
    spending, _ = _terms(wallet)
    each = step(wallet)
    return ceil(Fraction(spending.minimum, each)) * each


def most(wallet: Wallet, available: int, due_minor: int | None = None) -> int:
    """Return the most points that may be used of so many, on a purchase of so much where one is named; 0 for none."""
    spending, rate = _terms(wallet)
    points = available
    if due_minor is not None:
        points = min(points, floor(due_minor * spending.share_of_purchase / rate))
    points -= points % step(wallet)
    return points if points >= least(wallet) else 0


def worth_minor(wallet: Wallet, points: int) -> int:
    """Return what points are worth, in minor units; a part of one, which no redemption has, is dropped."""
    _, rate = _terms(wallet)
    return floor(points * rate)


def points_for(wallet: Wallet, amount_minor: int) -> int | None:
    """Return the points that are worth exactly so much money; None where no number of them is."""
    _, rate = _terms(wallet)
    points = amount_minor / rate
    return int(points) if points.denominator == 1 else None


def check(wallet: Wallet, points: int, currency: str, due_minor: int | None = None) -> None:
    """Raise `Invalid`, with what would work, where so many points can't be used, on a purchase of so much where named."""
    fewest, each = least(wallet), step(wallet)
    if points < fewest:
        raise Invalid("points_below_minimum", *_words(f"{points} points are too few.", f"use {fewest} at least"))
    if points % each:
        below, above = points - points % each, points - points % each + each
        near = f"{below} or {above}" if below >= fewest else str(above)
        detail = f"Points of the wallet {wallet.id} are used in multiples of {each}, and {points} is none."
        raise Invalid("points_not_a_multiple", *_words(detail, f"use {near}"))
    if due_minor is not None and not fits_share(wallet, points, due_minor):
        spending, _ = _terms(wallet)
        most_here = most(wallet, points, due_minor)
        worth = format_amount(worth_minor(wallet, points), currency)
        detail = f"{points} points are worth {worth}, more than {_percent(spending.share_of_purchase)} of the purchase."
        remedy = f"use {most_here} at most" if most_here else "this purchase is too small to use points on"
        raise Invalid("points_over_share", *_words(detail, remedy))


def fits_share(wallet: Wallet, points: int, due_minor: int) -> bool:
    """Tell whether points are worth no more than the part of a purchase that they may pay."""
    spending, rate = _terms(wallet)
    return points * rate <= due_minor * spending.share_of_purchase


def fit_together(parts: Sequence[tuple[Wallet, int]], due_minor: int) -> bool:
    """Tell whether points of one wallet, each under the terms of its time, pay no more of a purchase together than they may."""
    worth = sum(points * _terms(wallet)[1] for wallet, points in parts)
    return all(worth <= due_minor * _terms(wallet)[0].share_of_purchase for wallet, _ in parts)


def proofs_needed(wallet: Wallet, points: int) -> frozenset[Proved]:
    """Return the proofs of which a redemption of so many points needs one; none for few, or for rewards only."""
    spending = spending_of(wallet)
    if spending is None or spending.proof is None or points <= spending.proof.above:
        return frozenset()
    return spending.proof.by


def _terms(wallet: Wallet) -> tuple[Spending, Fraction]:
    spending = spending_of(wallet)
    assert spending is not None, "rewards only"
    assert wallet.worth_minor is not None, "a programme's document says what points are worth that are used as money"
    return spending, wallet.worth_minor


def _words(detail: str, remedy: str) -> tuple[str, dict[str, list[str]]]:
    return f"{detail} {remedy[0].upper()}{remedy[1:]}.", {"points": [remedy]}


def _percent(share: Fraction) -> str:
    return f"{format_amount(int(share * 10_000), 'XXX').removesuffix('.00')}%"
