"""What changed the points, newest first, a page at a time: each entry with names in the place of ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from loyalty_engine.portal.languages import language
from loyalty_engine.portal.pages import page, page_names
from loyalty_engine.portal.routes import blueprint, member_of, members_only
from loyalty_engine.services import balances, names
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.names import Names

_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: what it was, when it happened and what it was about; `points` is what it gave or took."""

    at: datetime
    said: str
    kind: str
    wallet: str
    points: int
    held: int
    store: str | None
    store_name: str | None
    purchase_id: str | None
    reward: str | None
    reason: str | None


def changes(actor: Actor, cursor: str | None, limit: int) -> tuple[list[Change], str | None]:
    """Return a page of the member's changes in the page's language, and the cursor of the older ones."""
    found = balances.ledger(actor, member_of(actor), cursor, limit, language())
    entries = found["entries"]
    stores = names.store_names(one["source"]["store"] for one in entries if "store" in one["source"])
    called = page_names()
    return [_change(one, called, stores) for one in entries], found["next"]


def _change(entry: Mapping[str, Any], called: Names, stores: Mapping[str, str]) -> Change:
    source = entry["source"]
    store, reward = source.get("store"), source.get("reward")
    return Change(
        at=datetime.fromisoformat(entry["occurred_at"]),
        said=entry["said"],
        kind=entry["kind"],
        wallet=called.wallet(entry["wallet"]),
        points=entry["points"],
        held=entry["held"],
        store=store,
        store_name=stores.get(store, store) if store else None,
        purchase_id=source.get("purchase_id"),
        reward=called.reward(reward) if reward else None,
        reason=entry["reason"],
    )


@blueprint.get("/my/history")
@members_only
def history(actor: Actor) -> Response:
    """Show a page of the ledger."""
    before = request.args.get("before")
    rows, older = changes(actor, before, _A_PAGE)
    return page("history", rows=rows, older=older, is_first=before is None)
