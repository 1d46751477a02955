"""Posts many purchases in one transaction, for imports, with the same results as posting them one by one.

What is the same for all is done once: which numbers and receipts are taken, and the writing at the end. Everything
that decides is the code that posts a single purchase. A purchase that needs more than that goes through
`purchases.post_in`: in its place where a return came before it, and after the others where it comes again, which
changes nothing for them.

Where all writers wait for one another (SQLite), a batch is judged before it asks for its turn: tills wait for the
writing alone, and a second process can judge meanwhile. A batch that was overtaken is judged again in its turn.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.services import batch_members, booking, caps, catalogue, parking, tenders
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.batch_members import Coming
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.imported_purchases import PostingResult, post_one
from loyalty_engine.services.imports.sinks import Then, and_then, nothing
from loyalty_engine.services.incoming import Incoming, check_currency, receive, trouble_with
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.posting import Overtaken, Posting, Source
from loyalty_engine.services.programmes import plans
from loyalty_engine.services.sites import own_site
from loyalty_engine.store import purchase_keys
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import Duplicate, has_one_writer, in_transaction, snapshot
from rules.errors import Refusal
from rules.plan import Plan


def post_many(actor: Actor, purchases: Sequence[PostedPurchase], then: Then = nothing) -> list[PostingResult]:
    """Post purchases that happened earlier, each booked at its own time, however late; results in their order.

    Nothing is stored twice. Purchases should come in the order of their time: `booked_at` never decreases for a member.
    """
    if has_one_writer():
        with suppress(Overtaken, Duplicate):
            return _judged_ahead(actor, purchases, then)
    try:
        return in_transaction(and_then(partial(post_many_in, actor=actor, purchases=purchases), then))
    except Duplicate:
        results = [in_transaction(partial(post_one, actor=actor, posted=posted)) for posted in purchases]
        in_transaction(lambda connection: then(connection, results))
        return results


def post_many_in(connection: sa.Connection, actor: Actor, purchases: Sequence[PostedPurchase]) -> list[PostingResult]:
    """The same, in the caller's transaction."""
    return _finish(connection, _sorted(connection, actor, purchases))


def _judged_ahead(actor: Actor, purchases: Sequence[PostedPurchase], then: Then) -> list[PostingResult]:
    """The same, with the first run judged outside the transaction that writes; raises `Overtaken` where what was read
    has changed since.

    Only what the batch writes needs to be as it was. A card blocked or a programme published between reading and
    writing could as well have come after the batch.
    """
    with snapshot() as connection:
        work = _sorted(connection, actor, purchases)
        first = _judged(Posting(connection, actor, now=None, only_looks=True), work, work.runs[0])
    return in_transaction(and_then(partial(_finish, work=work, judged=first), then))


class _Run(NamedTuple):
    """The places of new purchases that are booked together, and of the one after them that has to come next."""

    new: list[int]
    then: int | None = None


class _Work(NamedTuple):
    """A batch and what each of its purchases needs; those that are in no run, nor refused, come last."""

    actor: Actor
    purchases: Sequence[PostedPurchase]
    arrived: Mapping[int, Incoming]
    refused: Mapping[int, PostingResult]
    runs: Sequence[_Run]


def _sorted(connection: sa.Connection, actor: Actor, purchases: Sequence[PostedPurchase]) -> _Work:
    refused: dict[int, PostingResult] = {}
    arrived = _receive(connection, actor, purchases, plans(connection), refused)
    return _Work(actor, purchases, arrived, refused, _runs(connection, arrived))


def _judged(posting: Posting, work: _Work, run: _Run) -> tuple["_Batch", dict[int, PostingResult]]:
    """Judge what can be booked plainly; return it with the results by place, which the other purchases lack."""
    coming = [(work.arrived[place], work.purchases[place].member) for place in run.new]
    batch = _Batch(posting, plans(posting.connection), coming)
    results = {}
    for place, (incoming, member) in zip(run.new, coming, strict=True):
        result = batch.post(incoming, member)
        if result is not None:
            results[place] = result
    return batch, results


def _finish(
    connection: sa.Connection, work: _Work, judged: tuple["_Batch", dict[int, PostingResult]] | None = None
) -> list[PostingResult]:
    """Write run after run, the first one as it was `judged` ahead; then post what is left."""
    results = dict(work.refused)
    for run in work.runs:
        if run.new:
            results |= _write(connection, work, run, judged)
        judged = None
        if run.then is not None:
            results[run.then] = post_one(connection, work.actor, work.purchases[run.then])
    return [
        results.get(place) or post_one(connection, work.actor, posted) for place, posted in enumerate(work.purchases)
    ]


def _write(
    connection: sa.Connection, work: _Work, run: _Run, judged: tuple["_Batch", dict[int, PostingResult]] | None
) -> dict[int, PostingResult]:
    if judged is None:
        batch, booked = _judged(Posting(connection, work.actor, now=None), work, run)
    else:
        batch, booked = judged
        batch.move_to(connection)
    batch.write()
    return booked


