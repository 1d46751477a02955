"""A member's lots for staff and shops, and giving back what has lapsed."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.lots import LotsAnswer, LotsQuery, ReinstatedAnswer, ReinstatementSchema
from loyalty_engine.services import lots
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("lots", __name__, url_prefix="/v1/members", description="Points that expire together.")


@blueprint.route("/<id:member_id>/lots", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, LotsAnswer)
@blueprint.arguments(LotsQuery, location="query")
def lots_of(actor: Actor, page: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List a member's lots with their ends, newest first: the open ones, or those that have expired."""
    return lots.lots_of(member_id, page["state"] == "expired", page["cursor"], page["limit"])


@blueprint.route("/<id:member_id>/lots/<id:lot_id>/reinstate", methods=["POST"])
@allow("staff", "admin")
@answers(201, ReinstatedAnswer)
@takes_key
@blueprint.arguments(ReinstatementSchema)
def reinstate(actor: Actor, body: dict[str, Any], member_id: str, lot_id: str) -> Answer:
    """Give back what of a lot has lapsed, in a new lot; once a lot."""
    return once(actor, lambda to: lots.reinstate_in(to, actor, member_id, lot_id, body["reason"], body["days"]))
