"""Whether a condition holds in a situation, or the first place in it that failed."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple, assert_never

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
from rules.facts import MemberFacts, Purchase
from rules.filters import LineFilter
from rules.occasions import age_on, birthday_near
from rules.periods import plus


class Situation(NamedTuple):
    """What conditions look at: the purchase, the member as it was before, and what follows from both.

    `local` is when it happened on the programme's clock; `net_minor` is each line's money after its share of the order
    discount, in the order of the lines; `places` gives the places of the lines that a filter sees.
    """

    purchase: Purchase
    member: MemberFacts
    local: datetime
    net_minor: tuple[int, ...]
    places: Callable[[LineFilter], Iterable[int]]


def local_time(at: datetime, zone: tzinfo) -> datetime:
    """Return the aware instant `at` on the clock of `zone`."""
    return at.astimezone(zone)


def first_failure(condition: Condition, situation: Situation, path: str = "when") -> str | None:
    """Return the path of the first condition that failed (`when.all[0]`), or None where the condition holds.

    An `any` or a `not` that fails is named itself: no single part of it is to blame.
    """
    failure = _failure(condition, situation)
    return None if failure is None else path + failure


def _failure(condition: Condition, situation: Situation) -> str | None:
    """Return what follows the condition's own path to what failed in it; nothing where it failed itself."""
    match condition:
        case All(conditions):
            for place, part in enumerate(conditions):
                failure = _failure(part, situation)
                if failure is not None:
                    return f".all[{place}]{failure}"
            return None
        case AnyOf(conditions):
            return None if any(_failure(part, situation) is None for part in conditions) else ".any"
        case Not(inner):
            return None if _failure(inner, situation) is not None else ".not"
        case _ if isinstance(condition, AboutPurchase):
            return None if _purchase_holds(condition, situation) else ""
        case _:
            return None if _member_holds(condition, situation.member, situation.local.date()) else ""


def _purchase_holds(condition: OfPurchase, situation: Situation) -> bool:
    purchase, local = situation.purchase, situation.local
    match condition:
        case Spent(bounds, of):
            return bounds.hold(_sum_goods(situation.net_minor, of, situation))
        case Units(bounds, of):
            return bounds.hold(_sum_goods(tuple([line.quantity for line in purchase.lines]), of, situation))
        case TimeOfDay(starts, ends):
            now = local.time()
            return starts <= now < ends if starts <= ends else now >= starts or now < ends
        case OnWeekday(days):
            return WEEKDAYS[local.weekday()] in days
        case DayOfMonth(days):
            return local.day in days or ("last" in days and (local + timedelta(days=1)).day == 1)
        case DateBetween(starts_on, ends_on):
            day = local.date()
            return (starts_on is None or starts_on <= day) and (ends_on is None or day < ends_on)
        case AtStore(stores):
            return stores.holds(purchase.store)
        case AtStoreGroup(groups):
            return groups.values.isdisjoint(purchase.store_groups) == groups.negated
        case ByChannel(channels):
            return channels.holds(purchase.channel)
        case PaidBy(kinds):
            return kinds.values.isdisjoint(tender.kind for tender in purchase.tenders) == kinds.negated
        case WithCoupon(codes):
            return codes.values.isdisjoint(purchase.coupon_codes) == codes.negated
        case _:
            assert_never(condition)


def _sum_goods(figures: tuple[int, ...], of: LineFilter, situation: Situation) -> int:
    """Shipping is no goods: it brings no purchase over a threshold."""
    lines = situation.purchase.lines
    places = situation.places(of) if of else range(len(lines))
    return sum([figures[place] for place in places if lines[place].kind == "goods"])


def _member_holds(condition: OfMember, member: MemberFacts, today: date) -> bool:
    match condition:
        case HasLevel(levels):
            return levels.holds(member.level)
        case InSegment(segments):
            return segments.values.isdisjoint(member.segments) == segments.negated
        case MemberFor(at_least):
            return plus(member.joined_on, at_least) <= today
        case Age(bounds):
            age = age_on(member.birthday, today) if member.birthday else None
            return age is not None and bounds.hold(age)
        case BirthdayIs(span):
            locked = member.birthday_locked_until is not None and today < member.birthday_locked_until
            return member.birthday is not None and not locked and birthday_near(member.birthday, today, span)
        case PurchasesBefore(bounds):
            return bounds.hold(member.purchases_before)
        case DaysSincePurchase(bounds):
            return member.last_purchase_on is not None and bounds.hold((today - member.last_purchase_on).days)
        case PurchaseWithin(period):
            return member.last_purchase_on is not None and today <= plus(member.last_purchase_on, period)
        case HasAttribute(name, test):
            return test.holds(member.attributes.get(name))
        case _:
            assert_never(condition)
