"""What is asked and told of messages: planned, sent, stopped; never to which number, nor by which name."""

import re
from typing import Any, Final

from marshmallow import Schema, fields, validate

from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Checked, Code, Facts, needed, optional
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services.message_forecast import MAX_DAYS
from loyalty_engine.services.message_views import STATUSES

String, Integer = fields.String, fields.Integer
_DAYS: Final = re.compile(r"[1-9][0-9]?")
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _days(written: str) -> int:
    if _DAYS.fullmatch(written) is None or int(written) > MAX_DAYS:
        raise ValueError(f"not a number of days: write one from 1 to {MAX_DAYS}")
    return int(written)


def _id(written: str) -> str:
    if _ID.fullmatch(written.lower()) is None:
        raise ValueError("not the id of a member")
    return written.lower()


class CodeSchema(Strict):
    """What the code is for."""

    purpose = String(load_default="redemption", validate=validate.OneOf(("redemption",)))


class CodeSentAnswer(Schema):
    """A code that is on its way to the member's telephone, and for how many minutes it is good."""

    member_id = fields.UUID()
    channel = String(metadata={"enum": ["sms"]})
    minutes = Integer()


class ForecastQuery(Strict):
    """How many days, today among them."""

    days = Checked(_days, load_default=7, metadata={"type": "integer", "minimum": 1, "maximum": MAX_DAYS})


class MessagesQuery(PageQuery):
    """Messages in which state, and of which template."""

    status = String(required=True, validate=validate.OneOf(STATUSES))
    template = Code(load_default=None)


class PreviewSchema(Strict):
    """A template, for whom, and what its places hold; those without a value get an example."""

    template = needed(Code, example="birthday")
    member_id = needed(lambda **options: Checked(_id, **options), format="uuid")
    places = optional(Facts, example={"points": 100})


class MessageAnswer(Schema):
    """A message, and what became of it."""

    message_id = fields.UUID()
    member_id = fields.UUID()
    template = String()
    purpose = String(metadata={"enum": ["service", "greeting", "marketing", "code"]})
    channel = String(metadata={"enum": ["sms", "email"]})
    language = String()
    status = String(metadata={"enum": STATUSES})
    reason = String(allow_none=True)
    cause_kind = String()
    cause_id = String()
    places = fields.Dict()
    send_at = fields.DateTime()
    send_by = fields.DateTime(allow_none=True)
    planned_at = fields.DateTime()
    changed_at = fields.DateTime()
    segments = Integer(allow_none=True)
    cost = String(allow_none=True)
    merged_into = fields.UUID(allow_none=True)
    provider = String(allow_none=True)
    provider_error = String(allow_none=True)
    version = Integer()


class MessagesAnswer(Schema):
    """A page of messages."""

    messages = fields.List(fields.Nested(MessageAnswer))
    next = String(allow_none=True)


class PauseAnswer(Schema):
    """What is paused."""

    what = String()
    since = fields.DateTime()
    by = String()
    reason = String()


class PausedAnswer(PauseAnswer):
    """What is paused, and how many messages that holds."""

    held = Integer()


class PausesAnswer(Schema):
    """All that is paused."""

    pauses = fields.List(fields.Nested(PauseAnswer))


class ResumedAnswer(Schema):
    """What goes on, and how many messages."""

    what = String()
    freed = Integer()


class LineAnswer(Schema):
    """The messages of a template on a day: planned, held, or expected to come."""

    on = fields.Date()
    template = String()
    channel = String()
    kind = String(metadata={"enum": ["planned", "held", "expected"]})
    messages = Integer()
    segments = Integer()
    cost = String(allow_none=True)


class TotalAnswer(Schema):
    """All of it."""

    messages = Integer()
    segments = Integer()
    cost = String(allow_none=True)


class ForecastAnswer(Schema):
    """What is sent in the coming days, at most, and what that costs."""

    currency = String()
    lines = fields.List(fields.Nested(LineAnswer))
    total = fields.Nested(TotalAnswer)
    paused = fields.List(fields.Nested(PauseAnswer))


class PreviewTextAnswer(Schema):
    """The text in one language."""

    language = String()
    subject = String(allow_none=True)
    text = String()
    encoding = String(allow_none=True, metadata={"enum": ["GSM-7", "UCS-2", None]})
    segments = Integer()
    too_long = fields.Boolean()
    cost = String(allow_none=True)


class PreviewAnswer(Schema):
    """A template as a member would get it; `refused` says why the member would not."""

    template = String()
    member_id = fields.UUID()
    purpose = String()
    channel = String()
    refused = String(allow_none=True)
    language = String()
    texts: Any = fields.List(fields.Nested(PreviewTextAnswer))
