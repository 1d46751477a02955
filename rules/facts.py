"""All that a rule may look at: a purchase as the till sent it, and the few facts of a member that rules may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Final, Literal

MAX_QUANTITY: Final = 1_000_000
MAX_FACT: Final = 10**9
"""What a line's quantity and its named numbers may be at most, at every door."""

Number = int | Fraction
"""An exact number. Results are the same whichever of the two carries them."""

Fact = str | Number
"""A named number or word that a till sends with a line (distance, booking class)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a receipt. `amount_minor` is its total after its own discount, and contains `tax_minor`."""

    line_id: str
    sku: str
    quantity: int
    amount_minor: int
    discount_minor: int = 0
    tax_minor: int = 0
    kind: Literal["goods", "shipping"] = "goods"
    category: str | None = None
    """A path, `drinks/coffee`: a rule on `drinks` catches it too."""
    brand: str | None = None
    tags: frozenset[str] = frozenset()
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tender:
    """One way in which a part of the purchase was paid."""

    kind: str
    amount_minor: int
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase as it happened, in one currency; `occurred_at` is aware."""

    occurred_at: datetime
    lines: tuple[Line, ...]
    currency: str
    store: str | None = None
    store_groups: frozenset[str] = frozenset()
    channel: str | None = None
    order_discount_minor: int = 0
    tenders: tuple[Tender, ...] = ()
    coupon_codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Birthday:
    """A month and day in the solar or the Chinese lunar calendar; the year may be unknown."""

    month: int
    day: int
    year: int | None = None
    calendar: Literal["solar", "lunar"] = "solar"
    leap_month: bool = False


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """What rules may know of a member, as it was just before the purchase."""

    joined_on: date
    level: str | None = None
    purchases_before: int = 0
    last_purchase_on: date | None = None
    birthday: Birthday | None = None
    birthday_locked_until: date | None = None
    """After staff changed the birthday, conditions on it fail before this day (PROGRAMME.md, Occasions)."""
    segments: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)
