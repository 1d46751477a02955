"""Redeems rewards: a member pays points for one, has it from the level, or is given it by staff; it is a voucher.

Source: API.md, Tills; PROGRAMME.md, rewards, and Tiers (a benefit with a reward is counted at the till).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import (
    audit_log,
    held_rewards,
    ledger,
    phone_changes,
    redemption_messages,
    redemption_proofs,
)
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.identification import identify
from loyalty_engine.services.intake import MemberReference, RedemptionRequest
from loyalty_engine.services.one_time_codes import Right
from loyalty_engine.services.parking import DETAILS
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.redemption_proofs import Shown
from loyalty_engine.services.sites import own_site
from loyalty_engine.services.voucher_issuing import Issued, Limit, issue, own_limit, reward_in
from loyalty_engine.services.vouchers import shown
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Place
from rules.errors import Conflict, Invalid, NotFound
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Cost, Reward
from rules.rewards import benefit_of, level_refusal
from rules.spending import Proved

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Way:
    """How a member comes by a reward: what it costs, under which limit it is counted, and what the voucher says of it."""

    kind: str
    cost: Cost | None = None
    limit: Limit | None = None
    source_prefix: str = ""


def redeem(connection: sa.Connection, actor: Actor, request: RedemptionRequest, right: Right | None = None) -> Answer:
    """Redeem one reward: 201 with the voucher; staff who write a `reason` give it for nothing.

    Without `capture` what it costs is held: see `held_rewards`.

    Raises `NotFound`, `Conflict` with what would work, and `proof_needed` as points do.
    """
    assert request.reward is not None, "a redemption for a reward"
    at_store = None if actor.role in ("staff", "admin") else own_site(connection, actor, request.store).store
    now = clock.now()
    plan = plan_for(connection, now)
    reward = reward_in(plan.programme, request.reward)
    if reward is None:
        raise NotFound("reward_unknown", f"The programme has no reward {request.reward}.")
    posting = Posting(connection, actor, now)
    state = posting.member(_member(connection, actor, request.member))
    if state.status != "active":
        raise Conflict(f"{state.status}_member", DETAILS[f"{state.status}_member"])
    phone_changes.check(connection, actor, state.member_id, now)
    today = business_day(posting.booked_at(state, now), plan.programme.time_zone)
    way = _way(connection, actor, state, plan, reward, request, today)
    redemption_id = new_id()
    proof = _proof(connection, plan, request, way, state.member_id, right)
    if not request.capture:
        return held_rewards.hold(
            posting, state, plan, reward, _held_cost(way, reward), request.hold_for, at_store, proof
        )
    if way.limit is not None:
        way.limit.use(connection, state.member_id, today)
    source = Source(way.kind, way.source_prefix + redemption_id, now)
    issued = issue(posting, state, plan, reward, source, reason=request.reason if way.kind == "gift" else None)
    if way.cost is not None:
        ledger.spend(posting, state, plan, way.cost.wallet, way.cost.points, source)
    posting.write()
    store.insert_redemption(
        connection, _row(actor, state, plan, reward.id, way.cost, redemption_id, posting, at_store, proof)
    )
    if way.cost is not None:
        redemption_messages.tell_of_reward(posting, state, plan, redemption_id, reward.id, way.cost)
    if way.kind == "gift":
        audit_log.record(connection, actor, "voucher.gift", issued.voucher_id, {"reason": request.reason})
    return Answer(201, _encode(_told(connection, state, plan, issued, way, redemption_id)))


def _member(connection: sa.Connection, actor: Actor, reference: MemberReference) -> str:
    who = identify(connection, reference)
    if who.member_id is None:
        assert who.reason is not None, "a member was named"
        raise NotFound(who.reason, DETAILS[who.reason])
    if actor.role == "member" and who.member_id != actor.member_id:
        raise NotFound("member_not_found", "There is no such member.")
    return who.member_id


def _way(
    connection: sa.Connection,
    actor: Actor,
    state: MemberState,
    plan: Plan,
    reward: Reward,
    request: RedemptionRequest,
    today: date,
) -> _Way:
    """Decide how the member comes by the reward: what costs nothing first. Raises `Conflict`."""
    if request.reason and actor.role in ("staff", "admin"):
        return _Way("gift")
    given = _benefit(state, plan, reward)
    used_up = given.refusal(connection, state.member_id, today) if given else None
    if given is not None and used_up is None:
        return _Way("benefit", limit=given, source_prefix=given.id.removeprefix("benefit/") + "/")
    if reward.cost is None:
        raise used_up or _not_for_sale(plan, reward)
    own = own_limit(reward)
    refusal = level_refusal(reward, state.level) or (
        own.refusal(connection, state.member_id, today) if own is not None else None
    )
    if refusal is not None:
        raise refusal
    return _Way("redemption", reward.cost, own)


def _held_cost(way: _Way, reward: Reward) -> Cost:
    if way.cost is None:
        said = {"capture": ["leave it out: the voucher is what is held"]}
        raise Invalid(
            "reward_not_held", f"{reward.id} costs this member nothing, so that there is nothing to hold.", said
        )
    return way.cost


def _not_for_sale(plan: Plan, reward: Reward) -> Conflict:
    detail = f"{reward.id} is a gift: of a level, of an occasion, or of staff with a reason."
    sold = [one.id for one in plan.programme.rewards if one.cost is not None]
    remedy = f"choose one that is for sale: {', '.join(sold)}" if sold else "no reward is for sale"
    return Conflict("reward_not_for_sale", detail, {"reward": [remedy], "reason": ["staff give it with a reason"]})


def _proof(
    connection: sa.Connection, plan: Plan, request: RedemptionRequest, way: _Way, member_id: str, right: Right | None
) -> Proved | None:
    """Return what proves that the member wants its points used for a reward that costs some."""
    if way.cost is None:
        return None
    wallet = plan.programme.wallet(way.cost.wallet)
    shown = Shown(request.code, request.member.token is not None)
    return redemption_proofs.proved(connection, wallet, way.cost.points, shown, member_id, right)


def _benefit(state: MemberState, plan: Plan, reward: Reward) -> Limit | None:
    """Return how often the member's level gives the reward."""
    benefit = benefit_of(plan.programme.level(state.level), reward.id)
    if benefit is None:
        return None
    return Limit(f"benefit/{state.level}/{reward.id}/{benefit.per}", reward.id, benefit.per, benefit.times)


