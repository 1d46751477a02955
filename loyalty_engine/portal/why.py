"""Why a purchase earned what it did, in words: the same that the till and staff are told."""

from werkzeug.wrappers import Response

from loyalty_engine.portal.languages import language
from loyalty_engine.portal.pages import page
from loyalty_engine.portal.routes import blueprint, members_only
from loyalty_engine.services import lookup, names
from loyalty_engine.services.actors import Actor


@blueprint.get("/my/why/<code:store>/<code:purchase_id>")
@members_only
def why(actor: Actor, store: str, purchase_id: str) -> Response:
    """Explain one of the member's own purchases; another's is not there."""
    found = lookup.find(actor, purchase_id, store)
    words = lookup.explanation(actor, purchase_id, store, language())
    return page(
        "why",
        purchase=found,
        words=words,
        store_name=names.store_names([store]).get(store, store),
    )
