"""What a member may be written about and how: each consent with what it means and when it was given."""

from typing import Any, Final

from flask import abort
from werkzeug.wrappers import Response

from loyalty_engine import clock
from loyalty_engine.portal.forms import attempt, done, field
from loyalty_engine.portal.languages import language, member
from loyalty_engine.portal.newcomers import CHANNELS, proof
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import member_changes
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.imports.records import GivenConsent
from rules.errors import Refusal

_PURPOSES: Final = ("service", "greeting", "marketing")


@blueprint.get("/my/consents")
@members_only
def consents(actor: Actor) -> Response:
    """Show every consent as a switch."""
    return _shown()


def _shown(refusal: Refusal | None = None) -> Response:
    return page(
        "consents", refusal=refusal, channels=[(channel, _of(channel)) for channel in CHANNELS], member=member()
    )


def _of(channel: str) -> list[dict[str, Any]]:
    said = {one.purpose: one for one in member().consents if one.channel == channel}
    return [
        {
            "purpose": purpose,
            "given": said[purpose].given if purpose in said else purpose == "service",
            "at": said[purpose].at if purpose in said else None,
        }
        for purpose in _PURPOSES
    ]


@blueprint.post("/my/consents/<channel>/<purpose>")
@members_only
def put_consent(actor: Actor, channel: str, purpose: str) -> Response:
    """Turn one on or off; the words that stood beside it are kept as the proof."""
    if channel not in CHANNELS or purpose not in _PURPOSES:
        abort(404)
    given = GivenConsent(channel, purpose, field("given") == "yes", clock.now(), proof(language(), purpose))
    put = attempt(member_changes.put_consent, actor, member_of(actor), given)
    return _shown(put) if isinstance(put, Refusal) else done("consents", "saved")
