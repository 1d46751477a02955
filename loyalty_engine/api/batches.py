"""Purchases of a till that was offline, up to 500 at once: each is a purchase by itself, and a bad one stops no other."""

import msgspec

from loyalty_engine.api import hot
from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import MAX_BATCH, json_body, takes_up_to
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.errors import attempted
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.answers import BatchAnswer
from loyalty_engine.api.schemas.purchases import BatchSchema
from loyalty_engine.services import purchases
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("batches", __name__, url_prefix="/v1", description="What tills do.")

_encode = msgspec.json.Encoder().encode


@blueprint.route("/purchases/batch", methods=["POST"])
@allow("terminal", "service")
@answers(200, BatchAnswer)
@takes_up_to(MAX_BATCH)
@reads(BatchSchema)
def post_batch(actor: Actor) -> bytes:
    """Post purchases, each in a transaction of its own; the results come in their order."""
    done = [attempted(_post, actor, raw) for raw in hot.split_batch(json_body())]
    return _encode({"results": [{"status": one.status, "body": msgspec.Raw(one.body)} for one in done]})


def _post(actor: Actor, raw: bytes) -> Answer:
    return purchases.post(actor, hot.read_purchase(raw))
