"""Finds what was posted: the stored purchase, the answer it was given, and the explanation of what it earned."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.purchase_answers import trace_words
from loyalty_engine.services.purchase_documents import decode, decode_decisions, decode_json, encode_json
from loyalty_engine.services.sites import site_of
from loyalty_engine.store import members, postings, purchase_keys, survivors
from loyalty_engine.store.purchase_keys import KeyRow, Values
from loyalty_engine.store.session import reading
from rules.accrual import Accrual, rework
from rules.errors import Invalid, NotFound
from rules.explain import explain
from rules.facts import Purchase
from rules.money import format_amount
from rules.plan import Plan
from rules.returns import everything
from rules.trace import trace


def find(actor: Actor, purchase_id: str, store: str | None) -> dict[str, Any]:
    """Return what a purchase earned and what is left of it; a member sees its own only."""
    with reading() as connection:
        key, row = located(connection, actor, purchase_id, store)
        if row.member_id is None or row.posting_id is None:
            return _parked_view(connection, key)
        return view(connection, stored(connection, row))


def explanation(actor: Actor, purchase_id: str, store: str | None, language: str) -> dict[str, Any]:
    """Return why a purchase earned what it did, in words of `language`, beside the exact trace."""
    with reading() as connection:
        key, row = located(connection, actor, purchase_id, store)
        if row.member_id is None or row.posting_id is None:
            return _parked_view(connection, key)
        return _explained(connection, stored(connection, row), language)


def own_explanation(member_id: str, posting_id: str, language: str | None) -> dict[str, Any]:
    """Return the same for a member's own purchase by its posting, in `language`, else the member's; `NotFound` else."""
    with reading() as connection:
        family = survivors.family(connection, member_id)
        found = (postings.purchase(connection, one, posting_id) for one in family)
        kept = next((one for one in found if one is not None and one["status"] != "moved"), None)
        if kept is None:
            raise NotFound("purchase_not_found", "There is no such purchase of yours.")
        member = members.row(connection, member_id)
        return _explained(connection, kept, language or (member.language if member else "en"))


def _explained(connection: sa.Connection, bought: Values, language: str) -> dict[str, Any]:
    plan, purchase, accrual = recomputed(connection, bought)
    kept = decode_json(bought["kept"]) if bought["kept"] else None
    words = explain(plan, purchase, accrual, language, kept)
    return {
        "purchase_id": bought["purchase_key"].partition("/")[2],
        "headline": words.headline,
        "wallets": [
            {
                "wallet": wallet.wallet,
                "headline": wallet.headline,
                "gave": list(wallet.gave),
                "gave_nothing": list(wallet.gave_nothing),
            }
            for wallet in words.wallets
        ],
        "left_out": list(words.left_out),
        "left_nothing_out": list(words.left_nothing_out),
        "returned": list(words.returned),
        "trace": trace_words(plan, trace(plan, purchase, accrual)),
        "programme_version": plan.version,
    }


def located(connection: sa.Connection, actor: Actor, purchase_id: str, store: str | None) -> tuple[str, KeyRow]:
    """Return a purchase's key and where it is; what is another member's or merchant's is not there.

    A till sees its own store's. A member's token has no store: `store` stands beside the number in its ledger.
    """
    if actor.role == "terminal" and store not in (None, actor.store_id):
        raise NotFound("purchase_not_found", f"There is no purchase {purchase_id} of this till's store.")
    named = purchase_keys.purchase_key(site_of(connection, actor, store).store, purchase_id)
    key = purchase_keys.first_key(connection, named)
    row = purchase_keys.find(connection, key)
    if row is None or (actor.role == "member" and not _is_theirs(connection, actor, row)):
        raise NotFound("purchase_not_found", f"There is no purchase {purchase_id} here.")
    return key, row


def _is_theirs(connection: sa.Connection, actor: Actor, row: KeyRow) -> bool:
    """Tell whether a purchase is the member's own, or was one's that was merged into it."""
    return row.member_id is not None and actor.member_id in (row.member_id, survivors.of(connection, row.member_id))


def stored(connection: sa.Connection, row: KeyRow) -> Values:
    """Return the stored purchase that a key names."""
    assert row.member_id is not None and row.posting_id is not None, "the purchase is parked"
    found = postings.purchase(connection, row.member_id, row.posting_id)
    assert found is not None, "a key names a purchase that is there"
    return found


def recomputed(connection: sa.Connection, purchase: Values) -> tuple[Plan, Purchase, Accrual]:
    """Work out again, from the facts that decided, what a purchase earned when it was posted."""
    plan = plan_of(connection, purchase["version"])
    facts = decode(purchase["facts"])
    return plan, facts, rework(plan, facts, decode_decisions(purchase["version"], purchase["decisions"]))


def stored_answer(connection: sa.Connection, key: str, row: KeyRow) -> Answer:
    """Return the first answer to a purchase, whoever's it is now: 200, or 202 for one that was unresolved then."""
    if row.member_id is None or row.posting_id is None:
        parked = purchase_keys.parked(connection, key)
        assert parked is not None, "a purchase without a member is parked"
        return _first(parked["answer"])
    body = postings.purchase_answer(connection, row.member_id, row.posting_id)
    return _first(body) if body else Answer(200, encode_json(view(connection, stored(connection, row))).encode(), True)


