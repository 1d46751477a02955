"""Accrual as values: rules that earn, multiply, add points or take lines out, what limits them, and points for events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Literal

from rules.conditions import Condition
from rules.filters import LineFilter
from rules.periods import Per, Period
from rules.programme.common import NO_TIME, Texts


@dataclass(frozen=True, slots=True)
class PerMoney:
    """`points` for each `per_minor` of eligible money; with `whole` only for whole ones."""

    points: Fraction
    per_minor: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class PerUnit:
    """`points` for each unit; with `paid` only for units of lines that have money left on them."""

    points: Fraction
    paid: bool = False


@dataclass(frozen=True, slots=True)
class PerPurchase:
    """`points` for a purchase of which the rule sees at least one line."""

    points: Fraction


@dataclass(frozen=True, slots=True)
class PerFact:
    """`points` for each one of a number that the till sends with a line, at least so many, times a rate from a table.

    `rates` maps a word of the fact `rate_by` to a rate; a line whose word is not in the table gives nothing.
    """

    points: Fraction
    fact: str
    at_least: Fraction | None = None
    rate_by: str | None = None
    rates: Mapping[str, Fraction] = field(default_factory=dict)


Earning = PerMoney | PerUnit | PerPurchase | PerFact


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    id: str
    name: Texts = field(default_factory=dict)
    lines: LineFilter = ()
    when: Condition | None = None
    starts_at: datetime | None = None
    """Aware; inclusive."""
    ends_at: datetime | None = None
    """Aware; exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PointsRule(_Rule):
    wallet: str
    exclusive: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnRule(_PointsRule):
    """Gives points for what was bought."""

    earn: Earning


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplyRule(_PointsRule):
    """Multiplies what earning rules gave on the lines it sees: a factor of 2 adds once as much again."""

    factor: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusRule(_PointsRule):
    """Adds points, once a purchase."""

    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludeRule(_Rule):
    """Takes lines out, for every wallet: its `lines` are those that count for nothing."""


PointsRule = EarnRule | MultiplyRule | BonusRule
Rule = PointsRule | ExcludeRule


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `points` from `rules` together, a member or everyone, in each period."""

    id: str
    wallet: str
    rules: frozenset[str]
    per: Per
    points: int
    over: Literal["member", "everyone"] = "member"


@dataclass(frozen=True, slots=True)
class EventCap:
    per: Per
    points: int


@dataclass(frozen=True, slots=True)
class UntilEvent:
    """Points wait until an event of this name comes that names the event that gave them."""

    event: str


@dataclass(frozen=True, slots=True)
class EventRule:
    """Points for anything that is not a purchase: a review, a survey answer, a check-in."""

    id: str
    event: str
    wallet: str
    points: int
    once_per: tuple[str, ...] = ()
    pending: Period | UntilEvent = NO_TIME
    cap: EventCap | None = None
