"""Lets operators see how far the targets of webhooks are, and have one told again."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.webhooks import ReplayAnswer, ReplaySchema, WebhooksAnswer
from loyalty_engine.services import webhook_positions
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks", description="Who is told what happened.")


@blueprint.route("", methods=["GET"])
@allow("admin")
@answers(200, WebhooksAnswer)
def listing(actor: Actor) -> dict[str, Any]:
    """Say how far each target of the settings is."""
    return {"targets": [asdict(one) for one in webhook_positions.positions()]}


@blueprint.route("/<code:target>/replay", methods=["PUT"])
@allow("admin")
@answers(200, ReplayAnswer)
@blueprint.arguments(ReplaySchema)
def replay(actor: Actor, since: datetime, target: str) -> dict[str, Any]:
    """Let a target be told again of everything from a time on; the events keep their ids."""
    done = webhook_positions.replay(actor, target, since)
    return {"target": done.target, "from": done.since, "members": done.members}
