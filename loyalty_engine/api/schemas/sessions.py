"""How members sign in by themselves: codes, sessions, and who enrols with a code."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load

from loyalty_engine.api import values
from loyalty_engine.api.schemas.base import Strict
from loyalty_engine.api.schemas.fields import Checked, Code, Flag, Note, Phrase, Word, needed, optional, several
from loyalty_engine.api.schemas.members import BirthdaySchema
from loyalty_engine.services import members_consents
from loyalty_engine.services.newcomers import NewMember

String, Integer = fields.String, fields.Integer


class PhoneCodeSchema(Strict):
    """To which phone a code is sent, and in which language."""

    phone = needed(Word, example="+8613800138000")
    language = optional(Checked, values.language, example="zh")


class OwnCodeSchema(Strict):
    """What a code is for: another phone, named here, or leaving."""

    purpose = needed(Code, example="phone_change", enum=["phone_change", "erasure"])
    phone = optional(Word, description="the new phone, for phone_change")


class OwnConsentSchema(Strict):
    """What I say about being written to."""

    channel = needed(Code, example="sms")
    purpose = needed(Code, example="marketing")
    given = optional(Flag, default=True)


class OwnEnrolmentSchema(Strict):
    """Who enrols; all of it may be left out."""

    name = optional(Phrase)
    email = optional(Checked, values.email, format="email")
    language = optional(Checked, values.language, example="zh")
    birthday = fields.Nested(BirthdaySchema, load_default=None, allow_none=True)
    consents = several(fields.Nested(OwnConsentSchema), load_default=None, allow_none=True)

    @post_load
    def _person(self, data: Mapping[str, Any], **_: Any) -> NewMember:
        said = [(one["channel"], one["purpose"], one["given"] is not False) for one in data["consents"] or ()]
        consents = tuple(members_consents.said_by_oneself(*one, "at enrolment") for one in said)
        return NewMember(**{**data, "consents": consents})


class SessionSchema(Strict):
    """The phone, and the code that it was sent; with `enrol` whoever isn't a member becomes one."""

    phone = needed(Word, example="+8613800138000")
    code = needed(Word, example="042137")
    device = optional(Phrase, example="Anna's phone", description="by what I know this session again")
    enrol = fields.Nested(OwnEnrolmentSchema, load_default=None, allow_none=True)


class OwnChangesSchema(Strict):
    """What is to be different of me; what is left out stays. Null empties a name, an e-mail or a time zone."""

    name = Phrase(allow_none=True)
    email = Checked(values.email, allow_none=True, metadata={"format": "email"})
    language = Checked(values.language, metadata={"example": "zh"})
    time_zone = Word(allow_none=True, metadata={"example": "Asia/Shanghai"})
    birthday = fields.Nested(BirthdaySchema, metadata={"description": "set once; only staff change it"})
    phone = Word(metadata={"example": "+8613800138000", "description": "with the code that it was sent"})
    code = Word(metadata={"example": "042137", "description": "needed with a phone"})


class OwnSaidSchema(Strict):
    """Whether I may be written to that way, for that."""

    given = needed(Flag)


class LeavingSchema(Strict):
    """The code that was sent for leaving; not needed in the first minutes after signing in."""

    code = optional(Word, example="042137")


class ErasureSchema(Strict):
    """Why a member is erased."""

    reason = needed(Note)


class CodeAskedAnswer(Schema):
    """The same for every phone: that a code is on its way, and how long it will be good."""

    good_for_seconds = Integer()


class SessionOpenedAnswer(Schema):
    """The new session, with the only copy of its token."""

    token = String()
    session_id = String()
    member_id = fields.UUID()
    device = String()
    expires_at = fields.DateTime()


class OneSessionAnswer(Schema):
    """A device that is signed in."""

    session_id = String()
    device = String()
    since = fields.DateTime()
    ends_at = fields.DateTime(allow_none=True)
    current = fields.Boolean(metadata={"description": "the one that asks"})


class SessionsAnswer(Schema):
    """Where I am signed in, newest first."""

    sessions = fields.List(fields.Nested(OneSessionAnswer))


class OwnConsentAnswer(Schema):
    """What I said about being written to; null where nothing was said."""

    channel = String()
    purpose = String()
    given = fields.Boolean(allow_none=True)
    at = fields.DateTime(allow_none=True)
    proof = String(allow_none=True)


class OwnConsentsAnswer(Schema):
    """Every channel and purpose."""

    consents = fields.List(fields.Nested(OwnConsentAnswer))


class ErasedAnswer(Schema):
    """That nothing personal is left, and which points were forfeited."""

    member_id = fields.UUID()
    status = String()
    points = fields.List(fields.Dict())
    vouchers = Integer()


class ExportAnswer(Schema):
    """All rows that are kept of the member, by table; JSON in columns of text is read."""

    member_id = fields.UUID()
    exported_at = fields.DateTime()
    tables = fields.Dict(keys=String(), values=fields.List(fields.Dict()))
