"""What a till or an import hands over: a purchase with the words that name its member, store and receipt, unresolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules.facts import Purchase


@dataclass(frozen=True, slots=True)
class Receipt:
    """The number printed on the receipt, which is the second key of a purchase, and the till's day it belongs to."""

    number: str
    business_day: date


@dataclass(frozen=True, slots=True)
class MemberReference:
    """Who bought, named by exactly one of the four."""

    member_id: str | None = None
    card: str | None = None
    phone: str | None = None
    token: str | None = None

    def __post_init__(self) -> None:
        named = (self.member_id, self.card, self.phone, self.token)
        assert len(named) - named.count(None) == 1, "a member is named by exactly one of the four"


@dataclass(frozen=True, slots=True)
class PostedPurchase:
    """What a till or an import posts. `purchase_id` is the till's, unique per store; vouchers are codes."""

    purchase_id: str
    store: str | None
    terminal: str | None
    member: MemberReference | None
    receipt: Receipt | None
    purchase: Purchase
    vouchers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    """Goods that came back: `units` maps a line to how many, None stands for all that is left.

    `store` and `receipt` say which purchase is meant when another till of the merchant takes the return.
    """

    purchase_id: str
    return_reference: str
    units: Mapping[str, int] | None
    store: str | None = None
    receipt: Receipt | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RedemptionRequest:
    """Points that a member wants to use as money, or a reward that it wants for them: `points` or `reward`.

    `purchase_total` is money as text, in the programme's currency. Without `capture` they are held for `hold_for`.
    """

    member: MemberReference
    wallet: str | None = None
    points: int | None = None
    reward: str | None = None
    store: str | None = None
    capture: bool = True
    purchase_total: str | None = None
    code: str | None = None
    reason: str | None = None
    """Why staff give a reward for nothing."""
    hold_for: timedelta = timedelta(minutes=15)
