"""What Twilio tells us by itself: what became of a text, and what a phone answered."""

from typing import Final

from flask import Response, request

from loyalty_engine.api.auth import from_twilio
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.openapi import Blueprint, ProblemSchema
from loyalty_engine.channels.twilio_words import EMPTY
from loyalty_engine.services import delivery, inbound

blueprint = Blueprint("twilio", __name__, description="For Twilio.")

_FORM: Final = "application/x-www-form-urlencoded"
_LONGEST: Final = 64


@blueprint.route("/v1/channels/twilio/status/<id:member_id>/<id:message_id>", methods=["POST"])
@from_twilio
@reads({"type": "object"}, _FORM)
@answers(204)
@answers(403, ProblemSchema)
def status(member_id: str, message_id: str) -> Response:
    """Take what became of a text; in any order and as often as it comes."""
    form = request.form
    delivery.told(member_id, message_id, form.get("MessageStatus", ""), _short("MessageSid"), _short("ErrorCode"))
    return Response(status=204)


@blueprint.route("/v1/channels/twilio/inbound", methods=["POST"])
@from_twilio
@reads({"type": "object"}, _FORM)
@answers(200)
@answers(403, ProblemSchema)
def received() -> Response:
    """Take a text that a phone sent: STOP and its kin withdraw consent, START gives it back, all else is left alone."""
    inbound.received(request.form.get("From", ""), request.form.get("OptOutType") or request.form.get("Body", ""))
    return Response(EMPTY, content_type="text/xml")


def _short(name: str) -> str | None:
    text = request.form.get(name, "")
    return text if text and text.isascii() and text.isprintable() and len(text) <= _LONGEST else None
