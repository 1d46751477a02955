"""Points, or a reward, that a member wants to use, and what is told of it: API.md, Tills."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validates_schema

from loyalty_engine.api import values
from loyalty_engine.api.schemas.answers import BalanceAnswer
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Checked, Code, Flag, Note, Whole, Word, needed, optional
from loyalty_engine.api.schemas.purchases import MemberReferenceSchema
from loyalty_engine.api.schemas.vouchers import VoucherAnswer
from rules.reading_values import MAX_POINTS

String, Integer = fields.String, fields.Integer


class ProofSchema(Strict):
    """What proves that the member is there, beside a token that names it."""

    code = needed(Checked, values.word, example="482913", description="the one-time code that the member was sent")


class RedemptionSchema(Strict):
    """Points of a wallet that are used as money; or a reward."""

    member = fields.Nested(MemberReferenceSchema, required=True)
    wallet = optional(Code, example="beans")
    points = optional(Whole, 1, MAX_POINTS, example=300)
    reward = optional(Code)
    store = optional(Code, description="a service says where; a terminal's token says it already")
    capture = optional(Flag, default=True, description="false holds the points until `expires_at`")
    purchase_total = optional(
        Word, example="35.00", description="what is to be paid, to check the part that points may pay"
    )
    proof = fields.Nested(ProofSchema, load_default=None, allow_none=True)
    reason = optional(Note, description="of staff, who give a reward for nothing")

    @validates_schema
    def _points_or_reward(self, data: Mapping[str, Any], **_: Any) -> None:
        points = [name for name in ("wallet", "points") if data.get(name) is not None]
        if data.get("reward") is not None and points:
            raise ValidationError("name a wallet and points, or a reward; not both")
        if data.get("reward") is None and len(points) < 2:
            missing = [name for name in ("wallet", "points") if name not in points]
            raise ValidationError({name: ["is required, or a reward"] for name in missing})


class CaptureSchema(Strict):
    """How many of the held points are spent; without a number, all of them."""

    points = optional(Whole, 1, MAX_POINTS, example=200)


class ReleaseSchema(Strict):
    """Nothing more is to be said of a hold, and the body may be left out, unless staff release it."""

    reason = optional(Note, description="why points that are spent come back; staff always say why")


class RedemptionAnswer(Schema):
    """A redemption as it stands: what it holds or has spent, what that is worth, and the balances after it."""

    redemption_id = fields.UUID()
    member_id = fields.UUID()
    status = String(metadata={"enum": ["captured", "held", "released", "timed_out"]})
    wallet = String()
    points = Integer(metadata={"description": "asked for"})
    captured = Integer(metadata={"description": "spent of them"})
    restored = Integer(metadata={"description": "back of those, because goods came back"})
    worth = String(metadata={"example": "3.00", "description": "of the points that are spent or held"})
    reward = String(metadata={"description": "of a redemption for a reward"})
    by = String(metadata={"enum": ["redemption", "benefit", "gift"], "description": "how the reward was come by"})
    voucher = fields.Nested(VoucherAnswer, allow_none=True)
    store = String()
    purchase_id = String(allow_none=True, metadata={"description": "the purchase that it paid"})
    expires_at = fields.DateTime(allow_none=True)
    balances = fields.List(fields.Nested(BalanceAnswer))
    programme_version = Integer()
