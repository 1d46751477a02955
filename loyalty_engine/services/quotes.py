"""What a purchase that has not happened would earn, and why; nothing is stored."""

from collections.abc import Mapping
from typing import Any

from loyalty_engine import clock
from loyalty_engine.services import booking, catalogue, quoted_rewards
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.booking import CannotBook
from loyalty_engine.services.identification import identify
from loyalty_engine.services.incoming import check_currency
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
from rules.accrual import accrue
from rules.errors import Conflict, NotFound
from rules.facts import MemberFacts, Purchase
from rules.money import format_amount
from rules.periods import business_day
from rules.programme import Programme
from rules.trace import trace


def quote(actor: Actor, posted: PostedPurchase) -> dict[str, Any]:
    """Return the points that posting this now would give, by wallet, with the trace; without a member, a new one's."""
    with reading() as connection:
        site = own_site(connection, actor, posted.store, posted.terminal)
        known = catalogue.known_of(connection, posted.purchase.lines)
        purchase = filled(connection, placed(posted, site).purchase, site, known)
        plan = plan_for(connection, purchase.occurred_at)
        check_currency(plan, purchase)
        who = identify(connection, posted.member)
        if who.reason is not None:
            raise NotFound(who.reason, DETAILS[who.reason])
        if who.member_id is None:
            joined_on = business_day(purchase.occurred_at, plan.programme.time_zone)
            accrual = accrue(plan, purchase, MemberFacts(joined_on), {})
            accounts, spendable, rewards = {}, [], quoted_rewards.NONE
        else:
            posting = Posting(connection, actor, clock.now(), only_looks=True)
            state = member_state.read(connection, who.member_id)
            judged = booking.judge(posting, state, plan, purchase)
            if isinstance(judged, CannotBook):
                raise Conflict(judged.reason, DETAILS[judged.reason])
            accrual, accounts = judged, state.accounts
            spendable = spendable_words(plan_for(connection, clock.now()).programme, accounts, purchase)
            key = purchase_key(site.store, posted.purchase_id)
            rewards = quoted_rewards.quoted(connection, state, plan, purchase, key, posted.vouchers)
    return {
        "member_id": who.member_id,
        "points": [{"wallet": wallet, "points": points} for wallet, points in accrual.points.items()],
        "balances": balances(plan.programme, accounts) if who.member_id else [],
        "spendable": spendable,
        "rewards": rewards,
        "trace": trace_words(plan, trace(plan, purchase, accrual)),
        "programme_version": plan.version,
    }


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
