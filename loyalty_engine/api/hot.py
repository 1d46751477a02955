"""The same purchases that schemas/purchases.py declares, read at a tenth of the cost: a till is waiting.

msgspec reads the shape, and the functions of values.py what its words mean. What can't be read here is read again by
the schema, which says everything that is wrong; a test holds that both accept the same, and mean the same by it.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from loyalty_engine.api import values
from loyalty_engine.api.bodies import MAX_DEPTH, read_json
from loyalty_engine.api.refusals import Malformed
from loyalty_engine.api.schemas.base import load
from loyalty_engine.api.schemas.fields import MAX_ITEMS
from loyalty_engine.api.schemas.purchases import (
    KINDS,
    EnvelopeSchema,
    PurchaseSchema,
    QuoteSchema,
    check_printed,
    happened,
    load_purchase,
)
from loyalty_engine.services import double_keys
from loyalty_engine.services.intake import MemberReference, PostedPurchase, Receipt
from loyalty_engine.services.quick import quick
from rules.facts import MAX_FACT, MAX_QUANTITY, Fact, Line, Purchase, Tender
from rules.money import parse_amount

T = TypeVar("T")

Text = str | UnsetType | None
Words = Annotated[list[str], Meta(max_length=MAX_ITEMS)]
Read = Callable[[str], T]

_QUOTE: Final = QuoteSchema()
_PURCHASE: Final = PurchaseSchema()
_ENVELOPE: Final = EnvelopeSchema()
_make_line: Final = quick(Line)
_make_purchase: Final = quick(Purchase)
_make_posted: Final = quick(PostedPurchase)


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
    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)] | UnsetType | None = UNSET
    discount: Text = UNSET
    tax: Text = UNSET
    kind: Text = UNSET
    category: Text = UNSET
    brand: Text = UNSET
    tags: Words | UnsetType | None = UNSET
    facts: dict[str, Annotated[int, Meta(ge=0, le=MAX_FACT)] | str] | UnsetType | None = UNSET


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
    member: MemberShape | UnsetType | None = UNSET
    receipt: ReceiptShape | UnsetType | None = UNSET
    channel: Text = UNSET
    order_discount: Text = UNSET
    tenders: Annotated[list[TenderShape], Meta(max_length=MAX_ITEMS)] | UnsetType | None = UNSET
    vouchers: Words | UnsetType | None = UNSET
    coupon_codes: Words | UnsetType | None = UNSET


class BatchShape(_Shape):
    purchases: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=500)]


_quote = msgspec.json.Decoder(QuoteShape)
_batch = msgspec.json.Decoder(BatchShape)
_encode = msgspec.json.Encoder().encode


def read_purchase(raw: bytes) -> PostedPurchase:
    """Return the purchase in a body; raises `Malformed` or `Invalid` with everything that is wrong."""
    posted = fast_purchase(raw) or load_purchase(_PURCHASE, read_json(raw))
    happened(posted.purchase.occurred_at)
    check_printed(posted.receipt)
    return posted


def read_quote(raw: bytes) -> PostedPurchase:
    """Return the purchase that may happen, of which the body needn't give a number."""
    return fast_purchase(raw, numbered=False) or load_purchase(_QUOTE, read_json(raw))


def split_batch(raw: bytes) -> list[bytes]:
    """Return the JSON of each purchase of a batch, unread; raises `Malformed` or `Invalid` where the whole is no batch."""
    try:
        shape = _batch.decode(raw)
        raw.decode()
        if raw.count(b'"') == _encode(shape).count(b'"'):
            return [bytes(item) for item in shape.purchases]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    load(_ENVELOPE, read_json(raw, MAX_DEPTH + 2))
    raise Malformed("malformed_json", "The body can't be read.")


