"""Messages seen and stopped: what is to come and what it costs, what failed, what a member was told, and pauses."""

from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.members import ReasonSchema
from loyalty_engine.api.schemas.messages import (
    ForecastAnswer,
    ForecastQuery,
    MessageAnswer,
    MessagesAnswer,
    MessagesQuery,
    PausedAnswer,
    PausesAnswer,
    PreviewAnswer,
    PreviewSchema,
    ResumedAnswer,
)
from loyalty_engine.api.schemas.queries import PageQuery
from loyalty_engine.services import message_forecast, message_previews, message_stopping, message_views
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("messages", __name__, url_prefix="/v1", description="What members are told.")


@blueprint.route("/messages/plan", methods=["GET"])
@allow("staff", "marketer", "analyst", "admin")
@answers(200, ForecastAnswer)
@blueprint.arguments(ForecastQuery, location="query")
def plan(actor: Actor, asked: dict[str, int]) -> dict[str, Any]:
    """Show what is sent in the coming days, by day and template, with its cost."""
    return message_forecast.forecast(actor, asked["days"]).as_json()


@blueprint.route("/messages", methods=["GET"])
@allow("staff", "marketer", "analyst", "admin")
@answers(200, MessagesAnswer)
@blueprint.arguments(MessagesQuery, location="query")
def listing(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """List the messages in one state with their reasons, the last changed first; no number and no name among them."""
    found, following = message_views.listing(actor, **asked)
    return {"messages": found, "next": following}


@blueprint.route("/members/<id:member_id>/messages", methods=["GET"])
@allow("staff", "marketer", "analyst", "admin")
@answers(200, MessagesAnswer)
@blueprint.arguments(PageQuery, location="query")
def of_member(actor: Actor, page: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List all that a member was told or not told, and why, the last planned first."""
    found, following = message_views.of_member(actor, member_id, page["cursor"], page["limit"])
    return {"messages": found, "next": following}


@blueprint.route("/messages/previews", methods=["POST"])
@allow("staff", "marketer", "admin")
@answers(200, PreviewAnswer)
@blueprint.arguments(PreviewSchema)
def preview(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """Show a template as a member would get it, in each of its languages; nothing is sent or stored."""
    return message_previews.preview(actor, asked["template"], asked["member_id"], asked["places"] or {})


@blueprint.route("/messages/<id:message_id>/cancel", methods=["POST"])
@allow("staff", "marketer", "admin")
@answers(200, MessageAnswer)
@blueprint.arguments(ReasonSchema)
def cancel(actor: Actor, body: dict[str, str], message_id: str) -> dict[str, Any]:
    """Cancel one message that waits; a repetition is refused, and changes nothing."""
    return message_views.shown_now(message_stopping.cancel(actor, message_id, body["reason"]))


@blueprint.route("/messages/pauses", methods=["GET"])
@allow("staff", "marketer", "analyst", "admin")
@answers(200, PausesAnswer)
def pauses(actor: Actor) -> dict[str, Any]:
    """List what is paused."""
    return {"pauses": [one.as_json() for one in message_stopping.paused()]}


@blueprint.route("/messages/pauses/<code:what>", methods=["PUT"])
@allow("staff", "marketer", "admin")
@answers(200, PausedAnswer)
@blueprint.arguments(ReasonSchema)
def pause(actor: Actor, body: dict[str, str], what: str) -> dict[str, Any]:
    """Hold the messages of a template, or `everything`, until it is resumed; asking again takes the new reason."""
    made, held = message_stopping.pause(actor, what, body["reason"])
    return made.as_json() | {"held": held}


@blueprint.route("/messages/pauses/<code:what>", methods=["DELETE"])
@allow("staff", "marketer", "admin")
@answers(200, ResumedAnswer)
def resume(actor: Actor, what: str) -> dict[str, Any]:
    """Let go on what was paused."""
    return {"what": what, "freed": message_stopping.resume(actor, what)}
