"""What a purchase that has not happened would earn, and why; nothing is stored."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from loyalty_engine import clock
from loyalty_engine.services import booking, catalogue, purchase_vouchers, quoted_rewards, tenders
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.identification import identify
from loyalty_engine.services.incoming import check_currency, trouble_with
from loyalty_engine.services.intake import PostedPurchase
from loyalty_engine.services.parking import DETAILS
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances, trace_words
from loyalty_engine.services.sites import filled, own_site, placed
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import Account
from loyalty_engine.store.purchase_keys import purchase_key
from loyalty_engine.store.session import reading
from rules import spending
from rules.accrual import Accrual, accrue
from rules.errors import Conflict, NotFound
from rules.facts import MemberFacts, Purchase
from rules.money import format_amount
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Programme
from rules.trace import trace


class _Judged(NamedTuple):
    """What a basket would earn, what could be used on it, and why posting it would leave it waiting, if it would."""

    accrual: Accrual
    accounts: Mapping[str, Account] = {}
    spendable: Sequence[Mapping[str, Any]] = ()
    rewards: Mapping[str, Any] = quoted_rewards.NONE
    trouble: str | None = None


def quote(actor: Actor, posted: PostedPurchase) -> dict[str, Any]:
    """Return the points that posting this now would give, by wallet, with the trace; without a member, a new one's.

    `status` is what posting it now would be answered with. Raises `NotFound` where nobody is known by what the till
    names, and `Conflict` where the member's state keeps anything from being booked.
    """
    with reading() as connection:
        site = own_site(connection, actor, posted.store, posted.terminal)
        known = catalogue.known_of(connection, posted.purchase.lines)
        purchase = filled(connection, placed(posted, site).purchase, site, known)
        plan = plan_for(connection, purchase.occurred_at)
        check_currency(plan, purchase)
        who = identify(connection, posted.member)
        if who.reason is not None:
            raise NotFound(who.reason, _would_wait(who.reason))
        if who.member_id is None:
            judged = _for_nobody(plan, purchase)
        else:
            posting = Posting(connection, actor, clock.now(), only_looks=True)
            key = purchase_key(site.store, posted.purchase_id)
            judged = _for_member(posting, who.member_id, plan, purchase, key, posted.vouchers)
    trouble = trouble_with(plan, purchase) or judged.trouble
    return _status(who.member_id, trouble) | {
        "member_id": who.member_id,
        "points": [{"wallet": wallet, "points": points} for wallet, points in judged.accrual.points.items()],
        "balances": balances(plan.programme, judged.accounts) if who.member_id else [],
        "spendable": judged.spendable,
        "rewards": judged.rewards,
        "trace": trace_words(plan, trace(plan, purchase, judged.accrual)),
        "programme_version": plan.version,
    }


def _for_nobody(plan: Plan, purchase: Purchase) -> _Judged:
    joined_on = business_day(purchase.occurred_at, plan.programme.time_zone)
    accrual = accrue(plan, purchase, MemberFacts(joined_on), {})
    return _Judged(accrual, trouble=tenders.trouble_for_nobody(plan, purchase))


def _for_member(
    posting: Posting, member_id: str, plan: Plan, purchase: Purchase, key: str, vouchers: Sequence[str]
) -> _Judged:
    connection = posting.connection
    state = member_state.read(connection, member_id)
    accrual = booking.judge(posting, state, plan, purchase)
    if isinstance(accrual, CannotBook):
        raise Conflict(accrual.reason, _would_wait(accrual.reason))
    spendable = spendable_words(plan_for(connection, clock.now()).programme, state.accounts, purchase)
    rewards = quoted_rewards.quoted(connection, state, plan, purchase, key, vouchers)
    trouble = None
    if tenders.payments(posting, state, plan, purchase, strict=True) is None:
        trouble = tenders.UNMATCHED
    elif any(one["because"] == purchase_vouchers.UNUSABLE for one in rewards["unusable"]):
        trouble = purchase_vouchers.UNUSABLE
    return _Judged(accrual, state.accounts, spendable, rewards, trouble)


def _status(member_id: str | None, trouble: str | None) -> dict[str, Any]:
    if trouble is not None:
        return {"status": "unresolved", "reason": trouble, "detail": _would_wait(trouble)}
    return {"status": "posted" if member_id else "unclaimed"}


def _would_wait(reason: str) -> str:
    return f"A purchase posted like this would wait and earn nothing yet. {DETAILS[reason]}"


def spendable_words(programme: Programme, accounts: Mapping[str, Account], purchase: Purchase) -> list[dict[str, Any]]:
    """Return, for each wallet whose points are used as money, the most that could be used on a purchase."""
    due = max(0, sum(line.amount_minor for line in purchase.lines) - purchase.order_discount_minor)
    found = []
    for wallet in programme.wallets:
        terms = spending.spending_of(wallet)
        if terms is None:
            continue
        account = accounts.get(wallet.id)
        points = spending.most(wallet, account.available if account else 0, due)
        found.append(
            {
                "wallet": wallet.id,
                "points": points,
                "worth": format_amount(spending.worth_minor(wallet, points), programme.money),
                "minimum": spending.least(wallet),
                "multiple": spending.step(wallet),
                "proof_above": terms.proof.above if terms.proof else None,
                "proof_by": sorted(terms.proof.by) if terms.proof else [],
            }
        )
    return found
