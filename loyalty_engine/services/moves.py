"""Moves a booked purchase to the member whose it is: everything is reversed on the one and booked anew on the other."""

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.incoming import Incoming
from loyalty_engine.services.lookup import stored
from loyalty_engine.services.parking import DETAILS
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_documents import Document, decode, decode_json, receipt_day, stored_vouchers
from loyalty_engine.services.purchases import book_in
from loyalty_engine.services.reversals import Returned, answer_anew, book_return, left_of, reduce_to
from loyalty_engine.store import postings, purchase_keys, survivors
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.purchase_keys import KeyRow
from rules.errors import Conflict


def move(connection: sa.Connection, actor: Actor, key: str, row: KeyRow, to_member: str) -> Answer:
    """Move the purchase in `row` to `to_member`, with the returns booked against it and the answer that a replay gets."""
    assert row.member_id is not None and row.posting_id is not None, "only a booked purchase moves"
    posting = Posting(connection, actor, clock.now())
    for member_id in sorted(survivors.of(connection, one) for one in (row.member_id, to_member)):
        posting.member(member_id)
    to_member = posting.member(to_member).member_id
    first_answer = postings.purchase_answer(connection, row.member_id, row.posting_id)
    _take_away(connection, actor, row)
    posting_id = new_id()
    moved = KeyRow(row.fingerprint, to_member, posting_id)
    purchase_keys.move_key(connection, key, moved)
    answer = _book_anew(connection, actor, key, row, moved)
    returned = _return_again(connection, actor, key, row, moved)
    if returned:
        answer = answer_anew(connection, actor, to_member, posting_id)
    postings.update_answer(connection, to_member, posting_id, first_answer)
    return answer


def _take_away(connection: sa.Connection, actor: Actor, row: KeyRow) -> None:
    posting = Posting(connection, actor, clock.now())
    assert row.member_id is not None
    assert row.posting_id is not None
    state = posting.member(row.member_id)
    purchase = stored(connection, row)
    facts = decode(purchase["facts"])
    nothing = dict.fromkeys(left_of(purchase, facts), 0)
    reduce_to(posting, state, purchase, facts, nothing, Source("move", row.posting_id, clock.now()))
    state.purchases_count -= 1
    family = survivors.family(connection, state.member_id)
    days = [postings.last_purchase_on(connection, one, but=row.posting_id) for one in family]
    state.last_purchase_on = max((day for day in days if day is not None), default=None)
    purchase["status"] = "moved"
    posting.write()
    postings.update_purchase(connection, purchase)


def _book_anew(connection: sa.Connection, actor: Actor, key: str, row: KeyRow, moved: KeyRow) -> Answer:
    purchase = stored(connection, row)
    facts = decode(purchase["facts"])
    store, _, purchase_id = key.partition("/")
    incoming = Incoming(
        purchase_id,
        store,
        facts,
        Document(purchase["facts"], row.fingerprint),
        key,
        receipt_day=receipt_day(purchase["facts"]),
        vouchers=stored_vouchers(purchase["facts"]),
    )
    plan = plan_for(connection, facts.occurred_at)
    booked = book_in(Posting(connection, actor, clock.now()), plan, incoming, moved, strict=False)
    if isinstance(booked, CannotBook):
        raise Conflict(booked.reason, DETAILS[booked.reason])
    return booked


def _return_again(connection: sa.Connection, actor: Actor, key: str, row: KeyRow, moved: KeyRow) -> bool:
    """Book the returns anew; tell whether there were any."""
    assert row.member_id is not None and row.posting_id is not None
    assert moved.member_id is not None and moved.posting_id is not None
    purchase_id = key.partition("/")[2]
    # What took all that was left came last; the others may come in any order.
    booked = sorted(
        postings.returns_of(connection, row.member_id, row.posting_id),
        key=lambda one: (decode_json(one["units"]) is None, one["booked_at"], one["return_id"]),
    )
    for one in booked:
        units = decode_json(one["units"])
        returned = Returned(purchase_id, one["return_reference"], units, one["occurred_at"])
        book_return(connection, actor, moved.member_id, moved.posting_id, returned)
    return bool(booked)
