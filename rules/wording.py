"""Conditions and line filters in words: what a rule asks for, said so that it can follow the word "only"."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import assert_never

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
from rules.facts import Number
from rules.filters import (
    Bounds,
    ByBrand,
    ByCategory,
    ByFact,
    BySku,
    BySkuList,
    ByTag,
    LineFilter,
    LineTest,
    Words,
)
from rules.money import format_amount
from rules.periods import Period
from rules.phrases import Tongue, number
from rules.programme import Programme


@dataclass(frozen=True, slots=True)
class Wording:
    """Says things about one programme in one language; times are on the programme's clock."""

    programme: Programme
    tongue: Tongue

    def condition(self, condition: Condition) -> str:
        """Say when the condition holds."""
        match condition:
            case All(parts):
                return self.tongue.joined("and", [self._nested(part) for part in parts])
            case AnyOf(parts):
                return self.tongue.joined("or", [self._nested(part) for part in parts])
            case Not(inner):
                return self.tongue.say("not", inner=self._nested(inner))
            case _ if isinstance(condition, AboutPurchase):
                return self._of_purchase(condition)
            case _:
                return self._of_member(condition)

    def _nested(self, part: Condition) -> str:
        said = self.condition(part)
        return self.tongue.say("brackets", inner=said) if isinstance(part, All | AnyOf | Not) else said

    def _of_purchase(self, condition: OfPurchase) -> str:
        say = self.tongue.say
        match condition:
            case Spent(bounds, of):
                money = self.bounds(bounds, self.money)
                return say("spent_of", bounds=money, of=self.filter(of)) if of else say("spent", bounds=money)
            case Units(bounds, of):
                units = self.bounds(bounds)
                return say("units_of", bounds=units, of=self.filter(of)) if of else say("units", bounds=units)
            case TimeOfDay(starts, ends):
                return self._time_of_day(starts, ends)
            case OnWeekday(days):
                return say("weekday", days=self._either(say(day) for day in WEEKDAYS if day in days))
            case DayOfMonth(days):
                numbers = [str(day) for day in sorted(day for day in days if day != "last")]
                last = [say("last_day")] if "last" in days else []
                return say("day_of_month", days=self._either([*numbers, *last]))
            case DateBetween(starts_on, ends_on):
                return self._dates(starts_on, ends_on)
            case AtStore(words):
                return self.words("store", words)
            case AtStoreGroup(words):
                return self.words("store_group", words)
            case ByChannel(words):
                return self.words("channel", words)
            case PaidBy(words):
                return self.words("tender", words)
            case WithCoupon(words):
                return self.words("coupon", words)
            case _:
                assert_never(condition)

    def _of_member(self, condition: OfMember) -> str:
        say = self.tongue.say
        match condition:
            case HasLevel(levels):
                return self.words("level", levels, self.level)
            case InSegment(segments):
                return self.words("segment", segments)
            case MemberFor(at_least):
                return say("member_for", period=self.period(at_least))
            case Age(bounds):
                return say("age", bounds=self.bounds(bounds))
            case BirthdayIs(span):
                return say(f"birthday_{span}")
            case PurchasesBefore(bounds):
                first = bounds.at_most == 0
                return say("first_purchase") if first else say("purchases_before", bounds=self.bounds(bounds))
            case DaysSincePurchase(bounds):
                return say("days_since", bounds=self.bounds(bounds))
            case PurchaseWithin(period):
                return say("purchase_within", period=self.period(period))
            case HasAttribute(name, test):
                return self.words("attribute", test, name=name)
            case _:
                assert_never(condition)

    def _time_of_day(self, starts: time, ends: time) -> str:
        if starts == time.min:
            return self.tongue.say("before", ends=clock(ends))
        if ends == time.min:
            return self.tongue.say("after", starts=clock(starts))
        return self.tongue.say("time", starts=clock(starts), ends=clock(ends))

    def _dates(self, starts_on: date | None, ends_on: date | None) -> str:
        last = ends_on - timedelta(days=1) if ends_on else None
        if starts_on is None:
            return self.tongue.say("date_through", ends=last) if last else self.tongue.say("any_date")
        if last is None:
            return self.tongue.say("date_from", starts=starts_on)
        return self.tongue.say("date", starts=starts_on, ends=last)

    def filter(self, line_filter: LineFilter) -> str:
        """Say which lines pass; the filter is not empty."""
        return self.tongue.joined("and", [self._line_test(test) for test in line_filter])

    def _line_test(self, test: LineTest) -> str:
        match test:
            case BySku(skus):
                return self.words("sku", skus)
            case BySkuList(lists):
                return self.words("sku_list", lists)
            case ByCategory(categories):
                return self.words("category", categories)
            case ByBrand(brands):
                return self.words("brand", brands)
            case ByTag(tags):
                return self.words("tag", tags)
            case ByFact(name, Words() as wanted):
                return self.words("fact", wanted, name=name)
            case ByFact(name, Bounds() as bounds):
                return self.tongue.say("fact", name=name, words=self.bounds(bounds))
            case _:
                raise AssertionError(test)

    def words(self, key: str, words: Words, show: Callable[[str], str] = str, **parts: str) -> str:
        """Say a test of a word by the phrase of that key, or of its negation."""
        listed = self._either(show(word) for word in sorted(words.values))
        return self.tongue.say(f"{key}_not" if words.negated else key, words=listed, **parts)

    def _either(self, words: Iterable[str]) -> str:
        return self.tongue.joined("or", list(words))

    def bounds(self, bounds: Bounds, show: Callable[[Number], str] = number) -> str:
        """Say between what a number must lie."""
        least, most = bounds.at_least, bounds.at_most
        if least is None:
            return self.tongue.say("any_number") if most is None else self.tongue.say("at_most", most=show(most))
        if most is None:
            return self.tongue.say("at_least", least=show(least))
        key = "exactly" if least == most else "between"
        return self.tongue.say(key, least=show(least), most=show(most))

    def money(self, minor: Number) -> str:
        """Say an amount of minor units with its currency."""
        currency = self.programme.money
        return self.tongue.say("money", amount=format_amount(int(minor), currency), currency=currency)

    def period(self, period: Period) -> str:
        unit = period.unit.removesuffix("s") if period.count == 1 else period.unit
        return self.tongue.say(unit, count=period.count)

    def rule(self, rule_id: str) -> str:
        """Return the name of an accrual rule; its id where it has none."""
        names = (rule.name for rule in self.programme.accrual if rule.id == rule_id)
        return self.tongue.name(next(names, {}), rule_id)

    def level(self, level_id: str) -> str:
        """Return the name of a level; its id where the programme has no such level."""
        level = self.programme.level(level_id)
        return self.tongue.name(level.name, level_id) if level else level_id

    def instant(self, at: datetime) -> str:
        """Say when that is on the programme's clock; midnight needs no time of day."""
        local = at.astimezone(self.programme.time_zone)
        if local.time() == time.min:
            return str(local.date())
        return self.tongue.say("at_time", day=local.date(), time=clock(local.time()))


def clock(at: time) -> str:
    return at.isoformat("auto" if at.second else "minutes")
