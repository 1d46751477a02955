"""What a member has: balances, entries and level, for itself under /me and for staff and shops by its id."""

from typing import Any

from loyalty_engine.api import forms
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.limits import guessable
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.query import reads_query
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.schemas.answers import BalancesAnswer, PurchaseAnswer
from loyalty_engine.api.schemas.members import (
    ClaimSchema,
    LedgerAnswer,
    StandingAnswer,
)
from loyalty_engine.api.schemas.queries import AsOfQuery, LedgerQuery
from loyalty_engine.services import as_of, balances, claims
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

blueprint = Blueprint("accounts", __name__, url_prefix="/v1", description="What members have.")


@blueprint.route("/members/<id:member_id>/balances", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, BalancesAnswer)
@reads_query(AsOfQuery)
def balances_of(actor: Actor, asked: dict[str, Any], member_id: str) -> bytes | dict[str, Any]:
    """Show a member's points, now or at the end of a past day."""
    return balances.balances(member_id) if not asked["as_of"] else as_of.balances(member_id, asked["as_of"])


@blueprint.route("/members/<id:member_id>/ledger", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, LedgerAnswer)
@blueprint.arguments(LedgerQuery, location="query")
def ledger_of(actor: Actor, page: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List what changed a member's points, newest first."""
    return balances.ledger(actor, member_id, page["cursor"], page["limit"], forms.spoken_to(page["language"]))


@blueprint.route("/members/<id:member_id>/tier", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, StandingAnswer)
@reads_query(AsOfQuery)
def tier_of(actor: Actor, asked: dict[str, Any], member_id: str) -> dict[str, Any]:
    """Show a member's level and what is missing for the next; or the level at the end of a past day."""
    return balances.tier(member_id) if not asked["as_of"] else as_of.tier(member_id, asked["as_of"])


@blueprint.route("/me/balances", methods=["GET"])
@allow("member")
@answers(200, BalancesAnswer)
@reads_query(AsOfQuery)
def my_balances(actor: Actor, asked: dict[str, Any]) -> bytes | dict[str, Any]:
    """Show my points, now or at the end of a past day."""
    return balances.balances(_self(actor)) if not asked["as_of"] else as_of.balances(_self(actor), asked["as_of"])


@blueprint.route("/me/ledger", methods=["GET"])
@allow("member")
@answers(200, LedgerAnswer)
@blueprint.arguments(LedgerQuery, location="query")
def my_ledger(actor: Actor, page: dict[str, Any]) -> dict[str, Any]:
    """List what changed my points, newest first."""
    return balances.ledger(actor, _self(actor), page["cursor"], page["limit"], forms.spoken_to(page["language"]))


@blueprint.route("/me/tier", methods=["GET"])
@allow("member")
@answers(200, StandingAnswer)
@reads_query(AsOfQuery)
def my_tier(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """Show my level and what is missing for the next; or the level at the end of a past day."""
    return balances.tier(_self(actor)) if not asked["as_of"] else as_of.tier(_self(actor), asked["as_of"])


@blueprint.route("/me/claims", methods=["POST"])
@allow("member")
@answers(201, PurchaseAnswer)
@takes_key
@blueprint.arguments(ClaimSchema)
@guessable(1)
def claim(actor: Actor, body: dict[str, str]) -> Answer:
    """Put a purchase on my account with the code on its receipt, within 30 days."""
    return once(actor, lambda to: claims.claim_in(to, actor, body["claim_code"]))


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
