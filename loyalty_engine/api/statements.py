"""Lots and statements of account: for members under /me, and for staff and shops by a member's id."""

from typing import Any

from flask import Response

from loyalty_engine.api import forms, statement_page
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.query import reads_query
from loyalty_engine.api.schemas.queries import AsOfQuery, StatementQuery
from loyalty_engine.api.schemas.statements import LotsAnswer, StatementAnswer
from loyalty_engine.services import as_of, statement_sheets, statements
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("statements", __name__, url_prefix="/v1", description="Lots, and statements of account.")


@blueprint.route("/members/<id:member_id>/lots", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, LotsAnswer)
@reads_query(AsOfQuery)
def lots_of(actor: Actor, asked: dict[str, Any], member_id: str) -> dict[str, Any]:
    """List a member's open lots, soonest expiry first, now or at the end of a past day."""
    return as_of.lots(member_id, asked["as_of"])


@blueprint.route("/me/lots", methods=["GET"])
@allow("member")
@answers(200, LotsAnswer)
@reads_query(AsOfQuery)
def my_lots(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """List my open lots, soonest expiry first, now or at the end of a past day."""
    return as_of.lots(_self(actor), asked["as_of"])


@blueprint.route("/members/<id:member_id>/statements", methods=["GET"])
@allow("service", "staff", "admin")
@answers(200, StatementAnswer, "The same as CSV or as a page to print, where `format` or Accept asks for it")
@blueprint.arguments(StatementQuery, location="query")
def statement_of(actor: Actor, asked: dict[str, Any], member_id: str) -> Response:
    """Show a member's points over a period: opening, every entry, closing."""
    return _statement(actor, member_id, asked)


@blueprint.route("/me/statements", methods=["GET"])
@allow("member")
@answers(200, StatementAnswer, "The same as CSV or as a page to print, where `format` or Accept asks for it")
@blueprint.arguments(StatementQuery, location="query")
def my_statement(actor: Actor, asked: dict[str, Any]) -> Response:
    """Show my points over a period: opening, every entry, closing."""
    return _statement(actor, _self(actor), asked)


def _statement(actor: Actor, member_id: str, asked: dict[str, Any]) -> Response:
    form = forms.wanted(asked["format"], "json", "csv", "html")
    language = forms.spoken_to(asked["language"])
    told = statements.statement(actor, member_id, asked["from_"], asked["to"], language)
    if form == "csv":
        return forms.csv_of(statement_sheets.as_csv(told), f"statement-{told.first}-{told.last}")
    if form == "html":
        return forms.page_of(statement_page.page(told), statement_page.POLICY)
    return forms.json_of(statements.as_json(told))


def _self(actor: Actor) -> str:
    assert actor.member_id is not None, "a member's token names its member"
    return actor.member_id
