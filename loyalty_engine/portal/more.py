"""What else there is, and what is shown without a connection."""

from werkzeug.wrappers import Response

from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, everyone, members_only
from loyalty_engine.services.actors import Actor


@blueprint.get("/my/more")
@members_only
def more(actor: Actor) -> Response:
    """List the other pages."""
    return page("more")


@blueprint.get("/my/offline")
@everyone
def offline() -> Response:
    """Say that there is no connection: the one page that the worker keeps, so it names nobody."""
    return page("offline")
