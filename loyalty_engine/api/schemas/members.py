"""A member as it is enrolled, looked up and shown: API.md, Members."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from loyalty_engine.api import values
from loyalty_engine.api.schemas.answers import NextLevelAnswer
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import (
    Checked,
    Code,
    Flag,
    Instant,
    Note,
    Phrase,
    Whole,
    Word,
    needed,
    optional,
    several,
    without_nulls,
)
from loyalty_engine.api.schemas.purchases import MemberReferenceSchema
from rules.facts import Birthday

String, Integer = fields.String, fields.Integer
_MAX_ATTRIBUTES: Final = 100
_MAX_SEGMENTS: Final = 50


class LookupSchema(MemberReferenceSchema):
    """Who stands at the till; a phone may be written as people of the country write it."""

    phone = optional(Word, example="138 0013 8000")


class BirthdaySchema(Strict):
    """A month and day in the solar or the Chinese lunar calendar; the year may be left out."""

    month = needed(Whole, 1, 12)
    day = needed(Whole, 1, 31)
    year = optional(Whole, 1850, 2199)
    calendar = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(("solar", "lunar")))
    leap_month = optional(Flag)

    @post_load
    def _birthday(self, data: Mapping[str, Any], **_: Any) -> Birthday:
        return Birthday(**without_nulls(data))


class ConsentSchema(Strict):
    """What the member said about being written to."""

    channel = needed(Code, example="sms")
    purpose = needed(Code, example="marketing")
    given = optional(Flag, default=True)
    at = optional(Instant, format="date-time", description="now, when left out")
    proof = optional(Note, description="how it is known")


class EnrolmentSchema(Strict):
    """Who is enrolled: all of it may be left out. Without a card the member gets a number of ours."""

    name = optional(Phrase)
    phone = optional(Word, example="+8613800138000")
    email = optional(Checked, values.email, format="email")
    language = optional(Checked, values.language, example="zh")
    birthday = fields.Nested(BirthdaySchema, load_default=None, allow_none=True)
    card = optional(Word, example="6300000000000017")
    external_id = optional(Code, description="what the shop calls the member")
    consents = several(fields.Nested(ConsentSchema), load_default=None, allow_none=True)
    segments = several(Code(), load_default=None, allow_none=True)
    attributes = fields.Dict(
        keys=Code(),
        values=Phrase(),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=_MAX_ATTRIBUTES),
    )


class ChangesSchema(Strict):
    """What is to be different of a member; what is left out stays. Null empties a name, phone, e-mail or time zone."""

    name = Phrase(allow_none=True)
    phone = Word(allow_none=True, metadata={"example": "+8613800138000"})
    email = Checked(values.email, allow_none=True, metadata={"format": "email"})
    language = Checked(values.language, metadata={"example": "zh"})
    time_zone = Word(allow_none=True, metadata={"example": "Asia/Shanghai"})
    birthday = fields.Nested(BirthdaySchema, metadata={"description": "set once; only staff change it, with a reason"})
    segments = several(Code(), most=_MAX_SEGMENTS, metadata={"description": "all of them, in place of those before"})
    attributes = fields.Dict(
        keys=Code(),
        values=Phrase(),
        validate=validate.Length(max=_MAX_ATTRIBUTES),
        metadata={"description": "all of them, in place of those before"},
    )
    reason = optional(Note, description="needed for another birthday; kept in the audit log")

    @post_load
    def _segments(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return data | {"segments": frozenset(data["segments"])} if "segments" in data else data


class SaidSchema(Strict):
    """What the member said about being written to; channel and purpose stand in the address."""

    given = needed(Flag)
    at = optional(Instant, format="date-time", description="when it was said; now, when left out")
    proof = optional(Note, description="how it is known")


class ReasonSchema(Strict):
    """Why something is done by hand."""

    reason = needed(Note)


class CardBlockSchema(ReasonSchema):
    """Which card, and why; in the body, because no card stands in an address."""

    card = needed(Word, example="6300000000000017")


class CardReplacementSchema(CardBlockSchema):
    """Which card, why, and by which one; without that the member gets a number of ours."""

    new_card = optional(Word)


class ClaimSchema(Strict):
    """The code on a receipt that was not on anybody's account."""

    claim_code = needed(Word)


class EnrolledAnswer(Schema):
    """The new member."""

    member_id = fields.UUID()
    status = String()
    card = String()
    cards = fields.List(String())
    level = String(allow_none=True)
    language = String()
    joined_on = fields.Date()


