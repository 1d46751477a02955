"""Occasions as values: the days in a member's life that a programme notices, and what they bring."""

from dataclasses import dataclass
from typing import Literal

from rules.conditions import Condition
from rules.periods import Period


@dataclass(frozen=True, slots=True)
class OnMemberDate:
    name: str


@dataclass(frozen=True, slots=True)
class OnHoliday:
    country: str
    name: str


@dataclass(frozen=True, slots=True)
class OnLunar:
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class OnDate:
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class AfterPurchase:
    after: Period


OccasionOn = (
    Literal["birthday", "anniversary", "enrolment", "tier_upgrade"]
    | OnMemberDate
    | OnHoliday
    | OnLunar
    | OnDate
    | AfterPurchase
)


@dataclass(frozen=True, slots=True)
class PointsGift:
    points: int
    wallet: str
    times_years: bool = False


@dataclass(frozen=True, slots=True)
class RewardGift:
    reward: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """A day in a member's life that the programme notices."""

    id: str
    on: OccasionOn
    leap_day: Literal["feb-28", "mar-01"] = "feb-28"
    span: Literal["day", "week", "month"] = "day"
    needs: Condition | None = None
    give: tuple[PointsGift | RewardGift, ...] = ()
    message: str | None = None
    lead: Period | None = None
    """How long the member's date must have been known on its day."""
