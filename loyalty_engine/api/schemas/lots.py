"""Lots as they are shown, and what staff say when they give one back."""

from marshmallow import Schema, fields

from loyalty_engine.api.schemas.answers import BalancesAnswer
from loyalty_engine.api.schemas.fields import Whole, optional
from loyalty_engine.api.schemas.members import ReasonSchema
from loyalty_engine.services.lots import GOOD_FOR_DAYS, LONGEST_DAYS

String, Integer = fields.String, fields.Integer


class ExpiredLotAnswer(Schema):
    """Points that have expired together; `expires_on` was their last day, None where the account was idle too long."""

    lot_id = fields.UUID()
    wallet = String()
    granted = Integer()
    opened_on = fields.Date()
    available_on = fields.Date()
    expires_on = fields.Date(allow_none=True)
    level = String(allow_none=True)
    source = fields.Dict()


class ExpiredLotsAnswer(Schema):
    """A page of lots, newest first."""

    member_id = fields.UUID()
    lots = fields.List(fields.Nested(ExpiredLotAnswer))
    next = String(allow_none=True)


class ReinstatementSchema(ReasonSchema):
    """Why, and for how many days the points are good again."""

    days = optional(Whole, 1, LONGEST_DAYS, description=f"{GOOD_FOR_DAYS}, when left out")


class ReinstatedAnswer(BalancesAnswer):
    """The new lot, what of it paid a debt, and the balances now."""

    lot_id = fields.UUID()
    reinstates = fields.UUID()
    wallet = String()
    points = Integer()
    paid_debt = Integer()
    expires_on = fields.Date()
