"""Reads the purchases and members of a programme's examples: as a till sends them, but with only what rules look at.

Source: PROGRAMME.md, A whole example; API.md, Tills.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, cast

from rules.document_filters import category
from rules.facts import Birthday, Fact, Line, MemberFacts, Purchase, Tender
from rules.money import MAX_MINOR, format_amount
from rules.periods import business_day
from rules.programme import Example
from rules.reading import Fields, Place, Reader, choice, each, items, named, reference
from rules.reading_times import day, instant
from rules.reading_values import (
    MAX_POINTS,
    amount,
    distinct,
    flag,
    identifier,
    text,
    whole,
    word,
)
from rules.shown import shown

MAX_LINES: Final = 500
_KIND: Final[Reader[Literal["goods", "shipping"]]] = choice("goods", "shipping")
_CALENDAR: Final[Reader[Literal["solar", "lunar"]]] = choice("solar", "lunar")
_LEAP_YEAR: Final = 2000
_COUNT: Final = whole(0, 10**6)


def example(place: Place) -> Example:
    """Read one example, and check that `purchase` and `member_facts` can read its parts."""
    fields = Fields(place, "an example")
    name = fields.need("name", text())
    bought = fields.need("purchase", purchase)
    joined_on = business_day(bought.occurred_at, place.around.zone) if bought else date.min
    fields.may("member", lambda member: member_facts(member, joined_on), None)
    gives = fields.need("gives", _gives)
    fields.close()
    member, as_sent = place.at("member").value or {}, place.at("purchase").value
    return Example(name, {}, {}, gives) if place.problems else Example(name, plain(member), plain(as_sent), gives)


def plain(value: Any) -> Any:
    """Return what was read without problems as JSON holds it: decimals and dates as text."""
    match value:
        case dict():
            return {key: plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return value


def _gives(place: Place) -> Mapping[str, int]:
    fields = Fields(place, "a map of wallet to points")
    if not place.value:
        place.note("the example promises nothing", "write {wallet: points}")
    wallets = named(fields, reference("wallet"))
    found = {wallet: fields.need(wallet, whole(0, MAX_POINTS)) for wallet in wallets}
    fields.close()
    return found


def purchase(place: Place) -> Purchase:
    """Read a purchase in the programme's currency; a line without an id has its number, from 1."""
    fields = Fields(place, "a purchase")
    occurred_at = fields.need("occurred_at", instant)
    lines = fields.need("lines", _lines)
    store, channel = fields.may("store", word, None), fields.may("channel", word, None)
    groups = frozenset(fields.may("store_groups", distinct(word), ()) or ())
    coupons = frozenset(fields.may("coupon_codes", distinct(word), ()) or ())
    discount = fields.may("order_discount", amount, 0)
    tenders = fields.may("tenders", lambda listed: tuple(found for _, found in each(listed, _tender, 50)), ())
    if lines and discount is not None and len(lines) == len(cast(list[object], place.at("lines").value)):
        _check_sum(place, lines, discount)
    fields.close()
    currency = place.around.currency
    return Purchase(occurred_at, lines, currency, store, groups, channel, discount, tenders, coupons)


def _check_sum(place: Place, lines: tuple[Line, ...], discount: int) -> None:
    total = sum(line.amount_minor for line in lines)
    if total > MAX_MINOR:
        place.at("lines").note("the lines come to more than is accepted")
    if discount > total:
        currency = place.around.currency
        place.at("order_discount").note(
            f"the discount is more than the lines come to, {format_amount(total, currency)}"
        )


def _lines(place: Place) -> tuple[Line, ...]:
    found = each(place, _line, MAX_LINES)
    ids: list[object] = []
    for number, item in enumerate(items(place, MAX_LINES), 1):
        line_id = item.at("line_id").value or str(number)
        if line_id in ids:
            item.at("line_id").note(f"{shown(line_id)} is the id of an earlier line already", "give each its own")
        ids.append(line_id)
    return tuple(replace(line, line_id=line.line_id or str(number)) for number, (_, line) in enumerate(found, 1))