def _first(body: str) -> Answer:
    return Answer(202 if decode_json(body)["status"] == "unresolved" else 200, body.encode(), replayed=True)


def view(connection: sa.Connection, purchase: Values) -> dict[str, Any]:
    """Return a booked purchase as the API shows it."""
    plan, facts, accrual = recomputed(connection, purchase)
    granted = decode_json(purchase["granted"])
    kept = decode_json(purchase["kept"]) if purchase["kept"] else granted
    left = decode_json(purchase["left_units"]) if purchase["left_units"] else everything(facts)
    store, _, purchase_id = purchase["purchase_key"].partition("/")
    return {
        "purchase_id": purchase_id,
        "store": store,
        "member_id": survivors.of(connection, purchase["member_id"]),
        "status": purchase["status"],
        "occurred_at": purchase["occurred_at"].isoformat(),
        "booked_at": purchase["booked_at"].isoformat(),
        "currency": purchase["currency"],
        "total": format_amount(purchase["total_minor"], purchase["currency"]),
        "points": [{"wallet": wallet, "points": points} for wallet, points in granted.items()],
        "kept": [{"wallet": wallet, "points": points} for wallet, points in kept.items()],
        "left": [{"line_id": line, "quantity": units} for line, units in left.items()],
        "trace": trace_words(plan, trace(plan, facts, accrual)),
        "programme_version": purchase["version"],
    }


def _parked_view(connection: sa.Connection, key: str) -> dict[str, Any]:
    parked = purchase_keys.parked(connection, key)
    if parked is None:
        raise NotFound("purchase_not_found", "Only a return of this purchase has come; the purchase itself has not.")
    answer: dict[str, Any] = decode_json(parked["answer"])
    # The code is on the receipt, for whoever holds that.
    answer.pop("claim_code", None)
    return answer | {"status": parked["status"]}


def parked(actor: Actor, status: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of the purchases that are `unclaimed` or `unresolved`, oldest first, of the actor's merchant."""
    with reading() as connection:
        found = purchase_keys.parked_with(connection, status, actor.merchant_id, _after(cursor), limit + 1)
    following = _cursor(found[limit - 1]) if len(found) > limit else None
    return {"purchases": [_parked_line(row) for row in found[:limit]], "next": following}


def _parked_line(row: Values) -> dict[str, Any]:
    facts = decode(row["facts"])
    total = sum(line.amount_minor for line in facts.lines) - facts.order_discount_minor
    return {
        "purchase_id": row["purchase_key"].partition("/")[2],
        "store": row["store_id"],
        "status": row["status"],
        "reason": row["reason"],
        "occurred_at": row["occurred_at"].isoformat(),
        "received_at": row["received_at"].isoformat(),
        "currency": facts.currency,
        "total": format_amount(total, facts.currency),
    }


def _cursor(row: Values) -> str:
    return f"{row['received_at'].isoformat()}~{row['purchase_key']}"


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    """Read a cursor: the time and the key of the last purchase of the page before."""
    if cursor is None:
        return None
    written, _, key = cursor.partition("~")
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        said = {"cursor": ["send `next` as it came"]}
        raise Invalid("cursor_invalid", "The cursor is not one that was given.", said)
    return at, key