def _row(
    actor: Actor,
    state: MemberState,
    plan: Plan,
    reward: str,
    cost: Cost | None,
    redemption_id: str,
    posting: Posting,
    at_store: str | None,
    proof: Proved | None,
) -> dict[str, Any]:
    points = cost.points if cost else 0
    return dict.fromkeys(("posting_id", "held_seq", "expires_at")) | {
        "member_id": state.member_id,
        "redemption_id": redemption_id,
        "status": "captured",
        "wallet": cost.wallet if cost else None,
        "points": points,
        "captured": points,
        "restored": 0,
        "reward": reward,
        "version": plan.version,
        "store_id": at_store,
        "proof": proof,
        "asked_at": posting.now,
        "ended_at": posting.now,
        "actor": str(actor),
    }


def _told(
    connection: sa.Connection, state: MemberState, plan: Plan, issued: Issued, way: _Way, redemption_id: str
) -> dict[str, Any]:
    row = store.find(connection, Place(state.member_id, issued.voucher_id))
    assert row is not None, "it was written just now"
    return {
        "redemption_id": redemption_id,
        "member_id": state.member_id,
        "status": "captured",
        "reward": issued.reward,
        "by": way.kind,
        "wallet": way.cost.wallet if way.cost else None,
        "points": way.cost.points if way.cost else 0,
        "voucher": shown(connection, row),
        "balances": balances(plan.programme, state.accounts),
    }
