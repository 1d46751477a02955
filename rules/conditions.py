"""When a rule applies: the closed set of conditions. Whether one holds is judged in `rules.judging`.

Source: PROGRAMME.md, Conditions (the list there is complete). Bounds named `ends` or `to` are exclusive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Literal

from rules.filters import Bounds, LineFilter, Words
from rules.periods import Period

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class All:
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: "Condition"


class AboutPurchase:
    """A condition that looks at the purchase; the others look at the member."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Spent(AboutPurchase):
    """The money of the purchase, or of some of its lines, in minor units, after the order discount's share."""

    bounds: Bounds
    of: LineFilter = ()


@dataclass(frozen=True, slots=True)
class Units(AboutPurchase):
    bounds: Bounds
    of: LineFilter = ()


@dataclass(frozen=True, slots=True)
class TimeOfDay(AboutPurchase):
    """Local time in [starts, ends); a window that ends before it starts runs over midnight."""

    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class OnWeekday(AboutPurchase):
    days: frozenset[Weekday]


@dataclass(frozen=True, slots=True)
class DayOfMonth(AboutPurchase):
    """Days of the month; `last` is the month's last one, whichever that is."""

    days: frozenset[int | Literal["last"]]


@dataclass(frozen=True, slots=True)
class DateBetween(AboutPurchase):
    """The business day in [starts_on, ends_on); a missing end is open."""

    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class AtStore(AboutPurchase):
    stores: Words


@dataclass(frozen=True, slots=True)
class AtStoreGroup(AboutPurchase):
    groups: Words


@dataclass(frozen=True, slots=True)
class ByChannel(AboutPurchase):
    channels: Words


@dataclass(frozen=True, slots=True)
class PaidBy(AboutPurchase):
    """One of the tenders is of such a kind, or with `not_in` none is."""

    kinds: Words


@dataclass(frozen=True, slots=True)
class WithCoupon(AboutPurchase):
    codes: Words


@dataclass(frozen=True, slots=True)
class HasLevel:
    levels: Words


@dataclass(frozen=True, slots=True)
class InSegment:
    segments: Words


@dataclass(frozen=True, slots=True)
class MemberFor:
    at_least: Period


@dataclass(frozen=True, slots=True)
class Age:
    """Full years on the business day; fails for a member whose year of birth is not known."""

    bounds: Bounds


@dataclass(frozen=True, slots=True)
class BirthdayIs:
    """The business day is the birthday, or in its week (from Monday), or in its month."""

    span: Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class PurchasesBefore:
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class DaysSincePurchase:
    """Whole days since the member's last purchase; fails for a first purchase."""

    bounds: Bounds


@dataclass(frozen=True, slots=True)
class PurchaseWithin:
    """The member bought something in the period before; for `needs` of occasions and rewards."""

    period: Period


@dataclass(frozen=True, slots=True)
class HasAttribute:
    name: str
    test: Words


OfPurchase = (
    Spent | Units | TimeOfDay | OnWeekday | DayOfMonth | DateBetween
    | AtStore | AtStoreGroup | ByChannel | PaidBy | WithCoupon
)  # fmt: skip
OfMember = (
    HasLevel | InSegment | MemberFor | Age | BirthdayIs
    | PurchasesBefore | DaysSincePurchase | PurchaseWithin | HasAttribute
)  # fmt: skip
Condition = All | AnyOf | Not | OfPurchase | OfMember


def line_filters(condition: Condition) -> Iterator[LineFilter]:
    """Yield every filter with which a condition picks lines."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from line_filters(part)
        case Not(part):
            yield from line_filters(part)
        case Spent(of=of) | Units(of=of):
            yield of
        case _:
            return


def asks_for_profile(condition: Condition) -> bool:
    """Tell whether a condition looks at the person: a birthday, an age, a segment, an attribute."""
    match condition:
        case All(parts) | AnyOf(parts):
            return any(asks_for_profile(part) for part in parts)
        case Not(part):
            return asks_for_profile(part)
        case _:
            return isinstance(condition, Age | BirthdayIs | InSegment | HasAttribute)


def part_at(condition: Condition, path: str) -> Condition:
    """Return the part of `condition` that a path of `judging.condition_tests` names."""
    for step in path.split(".")[1:]:
        if isinstance(condition, All):
            condition = condition.conditions[int(step.removeprefix("all[").removesuffix("]"))]
    return condition
