"""Everything that is kept of a member, and its end: for members by themselves, and for staff."""

from functools import partial
from typing import Any, Final

from flask import Response, request

from loyalty_engine.api.auth import allow
from loyalty_engine.api.bodies import json_body, read_json
from loyalty_engine.api.described import answers, reads
from loyalty_engine.api.limits import limits
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.repeats import once, takes_key
from loyalty_engine.api.responses import private
from loyalty_engine.api.schemas.base import load
from loyalty_engine.api.schemas.sessions import ErasedAnswer, ErasureSchema, ExportAnswer, LeavingSchema
from loyalty_engine.services import erasure, exporting, own_changes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer

EXPORT_COSTS: Final = 60
"""An export reads all of a member's rows: nobody needs ten a minute."""

blueprint = Blueprint("leaving", __name__, url_prefix="/v1", description="All that is kept of a member, and its end.")


def charge_export(actor: Actor) -> None:
    """Take what a member's export costs; raises `TooMany`."""
    limits().lookups.take(actor.token_id, 1)
    limits().lookups.charge(actor.token_id, EXPORT_COSTS)


@blueprint.route("/me/export", methods=["GET"])
@allow("member")
@answers(200, ExportAnswer)
def export(actor: Actor) -> Response:
    """Show everything that is kept of me; it costs as much as sixty look-ups."""
    charge_export(actor)
    return private(exporting.export(actor, _self(actor)))


@blueprint.route("/members/<id:member_id>/export", methods=["GET"])
@allow("staff", "admin")
@answers(200, ExportAnswer)
def export_of(actor: Actor, member_id: str) -> Response:
    """Show everything that is kept of a member, for whoever answers a letter; it is logged."""
    return private(exporting.export(actor, member_id))


@blueprint.route("/me", methods=["DELETE"])
@allow("member")
@answers(200, ErasedAnswer)
@reads(LeavingSchema)
def leave(actor: Actor) -> Answer:
    """Leave for good: everything personal is forgotten, points and vouchers are forfeited. Signed in just now, or a code."""
    code = load(LeavingSchema(), read_json(json_body()) if request.get_data() else {})["code"]
    right = own_changes.check_fresh(actor, code)
    return erasure.erase(actor, _self(actor), erasure.OWN_WISH, right)


@blueprint.route("/members/<id:member_id>/erase", methods=["POST"])
@allow("staff", "admin")
@answers(200, ErasedAnswer)
@takes_key
@blueprint.arguments(ErasureSchema)
def erase(actor: Actor, body: dict[str, Any], member_id: str) -> Answer:
    """Erase a member who asked for it. There is no way back."""
    return once(actor, partial(erasure.erase_in, actor=actor, member_id=member_id, reason=body["reason"]))


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
