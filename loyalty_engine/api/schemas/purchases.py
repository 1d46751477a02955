"""A purchase as a till sends it, and what comes back: API.md, Tills."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from loyalty_engine import clock
from loyalty_engine.api import values
from loyalty_engine.api.schemas.base import Strict, load
from loyalty_engine.api.schemas.fields import (
    Amount,
    Checked,
    Code,
    Day,
    Facts,
    Flag,
    Instant,
    Phrase,
    Whole,
    Word,
    amounts_in,
    needed,
    optional,
    several,
    without_nulls,
)
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt, ReturnRequest
from rules.errors import Invalid
from rules.facts import MAX_QUANTITY, Line, Purchase, Tender
from rules.money import is_currency

KINDS: Final = ("goods", "shipping")
_ONE_OF_FOUR: Final = "a member is named by exactly one of member_id, card, phone and token"


class MemberReferenceSchema(Strict):
    """Who it is, named by exactly one of the four."""

    member_id = optional(Checked, values.uuid, format="uuid")
    card = optional(Word, example="6300000000000017")
    phone = optional(Checked, values.phone, example="+8613800138000")
    token = optional(Checked, values.phrase, description="the rotating code in the member's page")

    @validates_schema
    def _exactly_one(self, data: Mapping[str, Any], **_: Any) -> None:
        if len(without_nulls(data)) != 1:
            raise ValidationError(f"{_ONE_OF_FOUR}; here are {', '.join(without_nulls(data)) or 'none'}")

    @post_load
    def _reference(self, data: Mapping[str, Any], **_: Any) -> MemberReference:
        return MemberReference(**data)


class ReceiptSchema(Strict):
    """What is printed on the receipt: the second key of a purchase, because some tills retry with a new id."""

    number = needed(Word, example="0042")
    business_day = needed(Day, format="date", example="2026-11-22")

    @post_load
    def _receipt(self, data: Mapping[str, Any], **_: Any) -> Receipt:
        return Receipt(**data)


class LineSchema(Strict):
    """One line of a receipt."""

    line_id = needed(Word, example="1")
    sku = needed(Word, example="LATTE-L")
    quantity = optional(Whole, 0, MAX_QUANTITY, default=1)
    amount = needed(
        Amount,
        example="40.00",
        description="the line's total after its own discount; contains the tax",
    )
    discount = optional(Amount, description="the line's own discount, for information")
    tax = optional(Amount)
    kind = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(KINDS))
    category = optional(Phrase, description="a path: a rule on `drinks` catches `drinks/coffee`")
    brand = optional(Word)
    tags = several(Word(), load_default=None, allow_none=True)
    facts = optional(Facts, description="named whole numbers, and words")

    @post_load
    def _line(self, data: Mapping[str, Any], **_: Any) -> Line:
        return Line(
            data["line_id"],
            data["sku"],
            1 if data["quantity"] is None else data["quantity"],
            data["amount"],
            data["discount"] or 0,
            data["tax"] or 0,
            data["kind"] or "goods",
            data["category"],
            data["brand"],
            frozenset(data["tags"] or ()),
            data["facts"] or {},
        )


class TenderSchema(Strict):
    """One way in which a part of the purchase was paid."""

    kind = needed(Word, example="card")
    amount = needed(Amount, example="35.00")
    reference = optional(Word)

    @post_load
    def _tender(self, data: Mapping[str, Any], **_: Any) -> Tender:
        return Tender(data["kind"], data["amount"], data["reference"])


class QuoteSchema(Strict):
    """A purchase that has not happened, so it needs no number."""

    purchase_id = optional(Code)
    store = optional(Code, description="a service says where; a terminal's token says it already")
    terminal = optional(Code)
    member = fields.Nested(MemberReferenceSchema, load_default=None, allow_none=True)
    receipt = fields.Nested(ReceiptSchema, load_default=None, allow_none=True)
    occurred_at = needed(Instant, format="date-time", example="2026-11-22T09:41:00+08:00")
    channel = optional(Word, example="store")
    currency = needed(Checked, values.currency, example="CNY")
    lines = several(fields.Nested(LineSchema), values.MAX_LINES, 1, required=True)
    order_discount = optional(Amount, example="5.00", description="comes off after the lines")
    tenders = several(fields.Nested(TenderSchema), load_default=None, allow_none=True)
    vouchers = several(Word(), load_default=None, allow_none=True)
    coupon_codes = several(Word(), load_default=None, allow_none=True)

    @validates_schema
    def _distinct_lines(self, data: Mapping[str, Any], **_: Any) -> None:
        first: dict[str, int] = {}
        errors: dict[int, Any] = {}
        for place, line in enumerate(data.get("lines") or ()):
            if first.setdefault(line.line_id, place) != place:
                said = f"is the id of lines[{first[line.line_id]}] already: give each line its own"
                errors[place] = {"line_id": [said]}
        if errors:
            raise ValidationError({"lines": errors})

    @post_load
    def _posted(self, data: Mapping[str, Any], **_: Any) -> PostedPurchase:
        purchase = Purchase(
            occurred_at=data["occurred_at"],
            lines=tuple(data["lines"]),
            currency=data["currency"],
            store=data["store"],
            channel=data["channel"],
            order_discount_minor=data["order_discount"] or 0,
            tenders=tuple(data["tenders"] or ()),
            coupon_codes=frozenset(data["coupon_codes"] or ()),
        )
        return PostedPurchase(
            data["purchase_id"] or "",
            data["store"],
            data["terminal"],
            data["member"],
            data["receipt"],
            purchase,
            tuple(data["vouchers"] or ()),
        )


class PurchaseSchema(QuoteSchema):
    """A purchase that happened."""

    purchase_id = needed(Code, example="T7-20261122-0042", description="the till's own; unique in its store")


class BatchSchema(Strict):
    """Purchases of a till that was offline; each is read, judged and answered by itself."""

    purchases = several(fields.Nested(PurchaseSchema), 500, 1, required=True)


class EnvelopeSchema(Strict):
    """A batch as a whole, whose purchases nobody has looked at."""

    purchases = several(fields.Raw(), 500, 1, required=True)


def load_purchase(schema: QuoteSchema, data: Any) -> PostedPurchase:
    """Return the purchase that `data` means; its amounts are read in its own currency."""
    said = data.get("currency") if isinstance(data, dict) else None
    currency = said if isinstance(said, str) and is_currency(said) else "XXX"
    with amounts_in(currency):
        posted: PostedPurchase = load(schema, data)
        return posted


class ReturnedLineSchema(Strict):
    """How many units of a line came back."""

    line_id = needed(Word, example="1")
    quantity = needed(Whole, 0, MAX_QUANTITY, example=1)


class ReturnSchema(Strict):
    """Goods that came back: some units of some lines, or `"all": true` for everything that is left."""

    return_reference = needed(Code, example="R-77")
    lines = several(fields.Nested(ReturnedLineSchema), values.MAX_LINES, 1, load_default=None, allow_none=True)
    all = optional(Flag)
    occurred_at = optional(Instant, format="date-time")
    store = optional(Code, description="where it was bought, when that is another store")
    receipt = fields.Nested(ReceiptSchema, load_default=None, allow_none=True)

    @validates_schema
    def _lines_or_all(self, data: Mapping[str, Any], **_: Any) -> None:
        lines = data.get("lines") or ()
        if bool(lines) == bool(data.get("all")):
            raise ValidationError('name the lines that came back, or write "all": true; one of the two')
        names = [line["line_id"] for line in lines]
        twice = {f"{name}": ["is named twice: add its units up"] for name in names if names.count(name) > 1}
        if twice:
            raise ValidationError({"lines": twice})


def happened(at: datetime | None) -> datetime | None:
    """Return a time of something that happened; raises `Invalid` for one to come, save what clocks differ by."""
    if at is not None and at - clock.now() > clock.MAY_DIFFER_BY:
        said = ["lies in the future: set the till's clock, and check its time zone"]
        raise Invalid("occurred_in_future", "This can't have happened yet.", {"occurred_at": said})
    return at


def check_printed(receipt: Receipt | None) -> None:
    """Raise `Invalid` for a receipt of a day that has begun nowhere yet: its till's calendar is wrong."""
    if receipt is not None and receipt.business_day > clock.latest_day():
        said = ["lies in the future: set the till's calendar"]
        raise Invalid("occurred_in_future", "This can't have been printed yet.", {"receipt.business_day": said})


def return_request(purchase_id: str, data: Mapping[str, Any]) -> ReturnRequest:
    """Return the request that the body and the address together make."""
    units = None if data["all"] else {line["line_id"]: line["quantity"] for line in data["lines"]}
    return ReturnRequest(
        purchase_id,
        data["return_reference"],
        units,
        data["store"],
        data["receipt"],
        happened(data["occurred_at"]),
    )


class NamedMemberSchema(Strict):
    """Whose purchase it is; staff say why."""

    member = fields.Nested(MemberReferenceSchema, required=True)
    store = optional(Code)
    reason = optional(Phrase)


class AcceptanceSchema(Strict):
    """Why a purchase that came late, or whose sums disagree, is posted after all."""

    reason = needed(Phrase)
    store = optional(Code)
