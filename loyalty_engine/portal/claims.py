"""A purchase without the card: the code on its receipt puts it on the member's account."""

from functools import partial

from werkzeug.wrappers import Response

from loyalty_engine.portal.edge import edge
from loyalty_engine.portal.forms import attempt, done, field, missing
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, members_only
from loyalty_engine.services import claims as service
from loyalty_engine.services import races
from loyalty_engine.services.actors import Actor
from rules.errors import NotFound, Refusal


@blueprint.get("/my/claims")
@members_only
def claims(actor: Actor) -> Response:
    """Ask for the code."""
    return page("claims")


@blueprint.post("/my/claims")
@members_only
def claim(actor: Actor) -> Response:
    """Claim; codes can't be tried out, for a miss costs more than a hit."""
    code = field("claim_code")
    if not code:
        return page("claims", refusal=missing("claim_code"))
    edge().looks_up(actor)
    claimed = attempt(races.run, partial(service.claim_in, actor=actor, claim_code=code))
    if isinstance(claimed, NotFound):
        edge().missed(actor)
    if isinstance(claimed, Refusal):
        return page("claims", refusal=claimed)
    return done("history", "claimed")
