"""What tills do with points: use them, hold them, capture or release what is held, look at it again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from flask import current_app, request
from marshmallow import Schema

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import json_body, read_json
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.limits import guessable
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.base import load
from loyalty_engine.api.schemas.redemptions import CaptureSchema, RedemptionAnswer, RedemptionSchema, ReleaseSchema
from loyalty_engine.config import Settings
from loyalty_engine.services import member_tokens, redemptions
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.redemption_proofs import with_code

blueprint = Blueprint("redemptions", __name__, url_prefix="/v1/redemptions", description="Using points.")


@blueprint.route("", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(201, RedemptionAnswer)
@takes_key
@blueprint.arguments(RedemptionSchema)
@guessable(0)
def redeem(actor: Actor, body: dict[str, Any]) -> Answer:
    """Use points as money, or hold them, or for a reward: send an Idempotency-Key, or a repetition uses points again."""
    asked = _request(body)
    compared = _compared(asked)
    return with_code(
        lambda right: once(actor, partial(redemptions.redeem_in, actor=actor, request=asked, right=right), compared)
    )


def _request(body: Mapping[str, Any]) -> RedemptionRequest:
    settings: Settings = current_app.extensions["loyalty_settings"]
    same = ("member", "wallet", "points", "reward", "reason", "store", "purchase_total")
    return RedemptionRequest(
        **{name: body[name] for name in same},
        capture=body["capture"] is not False,
        code=body["proof"]["code"] if body["proof"] else None,
        hold_for=timedelta(minutes=settings.hold_minutes),
    )


def _compared(asked: RedemptionRequest) -> bytes:
    """Return what must not differ in a repetition: of a token only whose it is, and no code."""
    member = asked.member
    if member.token is not None:
        said = member_tokens.read(member.token)
        member = MemberReference(member_id=said.member_id) if said else member
    same = replace(asked, member=member, code=None)
    return json.dumps([str(getattr(same, name)) for name in RedemptionRequest.__slots__]).encode()


@blueprint.route("/<id:redemption_id>", methods=["GET"])
@allow("terminal", "service", "staff", "admin")
@answers(200, RedemptionAnswer)
def find(actor: Actor, redemption_id: str) -> bytes:
    """Show a redemption: a till its own store's, a service its merchant's."""
    return redemptions.find(actor, redemption_id)


@blueprint.route("/<id:redemption_id>/capture", methods=["POST"])
@allow("terminal", "service")
@answers(200, RedemptionAnswer)
@reads(CaptureSchema)
@takes_key
def capture(actor: Actor, redemption_id: str) -> Answer:
    """Spend what is held, or fewer points; the others are free again. A repetition changes nothing."""
    points = _body(CaptureSchema())["points"]
    return once(actor, partial(redemptions.capture_in, actor=actor, redemption_id=redemption_id, points=points))


@blueprint.route("/<id:redemption_id>/release", methods=["POST"])
@allow("terminal", "service", "staff", "admin")
@answers(200, RedemptionAnswer)
@reads(ReleaseSchema)
@takes_key
def release(actor: Actor, redemption_id: str) -> Answer:
    """Free what is held, or with a reason what was spent for a sale that never came. A repetition changes nothing."""
    reason = _body(ReleaseSchema())["reason"]
    return once(actor, partial(redemptions.release_in, actor=actor, redemption_id=redemption_id, reason=reason))


def _body(schema: Schema) -> Any:
    """Return what the body says, of which nothing has to be there: not even the body."""
    return load(schema, read_json(json_body()) if request.get_data() else {})
