"""A purchase as the JSON that is stored with it, and the fingerprint that tells a replay from something else.

The content (everything a till may not change when it sends a purchase again: RELIABILITY.md, Idempotency) is encoded
once: its hash is the fingerprint, its bytes are part of the stored facts.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.quick import quick
from rules.accrual import Decisions
from rules.facts import Fact, Line, Purchase, Tender

_encode = msgspec.json.Encoder(order="deterministic").encode
_encode_in_order = msgspec.json.Encoder().encode
"""For what is put together in one order, always."""
_make_line = quick(Line)
_NO_TAGS: frozenset[str] = frozenset()


class Document(NamedTuple):
    """The stored form of a purchase."""

    facts: str
    fingerprint: str


class _LineDocument(msgspec.Struct, omit_defaults=True, gc=False):
    """Only what differs from a line's defaults is written: a year of receipts is mostly lines."""

    line_id: str
    sku: str
    quantity: int
    amount_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    kind: Literal["goods", "shipping"] = "goods"
    category: str | None = None
    brand: str | None = None
    tags: Sequence[str] = ()
    facts: Mapping[str, object] | None = None


class _ContentDocument(msgspec.Struct, gc=False):
    """The part that a till may not change, as far as rules look at it."""

    currency: str
    lines: Sequence[_LineDocument]
    order_discount_minor: int = 0
    tenders: Sequence[Mapping[str, Any]] = ()
    coupon_codes: Sequence[str] = ()


class _StoredDocument(msgspec.Struct, gc=False):
    occurred_at: str
    store: str | None
    store_groups: Sequence[str]
    channel: str | None
    content: _ContentDocument


_decode = msgspec.json.Decoder(_StoredDocument).decode


def encode(posted: PostedPurchase, filled: Purchase) -> Document:
    """Encode what was sent and, where the catalogue filled something in, what was judged."""
    content = _encode_in_order(_content(posted, posted.purchase))
    judged = content if filled is posted.purchase else _encode_in_order(_content(posted, filled))
    purchase = posted.purchase
    facts = {
        "occurred_at": purchase.occurred_at.isoformat(),
        "store": purchase.store,
        "store_groups": sorted(purchase.store_groups),
        "channel": purchase.channel,
        "content": msgspec.Raw(judged),
    }
    return Document(_encode_in_order(facts).decode(), sha256(content).hexdigest())


def decode(facts: str) -> Purchase:
    """Read the stored facts back into the purchase that was judged."""
    stored = _decode(facts)
    content = stored.content
    return Purchase(
        occurred_at=datetime.fromisoformat(stored.occurred_at),
        lines=tuple([_line(line) for line in content.lines]),
        currency=content.currency,
        store=stored.store,
        store_groups=frozenset(stored.store_groups),
        channel=stored.channel,
        order_discount_minor=content.order_discount_minor,
        tenders=tuple([Tender(**tender) for tender in content.tenders]),
        coupon_codes=frozenset(content.coupon_codes),
    )


def stored_receipt(facts: str) -> tuple[str, str] | None:
    """Return the number and the business day of the receipt that the purchase was posted with."""
    receipt = msgspec.json.decode(facts)["content"].get("receipt")
    return (receipt["number"], receipt["business_day"]) if receipt else None


def receipt_day(facts: str) -> date | None:
    """Return the till's day that the receipt said, where there was one."""
    receipt = stored_receipt(facts)
    return date.fromisoformat(receipt[1]) if receipt else None


def stored_vouchers(facts: str) -> tuple[str, ...]:
    """Return the codes of the vouchers that the purchase was posted with."""
    return tuple(msgspec.json.decode(facts)["content"].get("vouchers", ()))


def encode_reference(member: MemberReference | None) -> str | None:
    """Encode how a till named a member, for a purchase that waits for a person to find out who that is."""
    if member is None:
        return None
    named = {"member_id": member.member_id, "card": member.card, "phone": member.phone}
    return _encode({kind: value for kind, value in named.items() if value is not None}).decode()


def encode_decisions(decisions: Decisions) -> str:
    """Encode the facts that decided; the version has a column of its own."""
    frozen: dict[str, Any] = {"level": decisions.level, "failed": decisions.failed, "cap_room": decisions.cap_room}
    if decisions.lists:
        frozen["lists"] = decisions.lists
    return _encode(frozen).decode()


def decode_decisions(version: int, frozen: str) -> Decisions:
    """Read the facts that decided back."""
    return Decisions(version=version, **msgspec.json.decode(frozen))


def encode_json(value: object) -> str:
    """Encode a plain value, always to the same text."""
    return _encode(value).decode()


def decode_json(text: str) -> Any:
    """Read what `encode_json` wrote."""
    return msgspec.json.decode(text)


def _content(posted: PostedPurchase, purchase: Purchase) -> dict[str, Any]:
    content: dict[str, Any] = {
        "currency": purchase.currency,
        "lines": [_line_document(line) for line in purchase.lines],
    }
    if purchase.order_discount_minor:
        content["order_discount_minor"] = purchase.order_discount_minor
    if purchase.tenders:
        content["tenders"] = [_tender_document(tender) for tender in purchase.tenders]
    if purchase.coupon_codes:
        content["coupon_codes"] = sorted(purchase.coupon_codes)
    if posted.vouchers:
        content["vouchers"] = posted.vouchers
    if posted.receipt:
        content["receipt"] = {"number": posted.receipt.number, "business_day": posted.receipt.business_day.isoformat()}
    return content


def _line_document(line: Line) -> _LineDocument:
    return _LineDocument(
        line.line_id,
        line.sku,
        line.quantity,
        line.amount_minor,
        line.discount_minor,
        line.tax_minor,
        line.kind,
        line.category,
        line.brand,
        sorted(line.tags) if line.tags else (),
        {name: _fact_document(fact) for name, fact in sorted(line.facts.items())} if line.facts else None,
    )


def _tender_document(tender: Tender) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": tender.kind, "amount_minor": tender.amount_minor}
    if tender.reference is not None:
        document["reference"] = tender.reference
    return document


def _fact_document(fact: Fact) -> object:
    return {"fraction": str(fact)} if isinstance(fact, Fraction) else fact


def _line(document: _LineDocument) -> Line:
    return _make_line(
        document.line_id,
        document.sku,
        document.quantity,
        document.amount_minor,
        document.discount_minor,
        document.tax_minor,
        document.kind,
        document.category,
        document.brand,
        frozenset(document.tags) if document.tags else _NO_TAGS,
        {name: _fact(fact) for name, fact in document.facts.items()} if document.facts else {},
    )


def _fact(stored: Any) -> Fact:
    fact: Fact = Fraction(stored["fraction"]) if isinstance(stored, dict) else stored
    return fact
