"""A member's own dates: API.md, Members."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import Schema, fields, post_load

from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Note, optional
from loyalty_engine.api.schemas.members import BirthdayAnswer, BirthdaySchema
from rules.facts import Birthday


class AskedDate(NamedTuple):
    """Which day a date is to be, and why, where it is another than before."""

    day: Birthday
    reason: str | None


class OwnDateSchema(Strict):
    """A day of the year; its name stands in the address."""

    date = fields.Nested(BirthdaySchema, required=True, metadata={"description": "set once; only staff change it"})
    reason = optional(Note, description="needed for another day; kept in the audit log")

    @post_load
    def _asked(self, data: Mapping[str, Any], **_: Any) -> AskedDate:
        return AskedDate(data["date"], data["reason"])


class OwnDateAnswer(Schema):
    """A day of the year under its name, and since when it is known."""

    name = fields.String(metadata={"example": "wedding"})
    date = fields.Nested(BirthdayAnswer)
    set_on = fields.Date()


class OwnDatesAnswer(Schema):
    """All of a member's dates, by name."""

    dates = fields.List(fields.Nested(OwnDateAnswer))
