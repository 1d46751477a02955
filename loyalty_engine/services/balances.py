"""What members and tills see of an account: the figures, the entries with their sources; the tier is `member_tier`'s."""

from typing import Any

import msgspec

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.entry_words import About, about
from loyalty_engine.services.member_tier import tier
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances as balances_of
from loyalty_engine.store import accounts, members
from loyalty_engine.store.session import reading
from rules.errors import Invalid
from rules.statement_words import kind_words

__all__ = ["balances", "ledger", "tier"]

_encode = msgspec.json.Encoder().encode


def balances(member_id: str) -> bytes:
    """Return the figures of every wallet, as the JSON that is answered."""
    with reading() as connection:
        member_id, found = accounts.of_member(connection, member_id)
        programme = plan_for(connection, clock.now()).programme
    return _encode({"member_id": member_id, "balances": balances_of(programme, found)})


def ledger(actor: Actor, member_id: str, cursor: str | None, limit: int, language: str | None = None) -> dict[str, Any]:
    """Return a page of entries, newest first, each with its source and in words: of `language`, else the member's own.

    Whoever belongs to a merchant is not told which purchase at another merchant it was.
    """
    with reading() as connection:
        member_id, _ = accounts.of_member(connection, member_id)
        rows = accounts.entries(connection, member_id, _before(cursor), limit + 1)
        member, programme = members.row(connection, member_id), plan_for(connection, clock.now()).programme
        language = language or (member.language if member else "en")
        known = about(connection, actor, member_id, rows[:limit], programme, language)
    following = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    shown = [_entry(row, known, explained=actor.role == "member") for row in rows[:limit]]
    return {"member_id": member_id, "entries": shown, "next": following}


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid("cursor_invalid", "The cursor is not one that was given.", {"cursor": ["send `next` as it came"]})
    return int(cursor)


def _entry(row: accounts.Values, known: About, explained: bool) -> dict[str, Any]:
    shown = ("seq", "kind", "wallet", "points", "available", "pending", "held", "debt", "forgiven")
    source, posting = known.source(row), known.explained_as(row) if explained else None
    return {name: row[name] for name in shown} | {
        "said": kind_words(known.language, row["kind"]),
        "about": known.words(row, source),
        "explanation": f"/v1/me/purchases/{posting}/explanation" if posting else None,
        "source": source,
        "programme_version": row["version"],
        "occurred_at": row["occurred_at"].isoformat(),
        "booked_at": row["booked_at"].isoformat(),
        "reason": row["reason"],
    }
