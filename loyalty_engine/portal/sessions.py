"""Where a member is signed in, and the way to end what is forgotten somewhere."""

from werkzeug.wrappers import Response

from loyalty_engine.portal.door import signed_out
from loyalty_engine.portal.forms import done
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import sessions as service
from loyalty_engine.services.actors import Actor


@blueprint.get("/my/sessions")
@members_only
def sessions(actor: Actor) -> Response:
    """List the devices."""
    return page("sessions", sessions=service.sessions_of(member_of(actor), actor.token_id))


@blueprint.post("/my/sessions/<code:session_id>/end")
@members_only
def end_session(actor: Actor, session_id: str) -> Response:
    """End one; ending this one is signing out."""
    if session_id == actor.token_id:
        return signed_out(actor)
    service.end_session(member_of(actor), session_id)
    return done("sessions", "session_ended")
