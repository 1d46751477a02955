"""Whether a rule applies in a situation, or the first thing that failed: conditions made ready to be asked many times.

A condition is taken apart once, when a plan is made, into plain tests (SPEED.md: closures cost a tenth of going through
the condition each time).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple, assert_never

from rules.birthdays import age_on, birthday_near
from rules.conditions import (
    WEEKDAYS,
    AboutPurchase,
    Age,
    All,
    AnyOf,
    AtStore,
    AtStoreGroup,
    BirthdayIs,
    ByChannel,
    Condition,
    DateBetween,
    DayOfMonth,
    DaysSincePurchase,
    HasAttribute,
    HasLevel,
    InSegment,
    MemberFor,
    Not,
    OfMember,
    OfPurchase,
    OnWeekday,
    PaidBy,
    PurchasesBefore,
    PurchaseWithin,
    Spent,
    TimeOfDay,
    Units,
    WithCoupon,
)
from rules.facts import MemberFacts, Number, Purchase
from rules.periods import plus
from rules.programme import Rule
from rules.views import Views, seen_by

_NO_PURCHASE: Final = Purchase(datetime.min.replace(tzinfo=UTC), (), "")
STARTS: Final = "from"
ENDS: Final = "to"
LOCKED: Final = ".locked"
"""Follows the path of a birthday that would have held, had staff not changed it not long ago."""


class Situation(NamedTuple):
    """What conditions look at: the purchase, the member as it was before, and what follows from both.

    `local` is when it happened on the programme's clock; `passed` gives for each line, in their order, the views that
    see it, and `spent` the money of the goods by these views, in minor units after the share of the order discount.
    """

    purchase: Purchase
    member: MemberFacts
    local: datetime
    passed: Sequence[int]
    spent: Mapping[int, Number]

    @property
    def today(self) -> date:
        """The business day."""
        return self.local.date()

    def units(self, view: int) -> int:
        """Return how many units of goods a view sees."""
        lines = zip(self.purchase.lines, self.passed, strict=True)
        return sum([line.quantity for line, views in lines if views & view and line.kind == "goods"])


Holds = Callable[[Situation], bool]


class Test(NamedTuple):
    """Something that must hold, and by which path it is named where it fails: `when.all[0]`."""

    path: str
    holds: Holds


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """Return the aware instant `at` on the clock of `zone`."""
    return at.astimezone(zone)


def first_failure(tests: Iterable[Test], situation: Situation) -> str | None:
    """Return the path of the first test that failed, or None where all of them hold."""
    for path, holds in tests:
        if not holds(situation):
            return path
    return None


def first_unmet(needs: Iterable[Test], member: MemberFacts, day: date) -> str | None:
    """Return the path of the first need that a member doesn't meet on `day`, where there is no purchase; None for none."""
    return first_failure(needs, Situation(_NO_PURCHASE, member, datetime.combine(day, time()), (), {}))


def rule_tests(rule: Rule, views: Views) -> tuple[Test, ...]:
    """Return all that a rule asks of more than lines: its start, its end, its condition."""
    tests = []
    # Within one zone datetimes compare by the clock on the wall, which says some hours twice a year.
    if (starts_at := rule.starts_at) is not None:
        tests.append(Test(STARTS, lambda now: now.purchase.occurred_at.astimezone(UTC) >= starts_at))
    if (ends_at := rule.ends_at) is not None:
        tests.append(Test(ENDS, lambda now: now.purchase.occurred_at.astimezone(UTC) < ends_at))
    return (*tests, *condition_tests(rule.when, views)) if rule.when is not None else tuple(tests)


