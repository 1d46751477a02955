"""The first page: the card, the points, the way to the next level, and what happened lately."""

from typing import Any

import msgspec
from werkzeug.wrappers import Response

from loyalty_engine.portal.card import shown_card
from loyalty_engine.portal.history import changes
from loyalty_engine.portal.ladder import ladder
from loyalty_engine.portal.languages import language, member
from loyalty_engine.portal.pages import page, page_names
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import balances
from loyalty_engine.services.actors import Actor

_LATELY = 3


@blueprint.get("/my", strict_slashes=False)
@members_only
def home(actor: Actor) -> Response:
    """Show what a member wants to see first."""
    member_id = member_of(actor)
    return page(
        "home",
        member=member(),
        card=shown_card(actor),
        wallets=wallets(member_id),
        tier=ladder(balances.tier(member_id), page_names(), language()),
        lately=changes(actor, None, _LATELY)[0],
    )


def wallets(member_id: str) -> list[dict[str, Any]]:
    """Return the figures of each wallet."""
    found: list[dict[str, Any]] = msgspec.json.decode(balances.balances(member_id))["balances"]
    return found
