"""Levels that staff give, and members who are about to lose theirs."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validates_schema

from loyalty_engine.api.schemas.fields import Checked, Code, Day, optional
from loyalty_engine.api.schemas.members import ReasonSchema
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services.at_risk import MAX_DAYS
from loyalty_engine.services.manual_levels import ManualLevel

String = fields.String


class ManualLevelSchema(ReasonSchema):
    """A level and its last day; `level` null ends one that was given by hand."""

    level = Code(required=True, allow_none=True)
    until = optional(Day, format="date", description="the last day of the level")

    @validates_schema
    def _ends(self, data: Mapping[str, Any], **_: Any) -> None:
        """A level has an end, and an end belongs to a level."""
        if data["level"] is None and data["until"] is not None:
            raise ValidationError("Leave it out: without a level there is nothing that ends then.", "until")
        if data["level"] is not None and data["until"] is None:
            raise ValidationError("Say through which day: a level that is given by hand has an end.", "until")

    @post_load
    def _asked(self, data: Mapping[str, Any], **_: Any) -> ManualLevel:
        return ManualLevel(**data)


class ManualLevelAnswer(Schema):
    """Where the member stands now."""

    member_id = fields.UUID()
    level = String(allow_none=True)
    by = String(metadata={"enum": ["metric", "manual"]})
    review_on = fields.Date(allow_none=True)


def _days(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) <= 3 and 1 <= int(written) <= MAX_DAYS):
        raise ValueError(f"not a number of days: write one from 1 to {MAX_DAYS}")
    return int(written)


class AtRiskQuery(PageQuery):
    """How soon the reviews are."""

    within_days = Checked(_days, load_default=30, metadata={"type": "integer", "minimum": 1, "maximum": MAX_DAYS})


class AtRiskAnswer(Schema):
    """A member who has to do something to keep its level."""

    member_id = fields.UUID()
    level = String()
    manual = fields.Boolean()
    in_grace = fields.Boolean()
    missing = fields.Raw(metadata={"oneOf": [{"type": "integer"}, {"type": "string"}]})
    of = String()
    by = fields.Date()
    grace_until = fields.Date(allow_none=True)


class AtRiskPageAnswer(Schema):
    """A page of them; it may be shorter than was asked for and have a `next` all the same."""

    on = fields.Date()
    members = fields.List(fields.Nested(AtRiskAnswer))
    next = String(allow_none=True)
