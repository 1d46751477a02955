"""The same purchases that schemas/purchases.py declares, read at a tenth of the cost: a till is waiting.

msgspec reads the shape, and the functions of values.py what its words mean. What can't be read here is read again by
the schema, which says everything that is wrong; a test holds that both accept the same, and mean the same by it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from loyalty_engine.api import values
from loyalty_engine.api.bodies import read_json
from loyalty_engine.api.schemas.fields import MAX_ITEMS
from loyalty_engine.api.schemas.purchases import KINDS, PurchaseSchema, QuoteSchema, load_purchase
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt
from rules.facts import Fact, Line, Purchase, Tender
from rules.money import parse_amount

Text = str | None | UnsetType
Words = Annotated[list[str], Meta(max_length=MAX_ITEMS)]
_Word = Callable[[str], str]

_QUOTE: Final = QuoteSchema()
_PURCHASE: Final = PurchaseSchema()


class _Shape(Struct, forbid_unknown_fields=True, gc=False):
    """What is read strictly: unknown fields are errors, and null is the same as leaving a field out."""


class MemberShape(_Shape):
    member_id: Text = UNSET
    card: Text = UNSET
    phone: Text = UNSET
    token: Text = UNSET


class ReceiptShape(_Shape):
    number: str
    business_day: str


class LineShape(_Shape):
    line_id: str
    sku: str
    amount: str
    quantity: Annotated[int, Meta(ge=0, le=values.MAX_QUANTITY)] | None | UnsetType = UNSET
    discount: Text = UNSET
    tax: Text = UNSET
    kind: Text = UNSET
    category: Text = UNSET
    brand: Text = UNSET
    tags: Words | None | UnsetType = UNSET
    facts: dict[str, Annotated[int, Meta(ge=0, le=values.MAX_FACT)] | str] | None | UnsetType = UNSET


class TenderShape(_Shape):
    kind: str
    amount: str
    reference: Text = UNSET


class QuoteShape(_Shape):
    occurred_at: str
    currency: str
    lines: Annotated[list[LineShape], Meta(min_length=1, max_length=values.MAX_LINES)]
    purchase_id: Text = UNSET
    store: Text = UNSET
    terminal: Text = UNSET
    member: MemberShape | None | UnsetType = UNSET
    receipt: ReceiptShape | None | UnsetType = UNSET
    channel: Text = UNSET
    order_discount: Text = UNSET
    tenders: Annotated[list[TenderShape], Meta(max_length=MAX_ITEMS)] | None | UnsetType = UNSET
    vouchers: Words | None | UnsetType = UNSET
    coupon_codes: Words | None | UnsetType = UNSET


class BatchShape(_Shape):
    purchases: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=500)]


_quote = msgspec.json.Decoder(QuoteShape)
_batch = msgspec.json.Decoder(BatchShape)
_encode = msgspec.json.Encoder().encode


def read_purchase(raw: bytes) -> PostedPurchase:
    """Return the purchase in a body; raises `Malformed` or `Invalid` with everything that is wrong."""
    return _fast(raw, numbered=True) or load_purchase(_PURCHASE, read_json(raw))


def read_quote(raw: bytes) -> PostedPurchase:
    """Return the purchase that may happen, of which the body needn't give a number."""
    return _fast(raw, numbered=False) or load_purchase(_QUOTE, read_json(raw))


def split_batch(raw: bytes) -> list[bytes] | None:
    """Return the JSON of each purchase of a batch, unread; None where the whole isn't a batch."""
    try:
        return [bytes(item) for item in _batch.decode(raw).purchases]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def fast_purchase(raw: bytes, numbered: bool = True) -> PostedPurchase | None:
    """Return the purchase; None where the schema has to say what it is, or what is wrong with it."""
    return _fast(raw, numbered)


