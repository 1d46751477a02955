"""What the books need to know of the whole programme: what is owed in points, and how it moved."""

from typing import Any

from flask import Response

from loyalty_engine.api import forms
from loyalty_engine.api.auth import allow
from loyalty_engine.api.described import answers
from loyalty_engine.api.openapi import Blueprint
from loyalty_engine.api.query import reads_query
from loyalty_engine.api.schemas.queries import LiabilityQuery, PeriodQuery
from loyalty_engine.api.schemas.reports import LiabilityAnswer, MovementAnswer
from loyalty_engine.services import liability, report_sheets
from loyalty_engine.services.actors import Actor

blueprint = Blueprint("reports", __name__, url_prefix="/v1/reports", description="For the books.")


@blueprint.route("/liability", methods=["GET"])
@allow("analyst", "admin")
@answers(200, LiabilityAnswer, "The same as CSV, where `format` or Accept asks for it")
@reads_query(LiabilityQuery)
def owed(actor: Actor, asked: dict[str, Any]) -> Response:
    """Show outstanding points by wallet, month of issue and level, what of them will lapse, and what is owed."""
    told = liability.liability(actor, asked["as_of"])
    if forms.wanted(asked["format"], "json", "csv") == "csv":
        return forms.csv_of(report_sheets.liability_csv(told), f"liability-{told.as_of}")
    return forms.json_of(report_sheets.liability_json(told))


@blueprint.route("/liability/movement", methods=["GET"])
@allow("analyst", "admin")
@answers(200, MovementAnswer, "The same as CSV, where `format` or Accept asks for it")
@blueprint.arguments(PeriodQuery, location="query")
def moved(actor: Actor, asked: dict[str, Any]) -> Response:
    """Show how outstanding points moved over a period, to the point."""
    told = liability.movement(actor, asked["from_"], asked["to"])
    if forms.wanted(asked["format"], "json", "csv") == "csv":
        return forms.csv_of(report_sheets.movement_csv(told), f"movement-{told.first}-{told.last}")
    return forms.json_of(report_sheets.movement_json(told))
