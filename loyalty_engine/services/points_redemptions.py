"""Uses a member's points as money, at once or held until the till captures or releases them."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import held_redemptions, ledger, phone_changes, redemption_messages, redemption_proofs
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.identification import identify
from loyalty_engine.services.intake import RedemptionRequest
from loyalty_engine.services.members import not_identified
from loyalty_engine.services.one_time_codes import Right
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.redemption_answers import redemption_answer
from loyalty_engine.services.redemption_proofs import Shown
from loyalty_engine.services.sites import own_site
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules import spending
from rules.errors import Conflict, Invalid, NotFound
from rules.money import parse_amount
from rules.plan import Plan
from rules.programme import Programme, Wallet
from rules.spending import Proved

_NOT_ACTIVE: Final = {
    "suspended": "The member is suspended; staff resume the member first.",
    "erased": "The member has left.",
    "merged": "The member was merged into another; name that one.",
}


def redeem(connection: sa.Connection, actor: Actor, request: RedemptionRequest, right: Right | None) -> Answer:
    """Spend or hold points: 201. Raises what `spending.check` does, `proof_needed`, and `Conflict` for too few points."""
    assert request.points is not None and request.wallet is not None, "a redemption of points"
    site = own_site(connection, actor, request.store)
    now = clock.now()
    plan = plan_for(connection, now)
    wallet = _wallet(plan.programme, request.wallet)
    spending.check(wallet, request.points, plan.programme.money, _due(plan.programme, request))
    member_id = _member(connection, request)
    shown = Shown(request.code, request.member.token is not None)
    proof = redemption_proofs.proved(connection, wallet, request.points, shown, member_id, right)
    posting = Posting(connection, actor, now)
    state = posting.member(member_id)
    check_active(state)
    phone_changes.check(connection, actor, state.member_id, now)
    held_redemptions.free_what_is_over(posting, state, wallet.id, request.points)
    redemption = _book(posting, state, plan, wallet, request, site.store, proof, now)
    posting.write()
    store.insert(connection, redemption)
    redemption_messages.tell(posting, state, [redemption], plan)
    return Answer(201, redemption_answer(connection, redemption, state.accounts))


def check_active(state: MemberState) -> None:
    """Raise `Conflict` for a member whose points can't be used."""
    if state.status != "active":
        raise Conflict(f"{state.status}_member", _NOT_ACTIVE[state.status])


def _wallet(programme: Programme, wallet_id: str) -> Wallet:
    known = {wallet.id: wallet for wallet in programme.wallets}
    usable = [name for name, wallet in known.items() if spending.spending_of(wallet)]
    said = {"wallet": [f"name one of {', '.join(usable)}" if usable else "no wallet's points are used as money here"]}
    if wallet_id not in known:
        raise NotFound("wallet_not_found", f"There is no wallet {wallet_id}.", said)
    if wallet_id not in usable:
        raise Conflict("wallet_buys_rewards_only", f"Points of the wallet {wallet_id} only buy rewards.", said)
    return known[wallet_id]


def _due(programme: Programme, request: RedemptionRequest) -> int | None:
    if request.purchase_total is None:
        return None
    try:
        return parse_amount(request.purchase_total, programme.money)
    except ValueError as error:
        detail = "The purchase's total can't be read."
        raise Invalid("invalid_fields", detail, {"purchase_total": [f"{error}"]}) from None


def _member(connection: sa.Connection, request: RedemptionRequest) -> str:
    who = identify(connection, request.member)
    if who.member_id is None:
        raise not_identified(who.reason or "unknown_member", request.member)
    return who.member_id


def _book(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    wallet: Wallet,
    request: RedemptionRequest,
    store_id: str,
    proof: Proved | None,
    now: datetime,
) -> Redemption:
    assert request.points is not None
    redemption_id = new_id()
    held_seq, expires_at = None, None
    if request.capture:
        ledger.spend(posting, state, plan, wallet.id, request.points, Source("redemption", redemption_id, now))
    else:
        held_seq = ledger.hold(posting, state, plan, wallet.id, request.points, Source("hold", redemption_id, now))
        expires_at = now + request.hold_for
    return Redemption(
        member_id=state.member_id,
        redemption_id=redemption_id,
        status="captured" if request.capture else "held",
        wallet=wallet.id,
        points=request.points,
        captured=request.points if request.capture else 0,
        restored=0,
        reward=None,
        posting_id=None,
        held_seq=held_seq,
        version=plan.version,
        store_id=store_id,
        proof=proof,
        asked_at=now,
        expires_at=expires_at,
        ended_at=now if request.capture else None,
        actor=str(posting.actor),
    )
