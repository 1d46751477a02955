"""Posts many purchases in one transaction, for imports, with the same results as posting them one by one.

What is the same for all is done once: which numbers and receipts are taken, and the writing at the end. Everything
that decides is the code that posts a single purchase. A purchase that needs more than that (one that is parked, or
comes again) goes through `purchases.post_in` after the others of its batch are written.

Where all writers wait for one another (SQLite), a batch is judged before it asks for its turn: tills wait for the
writing alone, and a second process can judge meanwhile. A batch that was overtaken is judged again in its turn.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

import sqlalchemy as sa

from loyalty_engine.services import batch_members, booking, caps
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.batch_members import Coming
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.incoming import Incoming, check_currency, receive, trouble_with
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.posting import Overtaken, Posting, Source
from loyalty_engine.services.programmes import plans
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.purchases import post_in
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import Duplicate, has_one_writer, in_transaction, snapshot
from rules.errors import Refusal
from rules.plan import Plan

Status = Literal["posted", "replayed", "unresolved", "unclaimed", "refused"]


@dataclass(frozen=True, slots=True)
class PostingResult:
    """What became of one purchase; `points` is what accrual gave, by wallet."""

    status: Status
    points: Mapping[str, int] = field(default_factory=dict)
    code: str | None = None
    detail: str | None = None


def post_many(actor: Actor, purchases: Sequence[PostedPurchase]) -> list[PostingResult]:
    """Post purchases that happened earlier, each booked at its own time, however late; results in their order.

    Nothing is stored twice. Purchases should come in the order of their time: `booked_at` never decreases for a member.
    """
    if has_one_writer():
        with suppress(Overtaken, Duplicate):
            return _judged_ahead(actor, purchases)
    try:
        return in_transaction(partial(post_many_in, actor=actor, purchases=purchases))
    except Duplicate:
        return [in_transaction(partial(_post_one, actor=actor, posted=posted)) for posted in purchases]


def post_many_in(connection: sa.Connection, actor: Actor, purchases: Sequence[PostedPurchase]) -> list[PostingResult]:
    """The same, in the caller's transaction."""
    batch, results = _judged(Posting(connection, actor, now=None), purchases)
    batch.write()
    return _with_the_rest(connection, actor, purchases, results)


def _judged_ahead(actor: Actor, purchases: Sequence[PostedPurchase]) -> list[PostingResult]:
    """The same, judged outside the transaction that writes; raises `Overtaken` where what was read has changed since.

    Only what the batch writes needs to be as it was. A card blocked or a programme published between reading and
    writing could as well have come after the batch.
    """
    with snapshot() as connection:
        batch, results = _judged(Posting(connection, actor, now=None, only_looks=True), purchases)

    def write(connection: sa.Connection) -> list[PostingResult]:
        batch.move_to(connection)
        batch.write()
        return _with_the_rest(connection, actor, purchases, results)

    return in_transaction(write)


def _judged(posting: Posting, purchases: Sequence[PostedPurchase]) -> tuple["_Batch", Mapping[int, PostingResult]]:
    """Judge what can be booked plainly; return it with the results by place, which the other purchases lack."""
    connection = posting.connection
    results: dict[int, PostingResult] = {}
    plan_at = plans(connection)
    arrived = _receive(connection, posting.actor, purchases, plan_at, results)
    new = _new(connection, arrived)
    batch = _Batch(posting, plan_at, [(arrived[place], purchases[place].member) for place in new])
    for place in new:
        result = batch.post(arrived[place], purchases[place].member)
        if result is not None:
            results[place] = result
    return batch, results


def _with_the_rest(
    connection: sa.Connection,
    actor: Actor,
    purchases: Sequence[PostedPurchase],
    results: Mapping[int, PostingResult],
) -> list[PostingResult]:
    return [results.get(place) or _post_one(connection, actor, posted) for place, posted in enumerate(purchases)]


