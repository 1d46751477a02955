"""A member by itself: who I am, what I agreed to, the card that I show, why I have my points, all of it, and leaving."""

from typing import Any

from flask import Response

from loyalty_engine.api import forms
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.responses import private
from loyalty_engine.api.schemas.answers import ExplanationAnswer
from loyalty_engine.api.schemas.members import MemberAnswer, ShownCardAnswer
from loyalty_engine.api.schemas.queries import LanguageQuery
from loyalty_engine.api.schemas.sessions import OwnChangesSchema, OwnConsentsAnswer, OwnSaidSchema
from loyalty_engine.services import (
    lookup,
    member_changes,
    member_tokens,
    members,
    members_consents,
    own_changes,
    qr_codes,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_changes import Changes
from rules.errors import NotFound

blueprint = Blueprint("own", __name__, url_prefix="/v1/me", description="What members see and change of themselves.")


@blueprint.route("", methods=["GET"])
@allow("member")
@answers(200, MemberAnswer)
def me(actor: Actor) -> Response:
    """Show who I am."""
    return private(members.find(_self(actor)))


@blueprint.route("", methods=["PATCH"])
@allow("member")
@answers(200, MemberAnswer)
@blueprint.arguments(OwnChangesSchema)
def change(actor: Actor, body: dict[str, Any]) -> Response:
    """Change what is known of me; another phone with the code that it was sent, which holds my points for a day."""
    code = body.pop("code", None)
    return private(own_changes.change(actor, Changes(**body), code))


@blueprint.route("/card", methods=["GET"])
@allow("member")
@answers(200, ShownCardAnswer)
def card(actor: Actor) -> Response:
    """Show the card that I show at the till, with the token that proves for half a minute or more that it's me."""
    working = [one for one in members.find(_self(actor)).cards if one.status == "active"]
    if not working:
        raise NotFound("no_card", "You have no card that works; ask for one at the till.")
    shown = member_tokens.show(_self(actor))
    told = {"number": working[-1].number, "status": working[-1].status, "token": shown.token}
    return private(told | {"qr": qr_codes.data_uri(shown.token), "token_valid_until": shown.valid_until})


@blueprint.route("/card.svg", methods=["GET"])
@allow("member")
@answers(200, None, "The QR code as a drawing, image/svg+xml")
def card_drawing(actor: Actor) -> Response:
    """Show the token of this moment as a QR code."""
    drawing = qr_codes.svg(member_tokens.show(_self(actor)).token)
    return Response(drawing, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})


@blueprint.route("/consents", methods=["GET"])
@allow("member")
@answers(200, OwnConsentsAnswer)
def consents(actor: Actor) -> Response:
    """Show what I said about being written to, for every channel and purpose."""
    return private({"consents": [one._asdict() for one in members_consents.of_member(_self(actor))]})


@blueprint.route("/consents/<code:channel>/<code:purpose>", methods=["PUT"])
@allow("member")
@answers(200, OwnConsentsAnswer)
@blueprint.arguments(OwnSaidSchema)
def put_consent(actor: Actor, body: dict[str, Any], channel: str, purpose: str) -> Response:
    """Say whether I may be written to that way for that; it counts from now on."""
    said = members_consents.said_by_oneself(channel, purpose, body["given"], f"signed in as {actor}")
    member_changes.put_consent(actor, _self(actor), said)
    return private({"consents": [one._asdict() for one in members_consents.of_member(_self(actor))]})


@blueprint.route("/purchases/<id:posting_id>/explanation", methods=["GET"])
@allow("member")
@answers(200, ExplanationAnswer)
@blueprint.arguments(LanguageQuery, location="query")
def explain(actor: Actor, asked: dict[str, Any], posting_id: str) -> Response:
    """Say in words why a purchase of mine earned what it did."""
    return private(lookup.own_explanation(_self(actor), posting_id, forms.spoken_to(asked["language"])))


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