def _receive(
    connection: sa.Connection,
    actor: Actor,
    purchases: Sequence[PostedPurchase],
    plan_at: Callable[[datetime], Plan],
    results: dict[int, PostingResult],
) -> dict[int, Incoming]:
    arrived, site_of = {}, cache(partial(own_site, connection, actor))
    known = catalogue.known_of(connection, chain.from_iterable(posted.purchase.lines for posted in purchases))
    for place, posted in enumerate(purchases):
        try:
            incoming = receive(connection, posted, site_of(posted.store, posted.terminal), known)
            check_currency(plan_at(incoming.purchase.occurred_at), incoming.purchase)
            arrived[place] = incoming
        except Refusal as refusal:
            results[place] = PostingResult("refused", code=refusal.code, detail=refusal.detail, wrong=refusal.errors)
    return arrived


def _runs(connection: sa.Connection, arrived: Mapping[int, Incoming]) -> list[_Run]:
    """Return the places of the purchases whose number and receipt are new, also within the batch.

    A run ends with a purchase whose return came first, or that brings vouchers: it is posted in its place, for what
    comes after it is judged by what it leaves. So is a known number with a receipt that is free, for a later sale may
    have that one, and a purchase that names redemptions, for they may be its. A repetition takes nothing, neither its
    number nor its receipt.
    """
    receipts = [one.receipt_key for one in arrived.values() if one.receipt_key is not None]
    keys, receipt_keys, waiting = purchase_keys.taken(connection, [one.key for one in arrived.values()], receipts)
    runs = [_Run([])]
    for place, incoming in arrived.items():
        if incoming.receipt_key in receipt_keys or (incoming.key in keys and incoming.receipt_key is None):
            continue
        known = incoming.key in keys
        apart = incoming.vouchers or any(tenders.references(incoming.purchase))
        if known or incoming.key in waiting or apart:
            runs[-1] = runs[-1]._replace(then=place)
            runs.append(_Run([]))
        else:
            runs[-1].new.append(place)
        if known:
            continue
        keys.add(incoming.key)
        if incoming.receipt_key is not None:
            receipt_keys.add(incoming.receipt_key)
    return runs


class _Batch:
    """The purchases of a run, which are plainly booked or parked."""

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
        self.parked: list[tuple[Incoming, str | None, str | None]] = []
        purchases = [(incoming.purchase, member) for incoming, member in new if member is not None]
        coming = [Coming(purchase, plan_at(purchase.occurred_at), member) for purchase, member in purchases]
        self.found = batch_members.load(self.posting, coming)

    def post(self, incoming: Incoming, member: MemberReference | None) -> PostingResult | None:
        """Book or park one purchase; None for one whose member can only be found by `post_in`."""
        posting = self.posting
        plan = self.plan_at(incoming.purchase.occurred_at)
        who = self.found.get(member) if member is not None else None
        if who is None and member is not None:
            return None
        trouble = trouble_with(plan, incoming.purchase, may_be_late=True) or (who.reason if who else None)
        if trouble or who is None or who.member_id is None:
            return self._park(incoming, trouble, who.member_id if who else None)
        state = posting.member(who.member_id)
        accrual = booking.judge(posting, state, plan, incoming.purchase)
        if isinstance(accrual, CannotBook):
            return self._park(incoming, accrual.reason, who.member_id)
        source = Source("purchase", new_id(), incoming.purchase.occurred_at)
        done = booking.book(posting, state, plan, incoming.purchase, accrual, source)
        booking.append_purchase(posting, state, plan, incoming, done, source, answer=None)
        self._take_keys(incoming, who.member_id, source.id)
        return PostingResult("posted", accrual.points)

    def _park(self, incoming: Incoming, reason: str | None, member_id: str | None) -> PostingResult:
        self._take_keys(incoming, None, None)
        self.parked.append((incoming, reason, member_id))
        return PostingResult("unresolved" if reason else "unclaimed", code=reason, detail=parking.DETAILS[reason])

    def _take_keys(self, incoming: Incoming, member_id: str | None, posting_id: str | None) -> None:
        self.keys.append(
            {
                "purchase_key": incoming.key,
                "fingerprint": incoming.document.fingerprint,
                "member_id": member_id,
                "posting_id": posting_id,
            }
        )
        if incoming.receipt_key is not None:
            self.receipts.append({"receipt_key": incoming.receipt_key, "purchase_key": incoming.key})

    def move_to(self, connection: sa.Connection) -> None:
        """Go on in the transaction that writes; keys and receipts are looked after by the tables that hold them."""
        self.posting.connection = connection
        batch_members.check(self.posting)
        caps.check_budgets(self.posting)

    def write(self) -> None:
        """Write all of it; keys in their order, so that two batches never wait for each other in a circle."""
        connection = self.posting.connection
        keys = sorted(self.keys, key=itemgetter("purchase_key"))
        purchase_keys.add_keys(connection, keys, sorted(self.receipts, key=itemgetter("receipt_key")))
        for incoming, reason, member_id in self.parked:
            parking.park(connection, incoming, reason, member_id)
        self.posting.write()