class SeenAnswer(Schema):
    """What a till is shown: enough to greet a member and to book for it."""

    member_id = fields.UUID()
    status = String()
    name = String(allow_none=True, metadata={"example": "L*** W***"})
    card = String(allow_none=True, metadata={"example": "************0017"})
    level = String(allow_none=True)
    language = String()


class CardAnswer(Schema):
    """A card."""

    number = String()
    status = String(metadata={"enum": ["active", "blocked", "replaced"]})


class KeptCardAnswer(CardAnswer):
    """A card as staff see it."""

    member_id = fields.UUID()
    issued_at = fields.DateTime()
    changed_at = fields.DateTime(allow_none=True)
    replaced_by = String(allow_none=True)


class ShownCardAnswer(CardAnswer):
    """The member's own card, with its token of this moment."""

    token = String(metadata={"description": "names the member in `token`, and proves that it is there"})
    qr = String(metadata={"description": "the token as a QR code: the address of a picture"})
    token_valid_until = fields.DateTime(metadata={"description": "a new token is shown every 30 seconds"})


class BirthdayAnswer(Schema):
    """A birthday."""

    month = Integer()
    day = Integer()
    year = Integer(allow_none=True)
    calendar = String()
    leap_month = fields.Boolean()


class ConsentAnswer(Schema):
    """What was said about being written to."""

    channel = String()
    purpose = String()
    given = fields.Boolean()
    at = fields.DateTime()
    proof = String()


class MemberAnswer(Schema):
    """Everything that is known of a member but its points."""

    member_id = fields.UUID()
    status = String()
    joined_on = fields.Date()
    enrolled_at = fields.DateTime()
    time_zone = String(allow_none=True)
    language = String()
    level = String(allow_none=True)
    name = String(allow_none=True)
    phone = String(allow_none=True)
    email = String(allow_none=True)
    birthday = fields.Nested(BirthdayAnswer, allow_none=True)
    birthday_locked_until = fields.Date(allow_none=True)
    segments = fields.List(String())
    attributes = fields.Dict(keys=String(), values=String())
    consents = fields.List(fields.Nested(ConsentAnswer))
    cards = fields.List(fields.Nested(KeptCardAnswer))


class MemberStatusAnswer(Schema):
    """Whether a member's purchases earn; nothing personal, for answers are kept under their Idempotency-Key."""

    member_id = fields.UUID()
    status = String()


class EntryAnswer(Schema):
    """One entry of the ledger: what it changed, and where it came from."""

    seq = Integer()
    kind = String()
    wallet = String()
    points = Integer()
    available = Integer()
    pending = Integer()
    held = Integer()
    debt = Integer()
    forgiven = Integer()
    said = String(metadata={"description": "what people call it"})
    about = String(metadata={"description": "what it was about, in words"})
    explanation = String(allow_none=True, metadata={"description": "where the member reads why, of a purchase"})
    source = fields.Dict()
    programme_version = Integer()
    occurred_at = fields.DateTime()
    booked_at = fields.DateTime()
    reason = String(allow_none=True)


class LedgerAnswer(Schema):
    """A page of entries, newest first."""

    member_id = fields.UUID()
    entries = fields.List(fields.Nested(EntryAnswer))
    next = String(allow_none=True)


class NextAnswer(NextLevelAnswer):
    """The same, with the last day on which what is counted now still counts, where a year ends then."""

    by = fields.Date()


class KeepAnswer(NextLevelAnswer):
    """What is missing to keep the level, by when, and the last day of the grace that follows or runs."""

    by = fields.Date()
    grace_until = fields.Date(allow_none=True)


class StandingAnswer(Schema):
    """The level, until when it is safe, what keeps it, and what is missing for the next."""

    member_id = fields.UUID()
    as_of = fields.Date(
        metadata={"description": "where a past day was asked for; metric, next and benefits are not told"}
    )
    level = String(allow_none=True)
    since = fields.DateTime(allow_none=True)
    review_on = fields.Date(allow_none=True)
    grace_until = fields.Date(allow_none=True)
    manual = fields.Boolean()
    metric = fields.Dict()
    next = fields.Nested(NextAnswer, allow_none=True)
    keep = fields.Nested(KeepAnswer, allow_none=True)
    benefits = fields.List(fields.Dict())
    history = fields.List(fields.Dict())
