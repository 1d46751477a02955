"""Tiers as values: what is counted, over which time, and the ladder of levels with their benefits."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from rules.periods import Per, Period
from rules.programme.common import NO_TIME, Texts


@dataclass(frozen=True, slots=True)
class PointsOf:
    """Tier metric: the points that accrual gave in a wallet, less what returns took."""

    wallet: str


Metric = PointsOf | Literal["net_spend", "visits"]


@dataclass(frozen=True, slots=True)
class RollingWindow:
    length: Period


Window = RollingWindow | Literal["calendar_year", "membership_year", "lifetime"]


@dataclass(frozen=True, slots=True)
class Downgrade:
    grace: Period = NO_TIME
    steps: Literal["one", "recalculated", "never"] = "recalculated"


@dataclass(frozen=True, slots=True)
class RewardBenefit:
    reward: str
    times: int
    per: Per


@dataclass(frozen=True, slots=True)
class TextBenefit:
    text: Texts


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the tier ladder. `threshold` is in the metric's unit: points, minor units of money, or visits."""

    id: str
    name: Texts
    threshold: int
    factor: Fraction = Fraction(1)
    """Multiplies what earning rules gave in `wallet`; 1 where the level has no multiplier."""
    wallet: str | None = None
    benefits: tuple[RewardBenefit | TextBenefit, ...] = ()


@dataclass(frozen=True, slots=True)
class Tiers:
    metric: Metric
    window: Window
    downgrade: Downgrade
    levels: tuple[Level, ...]
    """Lowest first; thresholds strictly rise."""
