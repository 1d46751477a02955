"""Posts purchases: finds the member, sees a repetition, asks the rules, books what they say, and answers.

Source: ARCHITECTURE.md, A purchase; RELIABILITY.md, Idempotency and Doors.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    booking,
    catalogue,
    parking,
    purchase_vouchers,
    redemption_messages,
    replays,
    tenders,
    waiting,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.identification import identify
from loyalty_engine.services.incoming import Incoming, check_currency, receive, trouble_with
from loyalty_engine.services.intake import PostedPurchase
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import posted_answer
from loyalty_engine.services.purchase_vouchers import Found
from loyalty_engine.services.sites import own_site
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.purchase_keys import KeyRow
from loyalty_engine.store.redemptions import Redemption
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.vouchers import Values
from rules.plan import Plan


def post(actor: Actor, posted: PostedPurchase) -> Answer:
    """Post one purchase in a transaction of its own. See `post_in`."""
    return in_transaction(partial(post_in, actor=actor, posted=posted))


def post_in(connection: sa.Connection, actor: Actor, posted: PostedPurchase, replays_history: bool = False) -> Answer:
    """Post one purchase: 201 and what it earned, 200 with the first answer for a repetition, 202 where it is parked.

    One that `replays_history` (an import's) is booked at its own time, and is never too late.

    Raises `Invalid` for another purchase under a number or a receipt that is taken, and for a wrong currency.
    """
    site = own_site(connection, actor, posted.store, posted.terminal)
    incoming = receive(connection, posted, site, catalogue.known_of(connection, posted.purchase.lines))
    plan = plan_for(connection, incoming.purchase.occurred_at)
    check_currency(plan, incoming.purchase)
    who = identify(connection, posted.member, shown_at=incoming.purchase.occurred_at)
    # What a claim does not do away with comes first.
    trouble = trouble_with(plan, incoming.purchase, may_be_late=replays_history) or who.reason
    now = None if replays_history else clock.now()
    if trouble is None and who.member_id is None and not replays_history:
        trouble = tenders.trouble_for_nobody(plan, incoming.purchase)
    member_id = None if trouble else who.member_id
    row = KeyRow(incoming.document.fingerprint, member_id, new_id() if member_id else None)
    known = replays.take_keys(connection, incoming.key, incoming.receipt_key, row)
    if known is not None and not known.waits:
        return replays.answer(connection, actor, known, row, incoming.key)
    if member_id is None:
        return _park(Posting(connection, actor, now), plan, incoming, trouble, who.member_id)
    booked = book_in(Posting(connection, actor, now), plan, incoming, row, strict=not replays_history)
    if isinstance(booked, CannotBook):
        purchase_keys.move_key(connection, incoming.key, replace(row, member_id=None, posting_id=None))
        return _park(Posting(connection, actor, now), plan, incoming, booked.reason, member_id)
    if known is not None:
        return waiting.apply(connection, actor, incoming.key, clock.now()) or booked
    return booked


def _park(posting: Posting, plan: Plan, incoming: Incoming, reason: str | None, member_id: str | None) -> Answer:
    """Keep a purchase that can't be booked now; what it was paid with and its vouchers are used up all the same."""
    if member_id is not None and posting.now is not None and reason != tenders.UNMATCHED:
        tenders.capture_for_waiting(posting, member_id, plan, incoming.purchase)
    used = purchase_vouchers.use_up(posting.connection, plan, incoming, member_id)
    _tell_of_vouchers(posting.connection, used, posting.now)
    return parking.park(posting.connection, incoming, reason, member_id)


def book_in(posting: Posting, plan: Plan, incoming: Incoming, row: KeyRow, strict: bool = True) -> Answer | CannotBook:
    """Book a purchase whose keys are taken for `row`'s member, and write it; or say why that can't be done.

    With `strict` its tenders in points and its vouchers have to be its member's, and to fit; without, whoever sets a
    purchase right takes it as it is.
    """
    assert row.member_id is not None and row.posting_id is not None, "the keys name the member"
    state = posting.member(row.member_id)
    if state.member_id != row.member_id:
        purchase_keys.move_key(posting.connection, incoming.key, replace(row, member_id=state.member_id))
    accrual = booking.judge(posting, state, plan, incoming.purchase)
    if isinstance(accrual, CannotBook):
        return accrual
    paid = tenders.payments(posting, state, plan, incoming.purchase, strict)
    if paid is None:
        return CannotBook(tenders.UNMATCHED)
    vouchers = purchase_vouchers.find(posting.connection, state, plan, incoming)
    if strict and not vouchers.are_all:
        return CannotBook(purchase_vouchers.UNUSABLE)
    captured = tenders.capture(posting, state, paid)
    source = Source("purchase", row.posting_id, incoming.purchase.occurred_at)
    done = booking.book(posting, state, plan, incoming.purchase, accrual, source)
    redeemed = purchase_vouchers.words(vouchers, incoming.purchase)
    words = tenders.not_taken(plan, incoming.purchase, paid, captured)
    body = posted_answer(incoming.purchase_id, plan, incoming.purchase, state, done, redeemed, words)
    booking.append_purchase(posting, state, plan, incoming, done, source, body)
    posting.write()
    tenders.bind(posting.connection, captured, row.posting_id)
    at = posting.booked_at(state, source.occurred_at)
    purchase_vouchers.bind(posting.connection, vouchers, incoming.key, row.posting_id, at)
    _tell(posting, state, [one.redemption for one in paid], captured, vouchers)
    return Answer(201, body)


def _tell(
    posting: Posting,
    state: MemberState,
    before: Sequence[Redemption],
    captured: Sequence[Redemption],
    vouchers: Found,
) -> None:
    """Tell the member of what this purchase used: points that were only held before, and vouchers."""
    spent = {one.redemption_id for one in before if one.status == "captured"}
    redemption_messages.tell(posting, state, [one for one in captured if one.redemption_id not in spent])
    new = [one.row for one in vouchers.redeemed if one.row["status"] != "redeemed"]
    _tell_of_vouchers(posting.connection, new, posting.now)


def _tell_of_vouchers(connection: sa.Connection, used: Sequence[Values], now: datetime | None) -> None:
    if used and now is not None:
        redemption_messages.tell_of_vouchers(connection, used, now)
