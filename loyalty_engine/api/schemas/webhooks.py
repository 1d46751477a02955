"""What operators are told of webhooks, and how they ask for a replay."""

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, post_load

from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Instant

String, Integer = fields.String, fields.Integer


class TargetAnswer(Schema):
    """How far one target is."""

    target = String()
    host = String()
    kinds = fields.List(String())
    waiting_events = Integer()
    waiting_members = Integer()
    oldest_seconds = Integer(allow_none=True)
    parked_members = Integer()
    error = String(allow_none=True)


class WebhooksAnswer(Schema):
    """Every target of the settings."""

    targets = fields.List(fields.Nested(TargetAnswer))


class ReplaySchema(Strict):
    """From when on a target is to be told again."""

    from_ = Instant(required=True, data_key="from", metadata={"format": "date-time"})

    @post_load
    def since(self, data: dict[str, Any], **_: Any) -> datetime:
        """Return the time alone."""
        found: datetime = data["from_"]
        return found


class ReplayAnswer(Schema):
    """From when on the target is told again, and of how many members."""

    target = String()
    members = Integer()
    from_ = fields.DateTime(data_key="from")
