"""What of a member's points has lapsed, and giving it back."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.lots import ExpiredLotsAnswer, ReinstatedAnswer, ReinstatementSchema
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services import lots
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("lots", __name__, url_prefix="/v1/members", description="Points that expire together.")


@blueprint.route("/<id:member_id>/lots/expired", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, ExpiredLotsAnswer)
@blueprint.arguments(PageQuery, location="query")
def expired(actor: Actor, page: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List what of a member's points has lapsed, lot by lot, newest first."""
    return lots.expired(member_id, page["cursor"], page["limit"])


@blueprint.route("/<id:member_id>/lots/<id:lot_id>/reinstate", methods=["POST"])
@allow("staff", "admin")
@answers(201, ReinstatedAnswer)
@takes_key
@blueprint.arguments(ReinstatementSchema)
def reinstate(actor: Actor, body: dict[str, Any], member_id: str, lot_id: str) -> Answer:
    """Give back what of a lot has lapsed, in a new lot; once a lot."""
    return once(actor, lambda to: lots.reinstate_in(to, actor, member_id, lot_id, body["reason"], body["days"]))
