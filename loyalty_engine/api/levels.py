"""Levels by hand, and members who are about to lose theirs."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.levels import AtRiskPageAnswer, AtRiskQuery, ManualLevelAnswer, ManualLevelSchema
from loyalty_engine.services import at_risk, manual_levels
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.manual_levels import ManualLevel

blueprint = Blueprint("levels", __name__, url_prefix="/v1/members", description="Levels under review.")


@blueprint.route("/<id:member_id>/tier", methods=["PUT"])
@allow("staff", "admin")
@answers(200, ManualLevelAnswer)
@takes_key
@blueprint.arguments(ManualLevelSchema)
def put_tier(actor: Actor, asked: ManualLevel, member_id: str) -> Answer:
    """Put a member on a level through a day, or end one that was given by hand."""
    return once(actor, lambda to: answer(manual_levels.put_in(to, actor, member_id, asked)))


@blueprint.route("/at-risk", methods=["GET"])
@allow("staff", "marketer", "analyst", "admin")
@answers(200, AtRiskPageAnswer)
@blueprint.arguments(AtRiskQuery, location="query")
def members_at_risk(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """List the members who miss something to keep their level at a review that comes soon."""
    return at_risk.page(actor, asked["within_days"], asked["cursor"], asked["limit"])
