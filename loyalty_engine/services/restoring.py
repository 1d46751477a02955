"""Gives back, when goods come back, what was spent on them in points: to whoever spent it, wherever the purchase is now.

A purchase that moved to another member was still paid with the first one's points. Source: PROGRAMME.md, Returns.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from loyalty_engine.services import ledger, tenders, voucher_returns
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.purchase_documents import decode
from loyalty_engine.store import postings
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.redemptions import Redemption
from rules.facts import Purchase
from rules.lots import in_new_lots, restore
from rules.periods import business_day
from rules.plan import Plan
from rules.returns import points_back, returned_share


class Restored(NamedTuple):
    """The points of one wallet that came back to the member who had spent them."""

    member_id: str
    wallet: str
    points: int


def lock(posting: Posting, member_id: str, posting_id: str) -> None:
    """Lock a purchase's member, and whose points and vouchers paid it, in one order: no two returns wait in a circle."""
    stored = postings.purchase(posting.connection, member_id, posting_id)
    assert stored is not None, "a key names a purchase that is there"
    paid = tenders.references(decode(stored["facts"]))
    payers = (store.owner(posting.connection, redemption_id) for redemption_id in paid)
    holders = voucher_returns.holders(posting.connection, stored["facts"])
    for one in sorted({member_id, *filter(None, payers), *holders}):
        posting.member(one)


def give_back(
    posting: Posting, plan: Plan, key: str, purchase: Purchase, left: Mapping[str, int], source: Source
) -> tuple[Restored, ...]:
    """Book what comes back of the points spent on a purchase, once `left` is what remains of it.

    ⌊spent × share⌋ has come back of each redemption then, in all: any order and any split of returns agrees.
    """
    share = returned_share(purchase, left)
    ends: defaultdict[tuple[str, str], defaultdict[date | None, int]] = defaultdict(lambda: defaultdict(int))
    for one in _paid(posting, key, purchase):
        back = points_back(one.captured, share)
        if back <= one.restored or one.wallet is None:
            continue
        today = _today(posting, plan, one.member_id, source)
        parts = store.spent_parts(posting.connection, one)
        for end, points in restore(parts, one.restored, back, today).items():
            ends[one.member_id, one.wallet][end] += points
        store.update(posting.connection, replace(one, restored=back))
    return tuple(
        _book(posting, plan, member_id, wallet, points, source) for (member_id, wallet), points in ends.items()
    )


def _paid(posting: Posting, key: str, purchase: Purchase) -> list[Redemption]:
    """Return the redemptions that paid the purchase with this key, each read after its member is locked."""
    found = []
    for redemption_id in sorted(set(tenders.references(purchase))):
        member_id = store.owner(posting.connection, redemption_id)
        if member_id is None:
            continue
        posting.member(member_id)
        one = store.find(posting.connection, member_id, redemption_id)
        if one is not None and store.purchase_key(posting.connection, one) == key:
            found.append(one)
    return found


def _today(posting: Posting, plan: Plan, member_id: str, source: Source) -> date:
    booked_at = posting.booked_at(posting.member(member_id), source.occurred_at)
    return business_day(booked_at, plan.programme.time_zone)


def _book(
    posting: Posting, plan: Plan, member_id: str, wallet: str, ends: Mapping[date | None, int], source: Source
) -> Restored:
    """Book one entry with a lot for each end; the member's debt takes its part first."""
    state = posting.member(member_id)
    today = _today(posting, plan, member_id, source)
    new = in_new_lots(ends, today, state.account(wallet).debt)
    restoration = Source("restoration", source.id, source.occurred_at)
    ledger.open_lots(posting, state, plan, wallet, new, restoration, today, "restoration")
    return Restored(member_id, wallet, sum(ends.values()))