def _line(place: Place) -> Line:
    fields = Fields(place, 'a line such as {sku: A-1, quantity: 1, amount: "3.50"}')
    line_id, sku = fields.may("line_id", word, ""), fields.need("sku", word)
    quantity, paid = fields.may("quantity", _COUNT, 1), fields.need("amount", amount)
    discount, tax = fields.may("discount", amount, 0), fields.may("tax", amount, 0)
    kind, path = fields.may("kind", _KIND, None) or "goods", fields.may("category", category, None)
    brand, tags = fields.may("brand", word, None), frozenset(fields.may("tags", distinct(word), ()) or ())
    facts = fields.may("facts", _facts, {})
    if tax is not None and paid is not None and tax > paid:
        place.at("tax").note("the tax is more than the amount, which contains it")
    fields.close()
    return Line(line_id, sku, quantity, paid, discount, tax, kind, path, brand, tags, facts)


def _facts(place: Place) -> Mapping[str, Fact]:
    fields = Fields(place, "a map of fact to number or word")
    found = {name: fields.need(name, _fact) for name in named(fields, identifier)}
    fields.close()
    return found


def _fact(place: Place) -> Fact:
    if isinstance(place.value, Decimal):
        raise place.wrong(f"{shown(place.value)} is neither a whole number nor a word")
    return word(place) if isinstance(place.value, str) else whole(0, 10**9)(place)


def _tender(place: Place) -> Tender:
    fields = Fields(place, '{kind: card, amount: "35.00"}')
    kind, paid = fields.need("kind", word), fields.need("amount", amount)
    fields.close()
    return Tender(kind, paid)


def member_facts(place: Place, joined_on: date) -> MemberFacts:
    """Read what rules may know of a member, who joined on `joined_on` unless the document says when."""
    fields = Fields(place, "a member")
    level = fields.may("level", reference("level"), None)
    before = fields.may("purchases_before", _COUNT, 0)
    joined = fields.may("joined_on", day, joined_on)
    last_on = fields.may("last_purchase_on", day, None)
    birthday = fields.may("birthday", _birthday, None)
    segments = frozenset(fields.may("segments", distinct(word), ()) or ())
    attributes = fields.may("attributes", _attributes, {})
    fields.close()
    return MemberFacts(joined, level, before, last_on, birthday, None, segments, attributes)


def _attributes(place: Place) -> Mapping[str, str]:
    fields = Fields(place, "a map of attribute to word")
    found = {name: fields.need(name, word) for name in named(fields, identifier)}
    fields.close()
    return found


def _birthday(place: Place) -> Birthday:
    fields = Fields(place, "a birthday such as {month: 5, day: 17}")
    month, day_number = fields.need("month", whole(1, 12)), fields.need("day", whole(1, 31))
    year = fields.may("year", whole(1900, 2199), None)
    solar: Literal["solar", "lunar"] = "solar"
    kind, leap_month = fields.may("calendar", _CALENDAR, solar), fields.may("leap_month", flag, False)
    if leap_month and kind == "solar":
        place.at("leap_month").note("only the lunar calendar has leap months", "write calendar: lunar")
    longest = 30 if kind == "lunar" or not month else monthrange(year or _LEAP_YEAR, month)[1]
    if day_number and kind and day_number > longest:
        place.at("day").note(f"the month has no day {day_number}", f"write 1 to {longest}")
    fields.close()
    return Birthday(month, day_number, year, kind, leap_month)


def write_example(example: Example) -> dict[str, Any]:
    """Return the example as `example` reads it."""
    written = {"name": example.name, "purchase": dict(example.purchase), "gives": dict(example.gives)}
    return written | ({"member": dict(example.member)} if example.member else {})
