"""Vouchers: what tills ask of a code, and what tills and members are told of them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Code, Flag, Note, needed, optional

String = fields.String


class VoucherUseSchema(Strict):
    """For which purchase a voucher is used, where it is known by then; a service names the store too."""

    purchase_id = optional(Code, example="till-1-0042")
    store = optional(Code)

    @validates_schema
    def _store_of_purchase(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("store") and not data.get("purchase_id"):
            raise ValidationError({"store": ["means nothing without purchase_id"]})


class VoucherRedemptionSchema(VoucherUseSchema):
    """The same; with `hold` it is set aside and not yet used."""

    hold = optional(Flag, default=False)

    @validates_schema
    def _purchase_of_hold(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("hold") and not data.get("purchase_id"):
            raise ValidationError({"purchase_id": ["is required to set a voucher aside: nobody else may use it then"]})


class VoucherCancellationSchema(Strict):
    """Why a voucher is cancelled."""

    reason = needed(Note)


class VoucherWorthAnswer(Schema):
    """In words."""

    en = String()
    zh = String()


class VoucherAnswer(Schema):
    """A voucher, without whose it is."""

    code = String(metadata={"example": "7QX4-K2M9-DR3T-5"})
    status = String(metadata={"enum": ["issued", "held", "redeemed", "expired", "cancelled"]})
    reward = String()
    name = fields.Dict(keys=String(), values=String())
    worth = fields.Nested(VoucherWorthAnswer)
    minimum_purchase = String(allow_none=True)
    valid_through = fields.Date(allow_none=True)
    issued_at = fields.DateTime()
    held_until = fields.DateTime(allow_none=True)
    redeemed_at = fields.DateTime(allow_none=True)


class VouchersAnswer(Schema):
    """A page of a member's vouchers, newest first."""

    member_id = fields.UUID()
    vouchers = fields.List(fields.Nested(VoucherAnswer))
    next = String(allow_none=True)


class CancelledAnswer(VoucherAnswer):
    """A cancelled voucher, with the points that came back for it."""

    points_restored = fields.Integer()
    balances = fields.List(fields.Dict())


class NewVoucherAnswer(Schema):
    """A voucher that a purchase brought, or that came back with a return."""

    code = String()
    reward = String()
    valid_through = fields.Date(allow_none=True)


class OffAnswer(Schema):
    """What a voucher takes off a line."""

    line_id = String()
    off = String()


class UsedVoucherAnswer(Schema):
    """A voucher on a basket, and what it is worth there."""

    code = String()
    reward = String()
    name = fields.Dict(keys=String(), values=String())
    worth = String()
    lines = fields.List(fields.Nested(OffAnswer))
    valid_through = fields.Date(allow_none=True)


class UnusableAnswer(Schema):
    """A voucher that was asked for, and why it is worth nothing on this basket."""

    code = String()
    because = String(metadata={"enum": ["voucher_unusable", "minimum_not_reached", "not_in_basket", "nothing_left"]})
    detail = String()


class InReachAnswer(Schema):
    """A reward that the member could buy now."""

    reward = String()
    name = fields.Dict(keys=String(), values=String())
    worth = fields.Nested(VoucherWorthAnswer)
    cost = fields.Dict()


class QuotedRewardsAnswer(Schema):
    """The member's vouchers that are worth something on a basket, and the rewards in reach."""

    vouchers = fields.List(fields.Nested(UsedVoucherAnswer))
    unusable = fields.List(fields.Nested(UnusableAnswer))
    bought = fields.List(fields.Nested(InReachAnswer))
