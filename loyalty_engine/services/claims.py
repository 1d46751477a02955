"""Gives a purchase the member it lacks, or the right one: claimed by the member, named by the till, repaired by staff.

Source: API.md, Tills ("here's my card!") and Members (claims); RELIABILITY.md, Doors.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, codes, waiting
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.identification import identify
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.lookup import located
from loyalty_engine.services.moves import move
from loyalty_engine.services.parking import CLAIMABLE, DETAILS, TRIED_AGAIN
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_documents import Document, decode, decode_json, receipt_day, stored_vouchers
from loyalty_engine.services.purchases import book_in
from loyalty_engine.store import postings, purchase_keys, survivors
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.purchase_keys import KeyRow, Values
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.periods import business_day

CLAIM_DAYS: Final = 30


def claim_in(connection: sa.Connection, actor: Actor, claim_code: str) -> Answer:
    """A member claims a purchase with the code on its receipt, within 30 days of it."""
    assert actor.member_id is not None, "only members claim"
    code = codes.normal_code(claim_code)
    key = purchase_keys.claimed_by_code(connection, code) if code else None
    if key is None:
        raise NotFound("claim_code_not_found", "There is no purchase with this code; check it against the receipt.")
    row = _locked(connection, key)
    if row.member_id is not None and survivors.of(connection, row.member_id) == actor.member_id:
        raise Conflict("already_yours", "This purchase is on your account already.")
    if row.member_id is not None:
        raise NotFound("claim_code_not_found", "There is no purchase with this code that can be claimed.")
    parked = _parked(connection, key)
    if clock.now() - parked["occurred_at"] > timedelta(days=CLAIM_DAYS):
        raise Invalid("claim_too_late", f"A purchase can be claimed within {CLAIM_DAYS} days.")
    if parked["reason"] not in CLAIMABLE:
        raise Conflict("needs_staff", DETAILS[parked["reason"]])
    return _book_parked(_now(connection, actor), key, replace(row, member_id=actor.member_id), parked)


def name_member_in(
    connection: sa.Connection,
    actor: Actor,
    purchase_id: str,
    store: str | None,
    member: MemberReference,
    reason: str | None,
) -> Answer:
    """A till names the member of a purchase that has none, the same day; staff, with a reason, of any purchase."""
    key, _ = located(connection, actor, purchase_id, store)
    row = _locked(connection, key)
    who = identify(connection, member)
    if who.member_id is None:
        raise NotFound(who.reason or "unknown_member", "There is no such member; look the card or the phone up first.")
    if row.member_id is not None and survivors.of(connection, row.member_id) == who.member_id:
        raise Conflict("already_theirs", "This purchase is on that member's account already.")
    if actor.role not in ("staff", "admin"):
        _check_till(connection, key, row)
    elif not reason:
        raise Invalid("reason_missing", "Say why the member is changed.", {"reason": ["is required for staff"]})
    if row.member_id is None:
        named = replace(row, member_id=who.member_id)
        by_staff = actor.role in ("staff", "admin")
        answer = _book_parked(_now(connection, actor), key, named, _parked(connection, key), strict=not by_staff)
    else:
        answer = move(connection, actor, key, row, who.member_id)
    if reason:
        audit_log.record(connection, actor, "purchase_member_named", key, {"reason": reason})
    return answer


def accept_in(connection: sa.Connection, actor: Actor, purchase_id: str, store: str | None, reason: str) -> Answer:
    """Staff accept a purchase that waits for a person (late, sums that disagree, …) as it is."""
    key, _ = located(connection, actor, purchase_id, store)
    row = _locked(connection, key)
    if row.member_id is not None:
        raise Conflict("already_posted", "This purchase is posted already.")
    parked = _parked(connection, key)
    named = decode_json(parked["named_member"]) if parked["named_member"] else None
    who = identify(connection, MemberReference(**named) if named else None)
    if who.member_id is None:
        raise Conflict("member_missing", "Name the purchase's member first; until then it can't be accepted.")
    answer = _book_parked(_now(connection, actor), key, replace(row, member_id=who.member_id), parked, strict=False)
    audit_log.record(connection, actor, "purchase_accepted", key, {"reason": reason, "was": parked["reason"]})
    return answer


def try_again_in(
    connection: sa.Connection, actor: Actor, key: str, member: MemberReference | None
) -> Answer | Conflict | None:
    """Book, at its own time, a purchase of an import that waits for a member whom nobody knew, where `member` is known.

    Returns why it still waits; None for one that is booked since, or that nobody is named for.
    """
    row = _locked(connection, key)
    if row.member_id is not None:
        return None
    parked = _parked(connection, key)
    reason: str | None = parked["reason"]
    member_id = None
    if reason in TRIED_AGAIN:
        who = identify(connection, member, shown_at=parked["occurred_at"])
        member_id, reason = who.member_id, who.reason or reason
    if member_id is None:
        return Conflict(reason, DETAILS[reason]) if reason else None
    named = replace(row, member_id=member_id)
    try:
        return _book_parked(Posting(connection, actor, now=None), key, named, parked, strict=False)
    except Conflict as conflict:
        return conflict


def _now(connection: sa.Connection, actor: Actor) -> Posting:
    return Posting(connection, actor, clock.now())


def _locked(connection: sa.Connection, key: str) -> KeyRow:
    row = purchase_keys.find(connection, key, locked=True)
    if row is None:
        raise NotFound("purchase_not_found", "There is no such purchase here.")
    return row


def _parked(connection: sa.Connection, key: str) -> Values:
    parked = purchase_keys.parked(connection, key)
    if parked is None:
        raise NotFound("purchase_not_found", "Only a return of this purchase has come; the purchase itself has not.")
    return parked


def _check_till(connection: sa.Connection, key: str, row: KeyRow) -> None:
    """A till may name the member of a purchase without one, on its own day."""
    if row.member_id is not None:
        raise Forbidden("needs_staff", "This purchase has a member; only staff can change that, with a reason.")
    parked = _parked(connection, key)
    if parked["reason"] not in CLAIMABLE:
        raise Conflict("needs_staff", DETAILS[parked["reason"]])
    zone = plan_for(connection, parked["occurred_at"]).programme.time_zone
    if business_day(parked["occurred_at"], zone) != business_day(clock.now(), zone):
        raise Conflict(
            "not_today", "A till can name the member on the day of the purchase; later the member claims it."
        )


def _book_parked(posting: Posting, key: str, row: KeyRow, parked: Values, strict: bool = True) -> Answer:
    """Book a parked purchase for the member in `row`, and then the returns that waited for it.

    A till that asks again is told what it was told first, so that answer goes along with the purchase.
    """
    assert row.member_id is not None, "the caller has named the member"
    connection = posting.connection
    row = replace(row, member_id=posting.member(row.member_id).member_id, posting_id=new_id())
    purchase = decode(parked["facts"])
    store, _, purchase_id = key.partition("/")
    incoming = Incoming(
        purchase_id,
        store,
        purchase,
        Document(parked["facts"], row.fingerprint),
        key,
        receipt_day=receipt_day(parked["facts"]),
        vouchers=stored_vouchers(parked["facts"]),
    )
    booked = book_in(posting, plan_for(connection, purchase.occurred_at), incoming, row, strict)
    if isinstance(booked, CannotBook):
        raise Conflict(booked.reason, DETAILS[booked.reason])
    purchase_keys.move_key(connection, key, row)
    purchase_keys.settle_parked(connection, key)
    answer = waiting.apply(connection, posting.actor, key, parked["received_at"]) or booked
    assert row.member_id is not None and row.posting_id is not None, "it is booked"
    postings.update_answer(connection, row.member_id, row.posting_id, parked["answer"])
    return answer
