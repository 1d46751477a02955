"""What operators do with tokens. Their writes take no Idempotency-Key: a token's text is stored nowhere."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import Response

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.managed import IssuedAnswer, TokensAnswer
from loyalty_engine.api.schemas.management import MemberTokenSchema, RotationSchema, TokenSchema
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services import tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.tokens import Issued, NewToken

blueprint = Blueprint("tokens", __name__, url_prefix="/v1", description="Who may ask.")


def _issued(issued: Issued) -> Answer:
    return answer(asdict(issued.token) | {"token": issued.text}, 201)


@blueprint.route("/tokens", methods=["POST"])
@allow("admin")
@answers(201, IssuedAnswer)
@blueprint.arguments(TokenSchema)
def create(actor: Actor, new: NewToken) -> Answer:
    """Make a token."""
    return _issued(tokens.create(actor, new))


@blueprint.route("/tokens", methods=["GET"])
@allow("admin")
@answers(200, TokensAnswer)
@blueprint.arguments(PageQuery, location="query")
def listing(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List tokens; members' own are not among them."""
    found, following = tokens.listing(actor, page["cursor"] or "", page["limit"])
    return {"tokens": [asdict(token) for token in found], "next": following}


@blueprint.route("/tokens/<code:token_id>", methods=["DELETE"])
@allow("staff", "admin")
@answers(204)
def revoke(actor: Actor, token_id: str) -> Response:
    """End a token; it is dead everywhere within a minute."""
    tokens.revoke(actor, token_id)
    return Response(status=204)


@blueprint.route("/tokens/<code:token_id>/rotate", methods=["POST"])
@allow("admin")
@answers(201, IssuedAnswer)
@blueprint.arguments(RotationSchema)
def rotate(actor: Actor, overlap: timedelta, token_id: str) -> Answer:
    """Make a token in the place of another, which goes on working for a while."""
    return _issued(tokens.rotate(actor, token_id, overlap))


@blueprint.route("/members/<id:member_id>/tokens", methods=["POST"])
@allow("staff", "admin")
@answers(201, IssuedAnswer)
@blueprint.arguments(MemberTokenSchema)
def for_member(actor: Actor, body: dict[str, Any], member_id: str) -> Answer:
    """Make a token with which a member sees its own account."""
    return _issued(tokens.for_member(actor, member_id, body["expires_at"]))
