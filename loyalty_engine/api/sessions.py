"""The members' own door: a code to a phone, a session for a code, and which sessions there are."""

from typing import Any

from flask import Response, request
from flask.globals import request_ctx

from loyalty_engine.api.auth import allow, public
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.responses import answer, private
from loyalty_engine.api.schemas.sessions import (
    CodeAskedAnswer,
    OwnCodeSchema,
    PhoneCodeSchema,
    SessionOpenedAnswer,
    SessionsAnswer,
    SessionSchema,
)
from loyalty_engine.services import own_changes, phone_codes, sessions
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.addresses import address_of
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.settings import settings

blueprint = Blueprint("sessions", __name__, url_prefix="/v1", description="How members sign in by themselves.")

_SENT = {"good_for_seconds": int(phone_codes.GOOD_FOR.total_seconds())}


@blueprint.route("/sessions/codes", methods=["POST"])
@public
@answers(202, CodeAskedAnswer)
@blueprint.arguments(PhoneCodeSchema)
def ask_code(body: dict[str, Any]) -> Answer:
    """Have a code sent to a phone; the answer is the same whether or not a member has it."""
    sessions.ask_code(body["phone"], body["language"], _address())
    return answer(_SENT, 202)


@blueprint.route("/sessions", methods=["POST"])
@public
@answers(201, SessionOpenedAnswer)
@blueprint.arguments(SessionSchema)
def open_session(body: dict[str, Any]) -> Response:
    """Sign in with the code; `enrol` makes a member of whoever has the phone and is none."""
    if body["enrol"] is None:
        issued = sessions.open_session(body["phone"], body["code"], body["device"], _address())
    else:
        issued = sessions.enrol(body["phone"], body["code"], body["enrol"], body["device"], _address())
    token = issued.token
    told = {"token": issued.text, "session_id": token.token_id, "member_id": token.member_id}
    return private(told | {"device": token.name, "expires_at": token.expires_at}, 201)


@blueprint.route("/sessions/current", methods=["DELETE"])
@allow("member")
@answers(204)
def sign_out(actor: Actor) -> Response:
    """Sign out here; the token is dead everywhere within 30 seconds."""
    sessions.end_session(_self(actor), actor.token_id)
    return Response(status=204)


@blueprint.route("/me/sessions", methods=["GET"])
@allow("member")
@answers(200, SessionsAnswer)
def my_sessions(actor: Actor) -> Response:
    """List the devices on which I am signed in."""
    return private({"sessions": sessions.sessions_of(_self(actor), actor.token_id)})


@blueprint.route("/me/sessions/<code:session_id>", methods=["DELETE"])
@allow("member")
@answers(204)
def end_session(actor: Actor, session_id: str) -> Response:
    """Sign out on another device; it is out within 30 seconds."""
    sessions.end_session(_self(actor), session_id)
    return Response(status=204)


@blueprint.route("/me/codes", methods=["POST"])
@allow("member")
@answers(202, CodeAskedAnswer)
@blueprint.arguments(OwnCodeSchema)
def ask_own_code(actor: Actor, body: dict[str, Any]) -> Answer:
    """Have a code sent to my new phone, or, for leaving, to my own."""
    own_changes.ask_code(_self(actor), body["purpose"], body["phone"], _address())
    return answer(_SENT, 202)


def _address() -> str:
    environment = request_ctx.request.environ
    forwarded = request.headers.get("X-Forwarded-For")
    return address_of(environment.get("REMOTE_ADDR"), forwarded, settings().trusted_proxies)


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
