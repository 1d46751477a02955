"""What tills do: ask what a purchase would earn, post it, look at it again, and set it right."""

from functools import partial
from typing import Any

from flask import request

from loyalty_engine.api import hot
from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import json_body
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.limits import guessable
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.answers import (
    ExplanationAnswer,
    FoundPurchaseAnswer,
    ParkedPageAnswer,
    PurchaseAnswer,
    QuoteAnswer,
    ReturnAnswer,
)
from loyalty_engine.api.schemas.purchases import (
    AcceptanceSchema,
    NamedMemberSchema,
    PurchaseSchema,
    QuoteSchema,
    ReturnSchema,
    return_request,
)
from loyalty_engine.api.schemas.queries import ExplanationQuery, ParkedQuery, StoreQuery
from loyalty_engine.services import claims, lookup, purchases, quotes, returns
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("purchases", __name__, url_prefix="/v1", description="What tills do.")


@blueprint.route("/quotes", methods=["POST"])
@allow("terminal", "service")
@answers(200, QuoteAnswer)
@reads(QuoteSchema)
@guessable(0)
def quote(actor: Actor) -> dict[str, Any]:
    """Say what a purchase would earn; nothing is stored."""
    return quotes.quote(actor, hot.read_quote(json_body()))


@blueprint.route("/purchases", methods=["POST"])
@allow("terminal", "service")
@answers(200, PurchaseAnswer, "It is there already: the first answer again")
@answers(201, PurchaseAnswer)
@answers(202, PurchaseAnswer, "Kept, but somebody has to look at it before it earns anything")
@reads(PurchaseSchema)
@takes_key
def post(actor: Actor) -> Answer:
    """Post a purchase."""
    return once(actor, partial(purchases.post_in, actor=actor, posted=hot.read_purchase(json_body())))


@blueprint.route("/purchases", methods=["GET"])
@allow("staff", "admin")
@answers(200, ParkedPageAnswer)
@blueprint.arguments(ParkedQuery, location="query")
def parked(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List the purchases that are on nobody's account."""
    return lookup.parked(actor, page["status"], page["cursor"], page["limit"])


@blueprint.route("/purchases/<code:purchase_id>", methods=["GET"])
@allow("terminal", "member", "service", "staff", "admin")
@answers(200, FoundPurchaseAnswer)
@blueprint.arguments(StoreQuery, location="query")
def find(actor: Actor, place: dict[str, Any], purchase_id: str) -> dict[str, Any]:
    """Show what a purchase earned and what is left of it."""
    return lookup.find(actor, purchase_id, place["store"])


@blueprint.route("/purchases/<code:purchase_id>/explanation", methods=["GET"])
@allow("terminal", "member", "service", "staff", "admin")
@answers(200, ExplanationAnswer)
@blueprint.arguments(ExplanationQuery, location="query")
def explain(actor: Actor, asked: dict[str, Any], purchase_id: str) -> dict[str, Any]:
    """Say in words why a purchase earned what it did: in `language`, or as Accept-Language asks."""
    language = asked["language"] or request.accept_languages.best or "en"
    return lookup.explanation(actor, purchase_id, asked["store"], language)


@blueprint.route("/purchases/<code:purchase_id>/returns", methods=["POST"])
@allow("terminal", "service")
@answers(200, ReturnAnswer, "It is there already: the first answer again")
@answers(201, ReturnAnswer)
@answers(202, ReturnAnswer, "The purchase hasn't come yet; the return waits for it")
@blueprint.arguments(ReturnSchema)
@takes_key
def take_back(actor: Actor, body: dict[str, Any], purchase_id: str) -> Answer:
    """Take goods back, at any till of the merchant."""
    return once(actor, partial(returns.take_in, actor=actor, request=return_request(purchase_id, body)))


@blueprint.route("/purchases/<code:purchase_id>/member", methods=["PUT"])
@allow("terminal", "service", "staff", "admin")
@answers(201, PurchaseAnswer)
@blueprint.arguments(NamedMemberSchema)
@takes_key
@guessable(0)
def name_member(actor: Actor, body: dict[str, Any], purchase_id: str) -> Answer:
    """Say whose purchase it is: a till for one without a member, the same day; staff, with a reason, for any."""
    return once(actor, partial(claims.name_member_in, actor=actor, purchase_id=purchase_id, **body))


@blueprint.route("/purchases/<code:purchase_id>/acceptance", methods=["POST"])
@allow("staff", "admin")
@answers(201, PurchaseAnswer)
@blueprint.arguments(AcceptanceSchema)
@takes_key
def accept(actor: Actor, body: dict[str, Any], purchase_id: str) -> Answer:
    """Post a purchase that came late, or whose sums disagree, as it is."""
    return once(actor, partial(claims.accept_in, actor=actor, purchase_id=purchase_id, **body))
