"""What households do beside buying: they redeem their coupons on the day that the data says, and some pay with points.

Who pays with points, and where, is drawn from a fixed seed: about one household in ten, on its first basket of a month,
with as many as it has and the programme allows. Everything here can be done again and finds what it did before.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from random import Random
from typing import Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa

from loyalty_engine.services import ledger
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.demo.completejourney import OTHER_TENDER
from loyalty_engine.services.demo.grocer import Year
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.voucher_issuing import issue, reward_in
from loyalty_engine.store import redemptions, vouchers
from loyalty_engine.store.redemptions import Redemption
from loyalty_engine.store.session import in_transaction
from rules import spending
from rules.facts import Purchase, Tender
from rules.plan import Plan
from rules.programme import Wallet

COUPON: Final = "manufacturer-coupon"
"""The reward as which the grocer's coupons are issued, where the programme has it."""
CAMPAIGN: Final = "campaign"
_SEED: Final = 20170102
_PAYERS: Final = 10
"""One in so many."""


class Paid(NamedTuple):
    """What a basket was paid with in points."""

    redemption_id: str
    worth_minor: int


@dataclass(frozen=True, slots=True)
class Brought:
    """What households bring to the till, by the number of the basket."""

    paid: Mapping[str, Paid] = field(default_factory=dict)
    vouchers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def bring(actor: Actor, year: Year, baskets: Iterable[PostedPurchase]) -> list[PostedPurchase]:
    """Return a month's baskets as they come to the till: with vouchers that were issued, and points that were used."""
    listed = list(baskets)
    brought = in_transaction(partial(_brought, actor=actor, year=year, baskets=listed))
    return list(_dressed(listed, brought))


def in_rounds(baskets: Iterable[PostedPurchase]) -> Iterator[PostedPurchase]:
    """Yield the baskets with those that bring points or vouchers side by side, each member's still in their order.

    Such a basket is posted by itself, and parts the batch: plain ones go together, as many as can be.
    """
    rounds: dict[int, tuple[list[PostedPurchase], list[PostedPurchase]]] = {}
    round_of: dict[MemberReference | None, int] = {}
    for one in baskets:
        place = round_of.get(one.member, 0)
        plain, apart = rounds.setdefault(place, ([], []))
        if one.vouchers or any(tender.reference for tender in one.purchase.tenders):
            round_of[one.member] = place + 1
            apart.append(one)
        else:
            plain.append(one)
    for place in sorted(rounds):
        yield from chain(*rounds[place])


def _brought(connection: sa.Connection, actor: Actor, year: Year, baskets: list[PostedPurchase]) -> Brought:
    paid: dict[str, Paid] = {}
    codes: dict[str, tuple[str, ...]] = {}
    posting = Posting(connection, actor, now=None)
    seen: set[MemberReference] = set()
    spent: list[Redemption] = []
    for one in baskets:
        if one.member is None or one.member.member_id is None:
            continue
        plan = plan_for(connection, one.purchase.occurred_at)
        names = year.coupons.get(int(one.purchase_id), ())
        if names and reward_in(plan.programme, COUPON):
            codes[one.purchase_id] = tuple(_voucher(posting, plan, one, name) for name in names)
        if one.member not in seen:
            seen.add(one.member)
            if Random(f"{_SEED}/{one.purchase_id}").randrange(_PAYERS) == 0:
                found = _pay(posting, plan, one, spent)
                if found is not None:
                    paid[one.purchase_id] = found
    posting.write()
    for redemption in spent:
        redemptions.insert(connection, redemption)
    return Brought(paid, codes)


def _voucher(posting: Posting, plan: Plan, one: PostedPurchase, name: str) -> str:
    assert one.member is not None and one.member.member_id is not None
    member_id, source_id = one.member.member_id, f"{name}/{one.purchase_id}"
    known = vouchers.code_of(posting.connection, member_id, CAMPAIGN, source_id)
    if known is not None:
        return known
    reward = reward_in(plan.programme, COUPON)
    assert reward is not None, "the caller has looked"
    source = Source(CAMPAIGN, source_id, one.purchase.occurred_at)
    return issue(posting, posting.member(member_id), plan, reward, source, reason=name).code


def _pay(posting: Posting, plan: Plan, one: PostedPurchase, spent: list[Redemption]) -> Paid | None:
    """Use points for a basket; a redemption of an earlier run of the import is found again."""
    wallet = next((wallet for wallet in plan.programme.wallets if spending.spending_of(wallet)), None)
    assert one.member is not None and one.member.member_id is not None
    if wallet is None:
        return None
    member_id, redemption_id = one.member.member_id, str(uuid5(NAMESPACE_URL, f"{one.store}/{one.purchase_id}"))
    if (known := redemptions.find(posting.connection, member_id, redemption_id)) is not None:
        return Paid(redemption_id, spending.worth_minor(wallet, known.captured))
    state = posting.member(member_id)
    points = spending.most(wallet, state.account(wallet.id).available, _due(one.purchase))
    if not points or spending.proofs_needed(wallet, points):
        return None
    at = one.purchase.occurred_at
    ledger.spend(posting, state, plan, wallet.id, points, Source("redemption", redemption_id, at))
    spent.append(_redemption(posting, plan, wallet, one, redemption_id, points))
    return Paid(redemption_id, spending.worth_minor(wallet, points))


def _redemption(
    posting: Posting, plan: Plan, wallet: Wallet, one: PostedPurchase, redemption_id: str, points: int
) -> Redemption:
    assert one.member is not None and one.member.member_id is not None
    at = one.purchase.occurred_at
    return Redemption(
        one.member.member_id, redemption_id, "captured", wallet.id, points, points, 0, None, None, None, plan.version,
        one.store, None, at, None, at, str(posting.actor),
    )  # fmt: skip


def _due(purchase: Purchase) -> int:
    """Return what is to be paid by the member: what coupons of manufacturers pay is not."""
    if not purchase.tenders:
        return sum(line.amount_minor for line in purchase.lines)
    return sum(tender.amount_minor for tender in purchase.tenders if tender.kind == OTHER_TENDER)


def _dressed(baskets: Iterable[PostedPurchase], brought: Brought) -> Iterator[PostedPurchase]:
    for one in baskets:
        paid, codes = brought.paid.get(one.purchase_id), brought.vouchers.get(one.purchase_id, ())
        if paid is not None:
            one = replace(one, purchase=replace(one.purchase, tenders=_tenders(one.purchase, paid)))
        yield replace(one, vouchers=codes) if codes else one


def _tenders(purchase: Purchase, paid: Paid) -> tuple[Tender, ...]:
    """Put the points before what paid the rest, of which nobody knows how."""
    others = tuple(tender for tender in purchase.tenders if tender.kind != OTHER_TENDER)
    points = Tender("points", paid.worth_minor, paid.redemption_id)
    rest = Tender(OTHER_TENDER, _due(purchase) - paid.worth_minor)
    return (*others, points, rest) if rest.amount_minor else (*others, points)