def _fast(raw: bytes, numbered: bool) -> PostedPurchase | None:
    try:
        shape = _quote.decode(raw)
        if numbered and not shape.purchase_id or _has_double_keys(raw, shape):
            return None
        return _posted(shape, _words(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _has_double_keys(raw: bytes, shape: QuoteShape) -> bool:
    """Tell whether a key was there twice: what was read then has fewer quotation marks than what was sent.

    An escape may hide a quotation mark or a letter of a key, so with one in it the text is looked through key by key.
    """
    if b"\\" not in raw:
        return raw.count(b'"') != _encode(shape).count(b'"')
    try:
        json.loads(raw, object_pairs_hook=_single)
    except ValueError:
        return True
    return False


def _single(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")


def _words(raw: bytes) -> _Word:
    """Return how words are read: in plain ASCII without escapes nothing is hidden, and only the length counts."""
    plain = raw.isascii() and b"\\" not in raw and b"\x7f" not in raw
    return _plain_word if plain else values.word


def _plain_word(written: str) -> str:
    if not 0 < len(written) <= 64 or written.isspace():
        raise ValueError("not a word")
    return written


def _posted(shape: QuoteShape, word: _Word) -> PostedPurchase:
    currency = values.currency(shape.currency)
    lines = tuple([_line(line, currency, word) for line in shape.lines])
    if len({line.line_id for line in lines}) < len(lines):
        raise ValueError("two lines with one id")
    store = values.code(shape.store) if shape.store else _left_out(shape.store)
    discount, channel = shape.order_discount, shape.channel
    purchase = Purchase(
        values.instant(shape.occurred_at),
        lines,
        currency,
        store,
        frozenset(),
        word(channel) if channel else _left_out(channel),
        parse_amount(discount, currency) if discount else _left_out(discount) or 0,
        tuple([_tender(tender, currency, word) for tender in shape.tenders or ()]),
        frozenset(map(word, shape.coupon_codes or ())),
    )
    return PostedPurchase(
        values.code(shape.purchase_id) if shape.purchase_id else _left_out(shape.purchase_id) or "",
        store,
        values.code(shape.terminal) if shape.terminal else _left_out(shape.terminal),
        _member(shape.member, word) if shape.member else None,
        Receipt(word(shape.receipt.number), values.day(shape.receipt.business_day)) if shape.receipt else None,
        purchase,
        tuple(map(word, shape.vouchers or ())),
    )


def _line(line: LineShape, currency: str, word: _Word) -> Line:
    quantity, discount, tax, kind, brand = line.quantity, line.discount, line.tax, line.kind, line.brand
    return Line(
        word(line.line_id),
        word(line.sku),
        1 if quantity is UNSET or quantity is None else quantity,  # type: ignore[arg-type]
        parse_amount(line.amount, currency),
        parse_amount(discount, currency) if discount else _left_out(discount) or 0,
        parse_amount(tax, currency) if tax else _left_out(tax) or 0,
        _kind(kind) if kind else _left_out(kind) or "goods",
        values.phrase(line.category) if line.category else _left_out(line.category),
        word(brand) if brand else _left_out(brand),
        frozenset(map(word, line.tags)) if line.tags else frozenset(),
        _facts(line.facts, word) if line.facts else {},
    )


def _left_out(value: object) -> None:
    """Let through what is null or not there, but not a text in which nothing is written."""
    if value == "":
        raise ValueError("nothing is written here")


def _kind(kind: str) -> Any:
    if kind not in KINDS:
        raise ValueError("no kind of line")
    return kind


def _facts(facts: Mapping[str, Fact], word: _Word) -> dict[str, Fact]:
    if len(facts) > MAX_ITEMS:
        raise ValueError("too many facts")
    return {word(name): values.phrase(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _tender(tender: TenderShape, currency: str, word: _Word) -> Tender:
    reference = word(tender.reference) if tender.reference else _left_out(tender.reference)
    return Tender(word(tender.kind), parse_amount(tender.amount, currency), reference)


def _member(member: MemberShape, word: _Word) -> MemberReference:
    named = {name: value for name in MemberShape.__struct_fields__ if (value := getattr(member, name)) or value == ""}
    if len(named) != 1:
        raise ValueError("a member is named by exactly one")
    ((name, value),) = named.items()
    match name:
        case "member_id":
            return MemberReference(member_id=values.uuid(value))
        case "card":
            return MemberReference(card=word(value))
        case "phone":
            return MemberReference(phone=values.phone(value))
        case _:
            return MemberReference(token=values.phrase(value))
