"""Rewards as values: what points buy or a gift brings, what it is worth, and who may have it how often."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from rules.periods import Period
from rules.programme.common import Texts, TimesPer


@dataclass(frozen=True, slots=True)
class AmountOff:
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PercentOff:
    rate: Fraction
    at_most_minor: int | None = None


@dataclass(frozen=True, slots=True)
class FreeProduct:
    sku: str


@dataclass(frozen=True, slots=True)
class FreeOfCategory:
    category: str


RewardWorth = AmountOff | PercentOff | FreeProduct | FreeOfCategory


@dataclass(frozen=True, slots=True)
class Cost:
    points: int
    wallet: str


@dataclass(frozen=True, slots=True)
class Reward:
    """What points buy, or a gift brings."""

    id: str
    name: Texts
    worth: RewardWorth
    cost: Cost | None = None
    levels: frozenset[str] = frozenset()
    """Only for these levels; empty for everyone."""
    minimum_purchase_minor: int = 0
    valid: Period | Literal["span"] | None = None
    stock: int | None = None
    per_member: TimesPer | None = None
    automatic: bool = False
