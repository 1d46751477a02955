"""What happens to a member besides purchases: events, points by hand, and becoming one with another member."""

from functools import partial
from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.deeds import (
    AdjustmentAnswer,
    AdjustmentSchema,
    EventAnswer,
    EventSchema,
    MergeAnswer,
    MergeSchema,
)
from loyalty_engine.services import adjustments, events, merging
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.adjustments import Adjustment
from loyalty_engine.services.answers import Answer
from rules.events import Event

blueprint = Blueprint("deeds", __name__, url_prefix="/v1/members", description="What happens besides purchases.")


@blueprint.route("/<id:member_id>/events", methods=["POST"])
@allow("service", "staff", "admin")
@answers(200, EventAnswer, "It is there already: the first answer again")
@answers(201, EventAnswer)
@takes_key
@blueprint.arguments(EventSchema)
def happen(actor: Actor, event: Event, member_id: str) -> Answer:
    """Say what a member did: the programme's event rules give for it."""
    return once(actor, partial(events.post_in, actor=actor, member_id=member_id, event=event))


@blueprint.route("/<id:member_id>/adjustments", methods=["POST"])
@allow("staff", "admin")
@answers(201, AdjustmentAnswer)
@takes_key
@blueprint.arguments(AdjustmentSchema)
def adjust(actor: Actor, asked: Adjustment, member_id: str) -> Answer:
    """Give or take points by hand, with a reason."""
    return once(actor, partial(adjustments.adjust_in, actor=actor, member_id=member_id, asked=asked))


@blueprint.route("/<id:member_id>/merge", methods=["POST"])
@allow("staff", "admin")
@answers(201, MergeAnswer)
@takes_key
@blueprint.arguments(MergeSchema)
def merge(actor: Actor, body: dict[str, Any], member_id: str) -> Answer:
    """Merge this member into another one: all it has is the other one's, and its id points on. There is no way back."""
    into, reason = str(body["into"]), body["reason"]
    return once(actor, partial(merging.merge_in, actor=actor, member_id=member_id, into=into, reason=reason))