def fast_purchase(raw: bytes, numbered: bool = True) -> PostedPurchase | None:
    """Return the purchase; None where the schema has to say what it is, or what is wrong with it."""
    try:
        shape = _quote.decode(raw)
        if numbered and not shape.purchase_id:
            return None
        double_keys.check(raw, shape)
        return _posted(shape, _words(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _words(raw: bytes) -> Read[str]:
    """Return how words are read: in plain ASCII without escapes nothing is hidden, and only the length counts."""
    plain = raw.isascii() and b"\\" not in raw and b"\x7f" not in raw
    return _plain_word if plain else values.word


def _plain_word(written: str) -> str:
    if not 0 < len(written) <= 64 or written.isspace():
        raise ValueError("not a word")
    return written


def _sent(read: Read[T], written: str | UnsetType | None) -> T | None:
    """Return what `read` makes of a field; None for one that was left out or null."""
    return read(written) if isinstance(written, str) else None


def _posted(shape: QuoteShape, word: Read[str]) -> PostedPurchase:
    currency = values.currency(shape.currency)
    amount = _AMOUNTS[currency]
    lines = tuple([_line(line, amount, word) for line in shape.lines])
    if len({line.line_id for line in lines}) < len(lines):
        raise ValueError("two lines with one id")
    store = _sent(values.code, shape.store)
    purchase = _make_purchase(
        values.instant(shape.occurred_at),
        lines,
        currency,
        store,
        frozenset(),
        _sent(word, shape.channel),
        _sent(amount, shape.order_discount) or 0,
        tuple([_tender(tender, amount, word) for tender in shape.tenders or ()]),
        frozenset(map(word, shape.coupon_codes or ())),
    )
    return _make_posted(
        _sent(values.code, shape.purchase_id) or "",
        store,
        _sent(values.code, shape.terminal),
        _member(shape.member, word) if shape.member else None,
        _receipt(shape.receipt, word) if shape.receipt else None,
        purchase,
        tuple(map(word, shape.vouchers or ())),
    )


def _line(line: LineShape, amount: Read[int], word: Read[str]) -> Line:
    return _make_line(
        word(line.line_id),
        word(line.sku),
        line.quantity if isinstance(line.quantity, int) else 1,
        amount(line.amount),
        _sent(amount, line.discount) or 0,
        _sent(amount, line.tax) or 0,
        _sent(_kind, line.kind) or "goods",
        _sent(values.phrase, line.category),
        _sent(word, line.brand),
        frozenset(map(word, line.tags)) if line.tags else frozenset(),
        _facts(line.facts, word) if line.facts else {},
    )


def _kind(kind: str) -> Any:
    if kind not in KINDS:
        raise ValueError("no kind of line")
    return kind


def _facts(facts: Mapping[str, Fact], word: Read[str]) -> dict[str, Fact]:
    if len(facts) > MAX_ITEMS:
        raise ValueError("too many facts")
    return {word(name): values.phrase(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _tender(tender: TenderShape, amount: Read[int], word: Read[str]) -> Tender:
    return Tender(word(tender.kind), amount(tender.amount), _sent(word, tender.reference))


def _receipt(receipt: ReceiptShape, word: Read[str]) -> Receipt:
    return Receipt(word(receipt.number), values.day(receipt.business_day))


def _member(member: MemberShape, word: Read[str]) -> MemberReference:
    named = {
        "member_id": _sent(values.uuid, member.member_id),
        "card": _sent(word, member.card),
        "phone": _sent(values.phone, member.phone),
        "token": _sent(values.phrase, member.token),
    }
    if list(named.values()).count(None) != 3:
        raise ValueError("a member is named by exactly one")
    return MemberReference(**named)


class _Amounts(dict[str, Read[int]]):
    """How amounts of each currency are read: tills send the same ones again and again."""

    def __missing__(self, currency: str) -> Read[int]:
        if len(self) >= _CURRENCIES:
            self.clear()
        read: Read[int] = lru_cache(maxsize=_AMOUNTS_KEPT)(partial(parse_amount, currency=currency))
        self[currency] = read
        return read


_CURRENCIES: Final = 16
_AMOUNTS_KEPT: Final = 10_000
_AMOUNTS: Final = _Amounts()