def _receive(
    connection: sa.Connection,
    actor: Actor,
    purchases: Sequence[PostedPurchase],
    plan_at: Callable[[datetime], Plan],
    results: dict[int, PostingResult],
) -> dict[int, Incoming]:
    arrived = {}
    for place, posted in enumerate(purchases):
        try:
            incoming = receive(connection, actor, posted)
            check_currency(plan_at(incoming.purchase.occurred_at), incoming.purchase)
            arrived[place] = incoming
        except Refusal as refusal:
            results[place] = PostingResult("refused", code=refusal.code, detail=refusal.detail)
    return arrived


def _new(connection: sa.Connection, arrived: Mapping[int, Incoming]) -> list[int]:
    """Return the places of the purchases whose number and receipt are new, also within the batch."""
    receipts = [one.receipt_key for one in arrived.values() if one.receipt_key is not None]
    keys, receipt_keys = purchase_keys.taken(connection, [one.key for one in arrived.values()], receipts)
    new = []
    for place, incoming in arrived.items():
        if incoming.key not in keys and incoming.receipt_key not in receipt_keys:
            new.append(place)
        keys.add(incoming.key)
        if incoming.receipt_key is not None:
            receipt_keys.add(incoming.receipt_key)
    return new


class _Batch:
    """The purchases of a batch that are plainly booked."""

    def __init__(
        self,
        posting: Posting,
        plan_at: Callable[[datetime], Plan],
        new: Sequence[tuple[Incoming, MemberReference | None]],
    ) -> None:
        self.plan_at = plan_at
        self.posting = posting
        self.keys: list[purchase_keys.Values] = []
        self.receipts: list[purchase_keys.Values] = []
        purchases = [(incoming.purchase, member) for incoming, member in new if member is not None]
        coming = [Coming(purchase, plan_at(purchase.occurred_at), member) for purchase, member in purchases]
        self.found = batch_members.load(self.posting, coming)

    def post(self, incoming: Incoming, member: MemberReference | None) -> PostingResult | None:
        """Book one purchase; None for one that can't be booked plainly."""
        posting = self.posting
        plan = self.plan_at(incoming.purchase.occurred_at)
        who = self.found.get(member) if member is not None else None
        if who is None or who.member_id is None or trouble_with(plan, incoming.purchase, may_be_late=True):
            return None
        state = posting.member(who.member_id)
        accrual = booking.judge(posting, state, plan, incoming.purchase)
        if isinstance(accrual, CannotBook):
            return None
        source = Source("purchase", new_id(), incoming.purchase.occurred_at)
        done = booking.book(posting, state, plan, incoming.purchase, accrual, source)
        booking.append_purchase(posting, state, plan, incoming, done, source, answer=None)
        self._take_keys(incoming, who.member_id, source.id)
        return PostingResult("posted", accrual.points)

    def _take_keys(self, incoming: Incoming, member_id: str, posting_id: str) -> None:
        key = {"purchase_key": incoming.key, "fingerprint": incoming.document.fingerprint}
        self.keys.append(key | {"member_id": member_id, "posting_id": posting_id})
        if incoming.receipt_key is not None:
            self.receipts.append({"receipt_key": incoming.receipt_key, "purchase_key": incoming.key})

    def move_to(self, connection: sa.Connection) -> None:
        """Go on in the transaction that writes; keys and receipts are looked after by the tables that hold them."""
        self.posting.connection = connection
        batch_members.check(self.posting)
        caps.check_budgets(self.posting)

    def write(self) -> None:
        purchase_keys.add_keys(self.posting.connection, self.keys, self.receipts)
        self.posting.write()


def _post_one(connection: sa.Connection, actor: Actor, posted: PostedPurchase) -> PostingResult:
    """Post one purchase by the way of a till, but booked at its own time."""
    try:
        answer = post_in(connection, actor, posted, replays_history=True)
    except Refusal as refusal:
        return PostingResult("refused", code=refusal.code, detail=refusal.detail)
    said = decode_json(answer.body.decode())
    if answer.replayed:
        return PostingResult("replayed", code=said.get("reason"))
    points = {one["wallet"]: one["points"] for one in said.get("points", ())}
    return PostingResult(said["status"], points, said.get("reason"), said.get("detail"))
