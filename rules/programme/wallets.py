"""Wallets as values: what of a purchase counts for a kind of points, when points lapse, and how they are spent."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from rules.periods import Period
from rules.programme.common import NO_TIME, Texts

Rounding = Literal["floor", "half_up", "ceiling"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What of a line's money counts."""

    tax_included: bool = True
    shipping: bool = False
    tenders_excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RollingExpiry:
    """A lot lapses so long after it was earned, that day or at the end of that month."""

    after: Period
    end_of_month: bool = False


@dataclass(frozen=True, slots=True)
class YearlyExpiry:
    """A lot lapses on the first such day of a year that is at least `after` away."""

    month: int
    day: int
    after: Period


Activity = Literal["purchase", "redemption", "event", "adjustment"]
"""What can show that a member still takes part."""
BY_PURCHASE: Final = frozenset[Activity]({"purchase"})


@dataclass(frozen=True, slots=True)
class InactivityExpiry:
    """Lots carry no end; they lapse when their account has seen none of `renewed_by` for so long."""

    after: Period
    renewed_by: frozenset[Activity] = BY_PURCHASE


EndingExpiry = RollingExpiry | YearlyExpiry | None
"""Ways to lapse in which the day is known when points are earned."""


@dataclass(frozen=True, slots=True)
class LevelExpiry:
    """How a lot lapses goes by the level that the member had when the points were earned."""

    by_level: tuple[tuple[str, EndingExpiry], ...]
    otherwise: EndingExpiry

    def of(self, level: str | None) -> EndingExpiry:
        """Return how lots of a level lapse."""
        return next((ending for name, ending in self.by_level if name == level), self.otherwise)


Expiry = RollingExpiry | YearlyExpiry | InactivityExpiry | LevelExpiry | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Above so many points a redemption needs one of these proofs."""

    above: int
    by: frozenset[Literal["token", "code"]]


@dataclass(frozen=True, slots=True)
class Spending:
    """How points may be used as money. `share_of_purchase` is a rate (1/2 for 50%)."""

    minimum: int = 1
    multiple: int = 1
    share_of_purchase: Fraction = Fraction(1)
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """One kind of points."""

    id: str
    name: Texts
    rounding: Rounding = "floor"
    basis: Basis = Basis()
    pending: Period = NO_TIME
    expiry: Expiry = None
    worth_minor: Fraction | None = None
    """Minor units of money per point, exactly."""
    spending: Spending | Literal["rewards_only"] = "rewards_only"
    on_return: Literal["allow_debt", "clamp"] = "allow_debt"
