"""What members and tills see of an account: the figures, the entries with their sources; the tier is `member_tier`'s."""

from typing import Any

import msgspec
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import stores
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_tier import tier
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances as balances_of
from loyalty_engine.store import accounts, survivors
from loyalty_engine.store.session import reading
from rules.errors import Invalid

__all__ = ["balances", "ledger", "tier"]

_encode = msgspec.json.Encoder().encode


def balances(member_id: str) -> bytes:
    """Return the figures of every wallet, as the JSON that is answered."""
    with reading() as connection:
        member_id, found = accounts.of_member(connection, member_id)
        programme = plan_for(connection, clock.now()).programme
    return _encode({"member_id": member_id, "balances": balances_of(programme, found)})


def ledger(actor: Actor, member_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of entries, newest first, each with its source: the purchase, and the return where it was one.

    Whoever belongs to a merchant is not told which purchase at another merchant it was.
    """
    with reading() as connection:
        member_id, _ = accounts.of_member(connection, member_id)
        rows = accounts.entries(connection, member_id, before_seq(cursor), limit + 1)
        ids = [row["source_id"] for row in rows]
        sources: dict[str, accounts.Source] = {}
        for one in survivors.family(connection, member_id):
            sources |= accounts.sources(connection, one, ids)
        sources = {name: one for name, one in sources.items() if may_know(connection, actor, one)}
    entries = [_entry(row, sources.get(row["source_id"])) for row in rows[:limit]]
    following = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    return {"member_id": member_id, "entries": entries, "next": following}


def may_know(connection: sa.Connection, actor: Actor, source: accounts.Source) -> bool:
    """Tell whether whoever asks may be told which purchase it was: those of a merchant only of their own."""
    if actor.merchant_id is None:
        return True
    place = stores.place(connection, source.purchase_key.partition("/")[0])
    return place is not None and place.merchant_id == actor.merchant_id


def before_seq(cursor: str | None) -> int | None:
    """Return the entry before which a page begins; raises `Invalid` for a cursor that was not given."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid("cursor_invalid", "The cursor is not one that was given.", {"cursor": ["send `next` as it came"]})
    return int(cursor)


def _entry(row: accounts.Values, found: accounts.Source | None) -> dict[str, Any]:
    shown = ("seq", "kind", "wallet", "points", "available", "pending", "held", "debt", "forgiven")
    entry: dict[str, Any] = {name: row[name] for name in shown}
    source: dict[str, Any] = {"kind": row["source_kind"], "id": row["source_id"]}
    if found is not None:
        store, _, purchase_id = found.purchase_key.partition("/")
        source |= {"store": store, "purchase_id": purchase_id}
        if found.return_reference is not None:
            source["return_reference"] = found.return_reference
    return entry | {
        "source": source,
        "programme_version": row["version"],
        "occurred_at": row["occurred_at"].isoformat(),
        "booked_at": row["booked_at"].isoformat(),
        "reason": row["reason"],
    }
