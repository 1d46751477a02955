"""What a till counted on one day, held against what has come: so lost receipts are seen the same evening."""

from datetime import date
from functools import partial
from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.deeds import StoreDayAnswer, StoreDaySchema
from loyalty_engine.services import store_days
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.store_days import Counted

blueprint = Blueprint("store_days", __name__, url_prefix="/v1/stores", description="The day's end.")


@blueprint.route("/<code:store_id>/days/<day:day>", methods=["PUT"])
@allow("terminal", "service", "staff", "admin")
@answers(200, StoreDayAnswer)
@takes_key
@blueprint.arguments(StoreDaySchema)
def put(actor: Actor, body: dict[str, Any], store_id: str, day: date) -> Answer:
    """Say what the till counted; the answer is what differs. Saying it again replaces it."""
    return once(actor, partial(store_days.put_in, actor=actor, store=store_id, day=day, counted=Counted(**body)))


@blueprint.route("/<code:store_id>/days/<day:day>", methods=["GET"])
@allow("terminal", "service", "staff", "admin")
@answers(200, StoreDayAnswer)
def find(actor: Actor, store_id: str, day: date) -> bytes:
    """Show what has come of a day, beside what the till counted."""
    return store_days.find(actor, store_id, day)
