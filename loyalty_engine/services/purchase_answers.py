"""What a till is told about a purchase: points, balances, tier and why, as the bytes that a replay repeats."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from loyalty_engine.services.booking import PurchaseBooked
from loyalty_engine.services.ledger import Booked
from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.restoring import Restored
from loyalty_engine.services.standing import TierAnswer
from loyalty_engine.services.voucher_issuing import Issued
from loyalty_engine.store.member_state import Account, MemberState
from rules.explain import because
from rules.facts import Purchase
from rules.money import format_amount
from rules.periods import plus
from rules.plan import Plan
from rules.programme import InactivityExpiry, Programme
from rules.tiers import NET_SPEND, Next, metric_name, next_level
from rules.trace import Step, trace

_encode = msgspec.json.Encoder().encode

LANGUAGE = "en"
"""Of the reasons in a trace; the explanation of a purchase comes in the asked language."""


def posted_answer(
    purchase_id: str,
    plan: Plan,
    purchase: Purchase,
    state: MemberState,
    done: PurchaseBooked,
    redeemed: Sequence[Mapping[str, Any]] = (),
    not_taken: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """Answer a purchase that was posted.

    `redeemed` are the vouchers that it used, and `not_taken` the tenders in points that no points paid, where there are any.
    """
    used = {"vouchers_redeemed": redeemed} if redeemed else {}
    used |= {"points_not_taken": not_taken} if not_taken else {}
    return _encode(
        {
            "purchase_id": purchase_id,
            "member_id": state.member_id,
            "status": "posted",
            "points": [{"wallet": one.wallet, "points": one.points, "pending": one.pending} for one in done.booked],
            "balances": balances(plan.programme, state.accounts),
            "tier": tier_words(plan.programme, done.tier),
            "vouchers_issued": [voucher_words(one) for one in done.vouchers],
            "trace": trace_words(plan, trace(plan, purchase, done.accrual)),
            "programme_version": plan.version,
        }
        | used
    )


def voucher_words(issued: Issued) -> dict[str, Any]:
    """Return what is said of a new voucher."""
    return {"code": issued.code, "reward": issued.reward, "valid_through": issued.valid_through}


def posted_answer_after(
    answer: str, programme: Programme, accounts: Mapping[str, Account], following: Next | None
) -> bytes:
    """Return the answer to a posted purchase with the balances, and the way to the next level, after its returns."""
    said = decode_json(answer)
    said["balances"] = balances(programme, accounts)
    level, missing = (following.level, following.missing) if following else (None, 0)
    said["tier"]["next"] = next_words(programme, level, missing)
    return _encode(said)


def parked_answer(purchase_id: str, status: str, reason: str | None, detail: str, claim_code: str | None) -> bytes:
    """Answer a purchase that has no member, or that can't be posted before somebody repairs it."""
    answer = {"purchase_id": purchase_id, "status": status, "detail": detail}
    if claim_code is not None:
        answer["claim_code"] = claim_code
    return _encode(answer | {"reason": reason} if reason else answer)


def returned_answer(
    purchase_id: str,
    return_reference: str,
    programme: Programme,
    booked: Sequence[Booked],
    left: Mapping[str, int],
    accounts: Mapping[str, Account],
    restored: Sequence[Restored] = (),
    vouchers: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """Answer a return: what it took back and gave back, what was forgiven, and what is left of the purchase."""
    return _encode(
        {
            "purchase_id": purchase_id,
            "return_reference": return_reference,
            "status": "returned",
            "points": [{"wallet": one.wallet, "points": one.points, "forgiven": one.forgiven} for one in booked],
            "restored": [{"wallet": one.wallet, "points": one.points} for one in restored],
            "left": [{"line_id": line, "quantity": units} for line, units in left.items()],
            "balances": balances(programme, accounts),
            "vouchers_returned": vouchers,
        }
    )


def waiting_answer(purchase_id: str, return_reference: str, detail: str) -> bytes:
    """Answer a return whose purchase has not come, or has no member yet."""
    return _encode(
        {"purchase_id": purchase_id, "return_reference": return_reference, "status": "waiting", "detail": detail}
    )


def balances(programme: Programme, accounts: Mapping[str, Account]) -> list[dict[str, Any]]:
    """Return the figures of each wallet of the programme, and of older ones that still hold something."""
    wallets = {wallet.id: wallet.expiry for wallet in programme.wallets}
    older = {wallet: None for wallet, account in accounts.items() if wallet not in wallets}
    return [
        {
            "wallet": wallet,
            "available": account.available,
            "pending": account.pending,
            "held": account.held,
            "debt": account.debt,
            "next_expiry": _next_expiry(account, expiry),
        }
        for wallet, expiry in (wallets | older).items()
        for account in [accounts.get(wallet, _EMPTY)]
    ]


_EMPTY = Account()


def _next_expiry(account: Account, expiry: object) -> dict[str, Any] | None:
    if isinstance(expiry, InactivityExpiry) and account.available:
        idle_on = plus(account.active_on, expiry.after)
        if account.next_expires_on is None or idle_on <= account.next_expires_on:
            return {"points": account.available, "on": idle_on}
    if account.next_expires_on is None:
        return None
    return {"points": account.next_expires_points, "on": account.next_expires_on}


def tier_words(programme: Programme, tier: TierAnswer) -> dict[str, Any]:
    """Return the level, and what is missing for the next one."""
    following = None
    if programme.tiers is not None and tier.metric is not None:
        following = next_level(programme.tiers, tier.level, tier.metric)
    level, missing = (following.level, following.missing) if following else (None, 0)
    return {"level": tier.level, "upgraded": tier.upgraded, "next": next_words(programme, level, missing)}


def next_words(programme: Programme, level: str | None, missing: int) -> dict[str, Any] | None:
    """Return how much of what is missing for a level; None where there is no level to reach."""
    if level is None or programme.tiers is None:
        return None
    return {"level": level, "missing": metric_words(programme, missing), "of": metric_name(programme.tiers)}


def metric_words(programme: Programme, amount: int) -> int | str:
    """Return an amount of the tier metric as the API says it: money as text in major units, all else as a number."""
    is_money = programme.tiers is not None and programme.tiers.metric == NET_SPEND
    return format_amount(amount, programme.money) if is_money else amount


def trace_words(plan: Plan, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the steps of a trace with exact points as text (`35/4`) and, for what failed, the reason in words."""
    return [_step_words(plan, step) for step in steps]


def _step_words(plan: Plan, step: Step) -> dict[str, Any]:
    words: dict[str, Any] = {"rule": step.id if step.kind == "rule" else f"{step.kind} {step.id}"}
    if step.wallet is not None:
        words["wallet"] = step.wallet
    words["points"] = str(step.points)
    if step.lines:
        words["lines"] = step.lines
    if step.failed is not None:
        words["because"] = because(plan, step, LANGUAGE)
    return words
