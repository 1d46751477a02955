"""What happens to members besides purchases, and what a till says of its day: API.md, Members and Tills."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema, fields, post_load

from loyalty_engine.api.schemas.answers import BalanceAnswer
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Code, Day, Facts, Instant, Note, Whole, Word, needed, optional
from loyalty_engine.api.schemas.members import ReasonSchema
from loyalty_engine.api.schemas.purchases import happened
from loyalty_engine.services.adjustments import Adjustment
from rules.events import Event

String, Integer = fields.String, fields.Integer
MOST_POINTS = 10**9
MOST_PURCHASES = 10**9


class EventSchema(Strict):
    """Something that a member did and that is no purchase."""

    event_id = needed(Code, example="review-8812", description="the sender's own; unique for the member")
    event = needed(Code, example="review")
    occurred_at = needed(Instant, format="date-time", example="2026-11-22T09:41:00+08:00")
    facts = optional(Facts, description="what rules may go by: `purchase`, `sku`, …")
    of = optional(Code, description="the `event_id` of the earlier event that this one is about")

    @post_load
    def _event(self, data: Mapping[str, Any], **_: Any) -> Event:
        happened(data["occurred_at"])
        return Event(data["event_id"], data["event"], data["occurred_at"], data["facts"] or {}, data["of"])


class AdjustmentSchema(Strict):
    """Points that staff give, or with a minus take."""

    wallet = needed(Word, example="beans")
    points = needed(Whole, -MOST_POINTS, MOST_POINTS, example=-50)
    reason = needed(Note, example="ticket 4711: the machine was broken")
    expires_on = optional(Day, format="date", description="for points that are given; else as if earned today")

    @post_load
    def _adjustment(self, data: Mapping[str, Any], **_: Any) -> Adjustment:
        expires_on: date | None = data["expires_on"]
        return Adjustment(data["wallet"], data["points"], data["reason"], expires_on)


class MergeSchema(ReasonSchema):
    """Into which member this one goes, and why."""

    into = fields.UUID(required=True, metadata={"description": "the member that stays"})


class StoreDaySchema(Strict):
    """What the till counted on one day."""

    purchases = needed(Whole, 0, MOST_PURCHASES, example=214)
    total = needed(Word, example="10450.00", description="of the purchases as they were sold, returns left aside")


class GivenAnswer(Schema):
    """What one rule gave for an event, or why it gave less or nothing."""

    rule = String()
    wallet = String()
    points = Integer()
    pending = Integer()
    because = String(metadata={"enum": ["fact_missing", "once_used", "cap_reached"]})


class MaturedAnswer(Schema):
    """Points that waited for this event and can be used now."""

    rule = String()
    wallet = String()
    points = Integer()


class EventAnswer(Schema):
    """What an event gave."""

    event_id = String()
    member_id = fields.UUID()
    event = String()
    points = fields.List(fields.Nested(GivenAnswer))
    matured = fields.List(fields.Nested(MaturedAnswer))
    balances = fields.List(fields.Nested(BalanceAnswer))
    programme_version = Integer()


class AdjustmentAnswer(Schema):
    """What was given or taken, and what there is now."""

    adjustment_id = fields.UUID()
    member_id = fields.UUID()
    wallet = String()
    points = Integer()
    balances = fields.List(fields.Nested(BalanceAnswer))


class TransferredAnswer(Schema):
    """What one wallet brought along; a debt counts with a minus."""

    wallet = String()
    points = Integer()


class MergeAnswer(Schema):
    """The member that stays, and what came to it."""

    member_id = fields.UUID()
    merged = fields.UUID()
    level = String(allow_none=True)
    points = fields.List(fields.Nested(TransferredAnswer))
    balances = fields.List(fields.Nested(BalanceAnswer))


class CountAnswer(Schema):
    """So many purchases and what they come to."""

    purchases = Integer()
    total = String()


class WaitingPurchaseAnswer(Schema):
    """A purchase of the day that waits for staff."""

    purchase_id = String()
    reason = String()


class StoreDayAnswer(Schema):
    """The till's count of a day beside ours. `difference` is what the till has more than we."""

    store = String()
    day = fields.Date()
    currency = String()
    till = fields.Nested(CountAnswer, allow_none=True)
    ours = fields.Nested(CountAnswer)
    by_status = fields.Dict(keys=String(), values=fields.Nested(CountAnswer))
    difference = fields.Nested(CountAnswer, allow_none=True)
    unresolved = fields.List(fields.Nested(WaitingPurchaseAnswer))
    reported_at = fields.DateTime(allow_none=True)
