"""Books what a purchase loses when part of it comes back: points, caps' use, qualifying days; never the level."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    automatic_rewards,
    caps,
    forfeiting,
    lapsed_points,
    ledger,
    restoring,
    standing,
    voucher_returns,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.ledger import Booked
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.services.purchase_answers import posted_answer_after, returned_answer
from loyalty_engine.services.purchase_documents import decode, decode_decisions, decode_json, encode_json
from loyalty_engine.store import member_state, postings
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.postings import Values
from rules.eligible import net_spend, visits
from rules.errors import Invalid
from rules.facts import Purchase
from rules.periods import business_day
from rules.plan import Plan
from rules.returns import Kept, everything, kept, left_after
from rules.tiers import Next, next_level


@dataclass(frozen=True, slots=True)
class Returned:
    """One return of a booked purchase: `units` by line, None for all that is left."""

    purchase_id: str
    reference: str
    units: Mapping[str, int] | None
    occurred_at: datetime

    @property
    def fingerprint(self) -> str:
        """The same for a repetition, whenever it is sent."""
        return sha256(encode_json([self.reference, self.units]).encode()).hexdigest()


def book_return(connection: sa.Connection, actor: Actor, member_id: str, posting_id: str, returned: Returned) -> Answer:
    """Book a return of a purchase that is booked; a reference that was booked before gets its first answer again.

    `member_id` says with whom the purchase is stored; after a merge the points are another one's. One that is dated
    before its purchase, by another till's clock, happened when that did.
    """
    posting = Posting(connection, actor, clock.now())
    restoring.lock(posting, member_id, posting_id)
    state = posting.member(member_id)
    stored = postings.purchase(connection, member_id, posting_id)
    assert stored is not None, "a key names a purchase that is there"
    earlier = postings.returns_of(connection, member_id, posting_id)
    for one in earlier:
        if one["return_reference"] == returned.reference:
            return _repeated(one, returned)
    returned = replace(returned, occurred_at=max(returned.occurred_at, stored["occurred_at"]))
    purchase = decode(stored["facts"])
    left = left_after(purchase, left_of(stored, purchase), returned.units)
    return_id = new_id()
    source = Source("return", return_id, returned.occurred_at)
    plan = plan_of(connection, stored["version"])
    # First what comes back: it may be needed for what is taken back.
    restored = restoring.give_back(posting, plan, stored["purchase_key"], purchase, left, source)
    booked = reduce_to(posting, state, stored, purchase, left, source)
    vouchers = voucher_returns.give_back(posting, plan, stored, left, source)
    _fill_cards(posting, {one.member_id for one in restored} | {state.member_id for one in booked if one.points > 0})
    body = returned_answer(
        returned.purchase_id, returned.reference, plan.programme, booked, left, state.accounts, restored, vouchers
    )
    _append_return(posting, state, stored, returned, return_id, body)
    posting.write()
    postings.update_purchase(connection, stored)
    return Answer(201, body)


def _fill_cards(posting: Posting, member_ids: Collection[str]) -> None:
    """Issue what came to be due by points that came back, once all of the return is booked."""
    now = clock.now()
    for member_id in sorted(member_ids):
        automatic_rewards.fill(posting, posting.member(member_id), plan_for(posting.connection, now), now)


def answer_anew(connection: sa.Connection, actor: Actor, member_id: str, posting_id: str) -> Answer:
    """Answer a purchase that was booked in this transaction, once more after its returns: with what is true now."""
    state = Posting(connection, actor, clock.now()).member(member_id)
    stored = postings.purchase(connection, member_id, posting_id)
    assert stored is not None, "it was booked just now"
    plan = plan_of(connection, stored["version"])
    body = posted_answer_after(stored["answer"], plan.programme, state.accounts, _following(connection, state, plan))
    postings.update_answer(connection, member_id, posting_id, body.decode())
    return Answer(201, body)


def _following(connection: sa.Connection, state: MemberState, plan: Plan) -> Next | None:
    tiers = plan.programme.tiers
    assert state.last_booked_at is not None, "a purchase was booked"
    counted = standing.window(tiers, state, business_day(state.last_booked_at, plan.programme.time_zone))
    if tiers is None or counted is None:
        return None
    return next_level(tiers, state.level, member_state.qualified(connection, state, *counted))


def _repeated(earlier: Values, returned: Returned) -> Answer:
    if earlier["fingerprint"] != returned.fingerprint:
        raise another_return(returned.reference)
    return Answer(200, earlier["answer"].encode(), replayed=True)


def another_return(reference: str) -> Invalid:
    """Return the refusal of a return whose reference was used for other lines."""
    return Invalid(
        "return_differs",
        f"Return {reference} came before with other lines; nothing was changed.",
        {"return_reference": ["give a new return its own reference; send a repetition unchanged"]},
    )


def left_of(stored: Values, purchase: Purchase) -> dict[str, int]:
    """Return the units left of each line of a stored purchase."""
    left: dict[str, int] = decode_json(stored["left_units"]) if stored["left_units"] else everything(purchase)
    return left


def reduce_to(
    posting: Posting, state: MemberState, stored: Values, purchase: Purchase, left: Mapping[str, int], source: Source
) -> tuple[Booked, ...]:
    """Book the change from what the purchase keeps now to what it keeps with `left` units, and note that in `stored`."""
    plan = plan_of(posting.connection, stored["version"])
    granted = decode_json(stored["granted"])
    now_left = left_of(stored, purchase)
    before = Kept(
        _kept_points(stored),
        decode_json(stored["cap_use"]),
        net_spend(purchase, now_left),
        visits(purchase, now_left),
    )
    after = kept(plan, purchase, decode_decisions(stored["version"], stored["decisions"]), granted, left)
    booked = _book_changes(posting, state, plan, stored, before, after, source)
    lost = {wallet: after.points.get(wallet, 0) - points for wallet, points in before.points.items()}
    spent = after.net_spend_minor - before.net_spend_minor
    standing.qualify(state, stored["business_day"], lost, spent, after.visits - before.visits)
    stored["kept"], stored["cap_use"] = encode_json(after.points), encode_json(after.cap_use)
    stored["left_units"] = encode_json(dict(left))
    forfeiting.of_the_gone(posting, plan)
    return booked


def _kept_points(stored: Values) -> dict[str, int]:
    points: dict[str, int] = decode_json(stored["kept"] or stored["granted"])
    return points


def _book_changes(
    posting: Posting, state: MemberState, plan: Plan, stored: Values, before: Kept, after: Kept, source: Source
) -> tuple[Booked, ...]:
    day = stored["business_day"]
    use = {cap: after.cap_use.get(cap, 0) - before.cap_use.get(cap, 0) for cap in {**before.cap_use, **after.cap_use}}
    caps.lock_budgets(posting, plan, day, {cap for cap, change in use.items() if change})
    caps.cap_room(posting, state, plan, day)
    caps.use_caps(posting, state, plan, day, use)
    owner = Source("purchase", stored["posting_id"], stored["occurred_at"])
    lapsed = partial(lapsed_points.unused, posting, state, stored)
    booked = []
    for wallet in plan.programme.wallets:
        less = before.points.get(wallet.id, 0) - after.points.get(wallet.id, 0)
        if less > 0:
            booked.append(ledger.take_back(posting, state, plan, wallet, less, source, owner.id, lapsed))
        elif less < 0:
            booked.append(ledger.grant(posting, state, plan, wallet, -less, source, owner=owner))
    return tuple(booked)


def _append_return(
    posting: Posting, state: MemberState, stored: Values, returned: Returned, return_id: str, body: bytes
) -> None:
    values: dict[str, Any] = {
        "member_id": stored["member_id"],
        "posting_id": stored["posting_id"],
        "return_reference": returned.reference,
        "return_id": return_id,
        "fingerprint": returned.fingerprint,
        "units": encode_json(returned.units),
        "occurred_at": returned.occurred_at,
        "booked_at": posting.booked_at(state, returned.occurred_at),
        "answer": body.decode(),
    }
    posting.appended.returns.append(values)
