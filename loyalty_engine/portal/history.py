"""What changed the points, newest first, a page at a time."""

from flask import request
from werkzeug.wrappers import Response

from loyalty_engine.portal.languages import language
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import histories
from loyalty_engine.services.actors import Actor

_A_PAGE = 20


@blueprint.get("/my/history")
@members_only
def history(actor: Actor) -> Response:
    """Show a page of the ledger."""
    before = request.args.get("before")
    shown = histories.page(actor, member_of(actor), before, _A_PAGE, language())
    return page("history", rows=shown.changes, older=shown.older, is_first=before is None)