def condition_tests(condition: Condition, views: Views, path: str = "when") -> tuple[Test, ...]:
    """Return what must hold for the condition to hold, in its order; `views` know the filters that it names.

    An `any` or a `not` is one test and is named itself: no single part of it is to blame.
    """
    match condition:
        case All(conditions):
            parts = [condition_tests(part, views, f"{path}.all[{place}]") for place, part in enumerate(conditions)]
            return tuple([test for part in parts for test in part])
        case AnyOf(conditions):
            parts = [condition_tests(part, views) for part in conditions]
            return (Test(path + ".any", lambda now: any(first_failure(part, now) is None for part in parts)),)
        case Not(inner):
            part = condition_tests(inner, views)
            return (Test(path + ".not", lambda now: first_failure(part, now) is not None),)
        case BirthdayIs():
            return (Test(path, _of_member(condition)), Test(path + LOCKED, _is_unlocked))
        case _ if isinstance(condition, AboutPurchase):
            return (Test(path, _of_purchase(condition, views)),)
        case _:
            return (Test(path, _of_member(condition)),)


def _of_purchase(condition: OfPurchase, views: Views) -> Holds:
    match condition:
        case Spent(bounds, of):
            view = views.view(of)
            return lambda now: bounds.hold(seen_by(view, now.spent))
        case Units(bounds, of):
            view = views.view(of)
            return lambda now: bounds.hold(now.units(view))
        case TimeOfDay(starts, ends) if starts <= ends:
            return lambda now: starts <= now.local.time() < ends
        case TimeOfDay(starts, ends):
            return lambda now: not ends <= now.local.time() < starts
        case OnWeekday(days):
            numbers = {WEEKDAYS.index(day) for day in days}
            return lambda now: now.local.weekday() in numbers
        case DayOfMonth(month_days):
            return lambda now: (
                now.local.day in month_days or ("last" in month_days and (now.today + timedelta(days=1)).day == 1)
            )
        case DateBetween(starts_on, ends_on):
            first, end = starts_on or date.min, ends_on
            return lambda now: first <= now.today and (end is None or now.today < end)
        case AtStore(stores):
            return lambda now: stores.holds(now.purchase.store)
        case AtStoreGroup(groups):
            return lambda now: groups.values.isdisjoint(now.purchase.store_groups) == groups.negated
        case ByChannel(channels):
            return lambda now: channels.holds(now.purchase.channel)
        case PaidBy(kinds):
            return lambda now: kinds.values.isdisjoint(one.kind for one in now.purchase.tenders) == kinds.negated
        case WithCoupon(codes):
            return lambda now: codes.values.isdisjoint(now.purchase.coupon_codes) == codes.negated
        case _:
            assert_never(condition)


def _of_member(condition: OfMember) -> Holds:
    match condition:
        case HasLevel(levels):
            return lambda now: levels.holds(now.member.level)
        case InSegment(segments):
            return lambda now: segments.values.isdisjoint(now.member.segments) == segments.negated
        case MemberFor(at_least):
            return lambda now: plus(now.member.joined_on, at_least) <= now.today
        case Age():
            return lambda now: _is_of_age(condition, now.member, now.today)
        case BirthdayIs():
            return lambda now: _is_birthday(condition, now.member, now.today)
        case PurchasesBefore(bounds):
            return lambda now: bounds.hold(now.member.purchases_before)
        case DaysSincePurchase(bounds):
            return lambda now: (
                (last := now.member.last_purchase_on) is not None
                and last <= now.today
                and bounds.hold((now.today - last).days)
            )
        case PurchaseWithin(period):
            return lambda now: (last := now.member.last_purchase_on) is not None and now.today <= plus(last, period)
        case HasAttribute(name, wanted):
            return lambda now: wanted.holds(now.member.attributes.get(name))
        case _:
            assert_never(condition)


def _is_of_age(condition: Age, member: MemberFacts, today: date) -> bool:
    age = age_on(member.birthday, today) if member.birthday else None
    return age is not None and condition.bounds.hold(age)


def _is_birthday(condition: BirthdayIs, member: MemberFacts, today: date) -> bool:
    return member.birthday is not None and birthday_near(member.birthday, today, condition.span)


def _is_unlocked(now: Situation) -> bool:
    return (until := now.member.birthday_locked_until) is None or until <= now.today
