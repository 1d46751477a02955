"""Reads and writes conditions: when a rule applies (`when`), and what an occasion asks of a member (`needs`).

Source: PROGRAMME.md, Conditions; the list there is complete. A mapping of several tests means all of them, in the
order of the list there, so that the order of keys changes nothing.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, assert_never, cast

from rules import conditions as c
from rules import filters as f
from rules.document_filters import (
    bounds,
    bounds_of,
    line_filter,
    plain_number,
    words,
    words_of,
    write_bounds,
    write_line_filter,
    write_words,
)
from rules.money import format_amount
from rules.reading import Fields, Place, Reader, Unreadable, choice, each, reference
from rules.reading_times import day, period, span_of_day
from rules.reading_values import (
    amount,
    identifier,
    whole,
    word,
)
from rules.shown import shown

MAX_DEPTH: Final = 16
_MAX_COUNT: Final = 10**6


def _spent(place: Place) -> c.Spent:
    fields = Fields(place, 'a test such as {at_least: "20.00"}')
    of, limits = fields.may("of", line_filter, ()), bounds_of(fields, amount)
    fields.close()
    return c.Spent(limits, of)


def _units(place: Place) -> c.Units:
    fields = Fields(place, "a test such as {at_least: 2}")
    of, limits = fields.may("of", line_filter, ()), bounds_of(fields, whole(0, _MAX_COUNT))
    fields.close()
    return c.Units(limits, of)


_WEEKDAY: Final[Reader[c.Weekday]] = choice(*c.WEEKDAYS)


def _weekday(place: Place) -> c.OnWeekday:
    tested = words(_WEEKDAY)(place)
    named = cast(frozenset[c.Weekday], tested.values)
    days = frozenset(c.WEEKDAYS) - named if tested.negated else named
    if not days and named:
        raise place.wrong("no day of the week is left")
    return c.OnWeekday(days)


def _day_of_month(place: Place) -> c.DayOfMonth:
    def one(item: Place) -> Any:
        if isinstance(item.value, str) and item.value.isalpha() and item.value != "last":
            raise item.wrong(f"{shown(item.value)} is neither a day from 1 to 31 nor last")
        return "last" if item.value == "last" else whole(1, 31)(item)

    fields = Fields(place, "a test such as {in: [1, 15, last]}")
    found = fields.need("in", lambda listed: frozenset(value for _, value in each(listed, one)))
    fields.close()
    return c.DayOfMonth(found)


def _date(place: Place) -> c.DateBetween:
    fields = Fields(place, 'a test such as {from: "2026-12-01", to: "2027-01-01"}')
    starts, ends = fields.may("from", day, None), fields.may("to", day, None)
    if not fields.has("from", "to"):
        place.note("there is no date", 'write "from", "to" or both')
    if starts is not None and ends is not None and starts >= ends:
        place.at("to").note(f'"to" must come after "from" ({starts})', 'the day of "to" itself no longer counts')
    fields.close()
    return c.DateBetween(starts, ends)


def _attribute(place: Place) -> c.HasAttribute:
    fields = Fields(place, "a test such as {name: newsletter, in: [weekly]}")
    name, test = fields.need("name", identifier), words_of(fields, word)
    fields.close()
    return c.HasAttribute(name, test)


_BIRTHDAY: Final[Reader[Literal["day", "week", "month"]]] = choice("day", "week", "month")
_COUNT: Final = bounds(whole(0, _MAX_COUNT))

_OF_PURCHASE: Final[Mapping[str, Reader[c.Condition]]] = {
    "spent": _spent,
    "units": _units,
    "time": lambda place: c.TimeOfDay(*span_of_day(place)),
    "weekday": _weekday,
    "day_of_month": _day_of_month,
    "date": _date,
    "store": lambda place: c.AtStore(words(word)(place)),
    "store_group": lambda place: c.AtStoreGroup(words(word)(place)),
    "channel": lambda place: c.ByChannel(words(word)(place)),
    "tender": lambda place: c.PaidBy(words(word)(place)),
    "coupon": lambda place: c.WithCoupon(words(word)(place)),
}
_OF_MEMBER: Final[Mapping[str, Reader[c.Condition]]] = {
    "level": lambda place: c.HasLevel(words(reference("level"))(place)),
    "segment": lambda place: c.InSegment(words(word)(place)),
    "member_for": lambda place: c.MemberFor(period(1)(place)),
    "age": lambda place: c.Age(bounds(whole(0, 150))(place)),
    "birthday": lambda place: c.BirthdayIs(_BIRTHDAY(place)),
    "purchases_before": lambda place: c.PurchasesBefore(_COUNT(place)),
    "days_since_purchase": lambda place: c.DaysSincePurchase(_COUNT(place)),
    "purchase_within": lambda place: c.PurchaseWithin(period(1)(place)),
    "attribute": _attribute,
}


def when(place: Place) -> c.Condition:
    """Read the condition of a rule, which may ask for the purchase and for the member."""
    return _condition(place, 1, purchase=True)


def needs(place: Place) -> c.Condition:
    """Read the condition of an occasion, where there is a member and no purchase."""
    return _condition(place, 1, purchase=False)


def _condition(place: Place, depth: int, purchase: bool) -> c.Condition:
    if depth > MAX_DEPTH:
        raise place.wrong(f"conditions nest deeper than {MAX_DEPTH}")
    fields = Fields(place, "a condition such as {weekday: {in: [sat]}}")
    readers = {**_nested(depth, purchase), **(_OF_PURCHASE if purchase else {}), **_OF_MEMBER}
    found = [fields.may(kind, reader, None) for kind, reader in readers.items()]
    if not purchase:
        fields.only(_OF_PURCHASE.keys(), "there is no purchase here that could be asked for this")
    fields.close()
    held = tuple(condition for condition in found if condition is not None)
    if not place.value:
        raise place.wrong("the condition asks for nothing", "name what must hold, or leave it out")
    if not held:
        raise Unreadable
    return held[0] if len(held) == 1 else c.All(held)


def _nested(depth: int, purchase: bool) -> dict[str, Reader[c.Condition]]:
    def inner(place: Place) -> c.Condition:
        return _condition(place, depth + 1, purchase)

    def several(place: Place) -> tuple[c.Condition, ...]:
        return tuple(condition for _, condition in each(place, inner))

    return {
        "all": lambda place: c.All(several(place)),
        "any": lambda place: c.AnyOf(several(place)),
        "not": lambda place: c.Not(inner(place)),
    }


def write_condition(condition: c.Condition, currency: str) -> dict[str, Any]:
    """Return the condition as `when` reads it; money is in units of `currency`."""
    match condition:
        case c.All(parts):
            return {"all": [write_condition(part, currency) for part in parts]}
        case c.AnyOf(parts):
            return {"any": [write_condition(part, currency) for part in parts]}
        case c.Not(part):
            return {"not": write_condition(part, currency)}
        case c.Spent(limits, of):
            return {"spent": _of(of, write_bounds(limits, lambda minor: format_amount(minor, currency)))}
        case c.Units(limits, of):
            return {"units": _of(of, write_bounds(limits, plain_number))}
        case c.HasAttribute(name, tested):
            return {"attribute": {"name": name, **write_words(tested)}}
        case c.TimeOfDay() | c.OnWeekday() | c.DayOfMonth() | c.DateBetween():
            return _write_calendar(condition)
        case c.MemberFor(length):
            return {"member_for": str(length)}
        case c.PurchaseWithin(length):
            return {"purchase_within": str(length)}
        case c.BirthdayIs(span):
            return {"birthday": span}
        case c.Age() | c.PurchasesBefore() | c.DaysSincePurchase():
            return {_COUNTED[type(condition)]: write_bounds(condition.bounds, plain_number)}
        case _:
            return _write_word_test(condition)


_COUNTED: Final = {c.Age: "age", c.PurchasesBefore: "purchases_before", c.DaysSincePurchase: "days_since_purchase"}


def _of(of: f.LineFilter, limits: dict[str, Any]) -> dict[str, Any]:
    return {"of": write_line_filter(of), **limits} if of else limits


def _write_calendar(condition: c.TimeOfDay | c.OnWeekday | c.DayOfMonth | c.DateBetween) -> dict[str, Any]:
    match condition:
        case c.TimeOfDay(starts, ends):
            return {"time": {"from": starts.isoformat(), "to": ends.isoformat()}}
        case c.OnWeekday(days):
            return {"weekday": {"in": sorted(days, key=c.WEEKDAYS.index)}}
        case c.DayOfMonth(days_of_month):
            return {"day_of_month": {"in": sorted(days_of_month, key=lambda one: 32 if one == "last" else one)}}
        case c.DateBetween(starts_on, ends_on):
            dates = {"from": starts_on, "to": ends_on}
            return {"date": {key: one.isoformat() for key, one in dates.items() if one is not None}}
        case _:
            assert_never(condition)


def _write_word_test(
    condition: c.AtStore | c.AtStoreGroup | c.ByChannel | c.PaidBy | c.WithCoupon | c.HasLevel | c.InSegment,
) -> dict[str, Any]:
    match condition:
        case c.AtStore(tested):
            return {"store": write_words(tested)}
        case c.AtStoreGroup(tested):
            return {"store_group": write_words(tested)}
        case c.ByChannel(tested):
            return {"channel": write_words(tested)}
        case c.PaidBy(tested):
            return {"tender": write_words(tested)}
        case c.WithCoupon(tested):
            return {"coupon": write_words(tested)}
        case c.HasLevel(tested):
            return {"level": write_words(tested)}
        case c.InSegment(tested):
            return {"segment": write_words(tested)}
        case _:
            assert_never(condition)
