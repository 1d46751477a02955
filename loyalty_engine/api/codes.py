"""One-time codes that tills have sent to members: whoever knows one has the member's telephone in the hand."""

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.responses import answer
from loyalty_engine.api.schemas.messages import CodeSchema, CodeSentAnswer
from loyalty_engine.services import door_caps, redemption_codes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("codes", __name__, url_prefix="/v1/members", description="One-time codes.")


@blueprint.route("/<id:member_id>/codes", methods=["POST"])
@allow("terminal", "service")
@answers(202, CodeSentAnswer)
@takes_key
@blueprint.arguments(CodeSchema)
def send(actor: Actor, asked: dict[str, str], member_id: str) -> Answer:
    """Send the member a code for a redemption: it goes into `proof.code` within five minutes."""
    door_caps.prepare()
    return once(
        actor,
        lambda to: answer(redemption_codes.send_in(to, actor, member_id)._asdict(), 202),
    )
