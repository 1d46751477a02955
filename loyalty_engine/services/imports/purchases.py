"""Reads purchases from the rows of a file: an object each in NDJSON, a row for each line in CSV and parquet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from typing import Any, Final

from loyalty_engine import clock
from loyalty_engine.services.imports.fields import Fields
from loyalty_engine.services.imports.records import Misread
from loyalty_engine.services.imports.values import (
    amount,
    day,
    fact,
    identifier,
    instant,
    listed,
    one_of,
    text,
    whole,
)
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt
from rules.errors import Problem
from rules.facts import MAX_QUANTITY, Line, Purchase, Tender
from rules.money import is_currency

MAX_LINES: Final = 500
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES_OF_A_MEMBER: Final = ("member_id", "card", "phone", "token")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a file doesn't say: the programme's money and time zone, and the store that was asked for."""

    currency: str
    zone: tzinfo
    store: str | None = None


def read_purchase(values: Mapping[str, Any], defaults: Defaults, instead_of_id: str) -> PostedPurchase | Misread:
    """Read one purchase, shaped as the API takes it, with `store`; or return everything that is wrong with it.

    `instead_of_id` is its `purchase_id` when it has none.
    """
    problems: list[Problem] = []
    fields = Fields(values, problems)
    currency = fields.take("currency", _currency) or defaults.currency
    store = fields.take("store", identifier) or defaults.store
    posted = PostedPurchase(
        purchase_id=fields.take("purchase_id", identifier) or instead_of_id,
        store=store,
        terminal=fields.take("terminal", identifier),
        member=_member(fields.within("member")),
        receipt=_receipt(fields.within("receipt")),
        purchase=_purchase(fields, currency, store, defaults.zone),
        vouchers=fields.take("vouchers", listed(text)) or (),
    )
    fields.finish()
    return Misread(problems) if problems else posted


def _purchase(fields: Fields, currency: str, store: str | None, zone: tzinfo) -> Purchase:
    money = amount(currency)
    return Purchase(
        occurred_at=fields.need("occurred_at", _happened(zone), _NEVER),
        lines=_lines(fields, currency),
        currency=currency,
        store=store,
        channel=fields.take("channel", text),
        order_discount_minor=fields.take("order_discount", money) or 0,
        tenders=tuple(_tender(tender, currency) for tender in fields.each("tenders", 100)),
        coupon_codes=frozenset(fields.take("coupon_codes", listed(text)) or ()),
    )


@cache
def _happened(zone: tzinfo) -> Callable[[Any], datetime]:
    """Return a reader of a time that has been."""
    read = instant(zone)

    def happened(value: Any) -> datetime:
        at = read(value)
        if at - clock.now() > clock.MAY_DIFFER_BY:
            raise ValueError("lies in the future")
        return at

    return happened


def _lines(fields: Fields, currency: str) -> tuple[Line, ...]:
    before = len(fields.problems)
    lines = tuple(_line(line, currency) for line in fields.each("lines", MAX_LINES))
    if not lines and len(fields.problems) == before:
        fields.wrong("lines", "is missing: a purchase has at least one line")
    ids = [line.line_id for line in lines]
    if len(set(ids)) < len(ids):
        fields.wrong("lines", "two lines have the same line_id")
    return lines


def _line(line: Fields, currency: str) -> Line:
    money = amount(currency)
    found = Line(
        line_id=line.need("line_id", identifier, ""),
        sku=line.need("sku", text, ""),
        quantity=line.need("quantity", whole(0, MAX_QUANTITY), 0),
        amount_minor=line.need("amount", money, 0),
        discount_minor=line.take("discount", money) or 0,
        tax_minor=line.take("tax", money) or 0,
        kind="shipping" if line.take("kind", one_of("goods", "shipping")) == "shipping" else "goods",
        category=line.take("category", text),
        brand=line.take("brand", text),
        tags=frozenset(line.take("tags", listed(text)) or ()),
        facts=_facts(line.within("facts")),
    )
    if found.tax_minor > found.amount_minor:
        line.wrong("tax", "is more than the amount, which contains it")
    line.finish()
    return found


def _facts(facts: Fields | None) -> Mapping[str, Any]:
    found = {name: facts.take(name, fact) for name in facts.rest()} if facts else {}
    return {name: value for name, value in found.items() if value is not None}


def _tender(tender: Fields, currency: str) -> Tender:
    found = Tender(
        kind=tender.need("kind", text, ""),
        amount_minor=tender.need("amount", amount(currency), 0),
        reference=tender.take("reference", text),
    )
    tender.finish()
    return found


def _member(member: Fields | None) -> MemberReference | None:
    if member is None:
        return None
    named = {name: member.take(name, text) for name in _NAMES_OF_A_MEMBER}
    member.finish()
    if len(named) - list(named.values()).count(None) == 1:
        return MemberReference(**named)
    member.wrong("", f"must be named by exactly one of {', '.join(_NAMES_OF_A_MEMBER)}")
    return None


def _receipt(receipt: Fields | None) -> Receipt | None:
    if receipt is None:
        return None
    found = Receipt(receipt.need("number", text, ""), receipt.need("business_day", _printed, _NEVER.date()))
    receipt.finish()
    return found


def _printed(value: Any) -> date:
    found = day(value)
    if found > clock.latest_day():
        raise ValueError("lies in the future")
    return found


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not is_currency(value):
        raise ValueError("must be an ISO 4217 code such as CNY")
    return value
