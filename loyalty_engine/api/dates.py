"""A member's own dates, such as a wedding: for itself under /me, and for staff and shops by its id."""

from dataclasses import asdict
from typing import Any

from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.schemas.dates import AskedDate, OwnDateAnswer, OwnDatesAnswer, OwnDateSchema
from loyalty_engine.services import member_dates
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_dates import OwnDate

blueprint = Blueprint("dates", __name__, url_prefix="/v1", description="Members' own days of the year.")


@blueprint.route("/members/<id:member_id>/dates", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, OwnDatesAnswer)
def dates_of(actor: Actor, member_id: str) -> dict[str, Any]:
    """Show a member's own dates."""
    return _all(member_id)


@blueprint.route("/members/<id:member_id>/dates/<code:name>", methods=["PUT"])
@allow("service", "staff", "admin")
@answers(200, OwnDateAnswer)
@blueprint.arguments(OwnDateSchema)
def put_date(actor: Actor, asked: AskedDate, member_id: str, name: str) -> dict[str, Any]:
    """Keep a date of a member; to change one that is set takes staff and a reason."""
    return _told(member_dates.put(actor, member_id, name, asked.day, asked.reason))


@blueprint.route("/me/dates", methods=["GET"])
@allow("member")
@answers(200, OwnDatesAnswer)
def my_dates(actor: Actor) -> dict[str, Any]:
    """Show my own dates."""
    return _all(_self(actor))


@blueprint.route("/me/dates/<code:name>", methods=["PUT"])
@allow("member")
@answers(200, OwnDateAnswer)
@blueprint.arguments(OwnDateSchema)
def put_my_date(actor: Actor, asked: AskedDate, name: str) -> dict[str, Any]:
    """Keep a date of mine, once."""
    return _told(member_dates.put(actor, _self(actor), name, asked.day))


def _all(member_id: str) -> dict[str, Any]:
    return {"dates": [_told(one) for one in member_dates.of_member(member_id)]}


def _told(one: OwnDate) -> dict[str, Any]:
    return {"name": one.name, "date": asdict(one.day), "set_on": one.set_on.isoformat()}


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
