"""The card: its number, and the rotating token as a code for the till, which the page asks for anew before it ends."""

from dataclasses import dataclass

from flask import Response as Plain
from flask import jsonify
from markupsafe import Markup
from werkzeug.wrappers import Response

from loyalty_engine import clock
from loyalty_engine.portal import qr
from loyalty_engine.portal.languages import language, member
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.portal.texts import say
from loyalty_engine.services import member_tokens
from loyalty_engine.services.actors import Actor

_EARLY = 12
"""So many seconds before its end a code is replaced: it may be under the scanner just then."""


@dataclass(frozen=True, slots=True)
class ShownCard:
    """What the till scans or reads; `renew_in` and `good_for` are seconds."""

    number: str
    token: str
    code: Markup
    good_for: int
    renew_in: int


def shown_card(actor: Actor) -> ShownCard | None:
    """Return the card of this moment; None where none works."""
    working = [card for card in member().cards if card.status == "active"]
    if not working:
        return None
    shown = member_tokens.show(member_of(actor))
    good_for = max(1, int((shown.valid_until - clock.now()).total_seconds()))
    code = qr.drawn(shown.token, say(language(), "card_qr"))
    return ShownCard(working[-1].number, shown.token, code, good_for, max(5, good_for - _EARLY))


@blueprint.get("/my/card")
@members_only
def card(actor: Actor) -> Response:
    """Show the card alone, as large as the phone allows."""
    return page("card", member=member(), card=shown_card(actor))


@blueprint.get("/my/card/code")
@members_only
def card_code(actor: Actor) -> Response | Plain:
    """Return the code of this moment, for the page that shows one already."""
    shown = shown_card(actor)
    if shown is None:
        return page("card", member=member(), card=None)
    return jsonify(code=str(shown.code), token=shown.token, good_for=shown.good_for, renew_in=shown.renew_in)
