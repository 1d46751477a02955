"""Merges two members who are one person: the one goes, and all that it has is the other one's, to the point.

Source: ARCHITECTURE.md, What is stored: paired transfer entries keep the lots' dates; purchases stay where they are,
and the old id points on. docs/decisions/0036-a-merge-moves-the-account.md says what moves and what stays.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, held_redemptions, message_stopping, reasons, standing, tokens, webhooks
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.members import checked_id, no_member
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.purchase_documents import encode_json
from loyalty_engine.services.transfers import transfer
from loyalty_engine.store import member_state, members, merges, survivors
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.survivors import MERGE, MERGE_GRACE, MERGE_MANUAL
from rules.errors import Conflict, Invalid
from rules.plan import Plan
from rules.programme import Tiers
from rules.reviews import By
from rules.tiers import rank

_NAMED: Final = 5
"""How many of the holds in the way are named."""


def merge(actor: Actor, member_id: str, into: str, reason: str) -> Answer:
    """Merge one member into another in a transaction of its own. See `merge_in`."""
    return in_transaction(partial(merge_in, actor=actor, member_id=member_id, into=into, reason=reason))


def merge_in(connection: sa.Connection, actor: Actor, member_id: str, into: str, reason: str) -> Answer:
    """Merge `member_id` into `into`, and answer with what moved and what the other one has now.

    Raises `Invalid` for a member and itself, `NotFound`, and `Conflict` for one that was merged already, that isn't
    active, or whose points are held.
    """
    actor.check_everywhere()
    reason = reasons.why(reason)
    old_id, into_id = _chosen(connection, member_id, into)
    merges.lead_on(connection, old_id, into_id)
    old, kept = _locked(connection, old_id, into_id)
    states = {old_id: old, into_id: kept}
    held_redemptions.free_all_that_is_over(Posting(connection, actor, clock.now(), states=states), old)
    _check_holds(connection, old)
    posting = Posting(connection, actor, clock.now(), states=states)
    plan = plan_for(connection, clock.now())
    wallets = sorted(old.accounts) or [plan.programme.wallets[0].id]
    moved = {wallet: transfer(posting, plan, old, kept, wallet, reason) for wallet in wallets}
    _take_sums(connection, old, kept)
    _take_level(posting, plan, old, kept, reason)
    posting.write()
    _take_rest(connection, plan, old_id, into_id)
    members.change_member(connection, old_id, {"status": "merged", "merged_into": into_id})
    members.change_member(connection, into_id, {"joined_on": kept.joined_on})
    webhooks.emit_members(
        connection,
        {old_id: {"change": "merged", "into": into_id}, into_id: {"change": "merged_with", "member_id": old_id}},
    )
    told: dict[str, Any] = {"into": into_id, "reason": reason, "points": moved}
    audit_log.record(connection, actor, "member.merge", old_id, told)
    return Answer(201, _body(plan, old_id, kept, moved))


def _chosen(connection: sa.Connection, member_id: str, into: str) -> tuple[str, str]:
    old_id, named = checked_id(member_id), checked_id(into)
    if old_id == named:
        said = {"into": ["name the other member"]}
        raise Invalid("merge_into_itself", "A member can't be merged into itself.", said)
    into_id = survivors.find(connection, named)
    if into_id is None:
        raise no_member()
    if into_id == old_id:
        raise Conflict("already_merged", f"{named} was merged into this member already.", {"into": ["is this member"]})
    return old_id, into_id


def _locked(connection: sa.Connection, old_id: str, into_id: str) -> tuple[MemberState, MemberState]:
    """Lock both, in the order of their ids, and see whether they are still what they were."""
    states = {one: member_state.lock(connection, one) for one in sorted((old_id, into_id))}
    for state in states.values():
        if state.status == "erased":
            raise no_member()
        if state.merged_into is not None:
            raise Conflict("already_merged", f"{state.member_id} was merged into {state.merged_into} already.")
        if state.status != "active":
            raise Conflict("member_not_active", f"{state.member_id} is {state.status}; resume the member first.")
    return states[old_id], states[into_id]


def _check_holds(connection: sa.Connection, old: MemberState) -> None:
    found = merges.holds(connection, old.member_id, clock.now())
    if not found and not any(account.held for account in old.accounts.values()):
        return
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    named = ", ".join(found[:_NAMED]) + more or "points are held"
    raise Conflict("member_has_holds", f"Capture or release these first, or wait for their end: {named}.")


def _take_sums(connection: sa.Connection, old: MemberState, kept: MemberState) -> None:
    """What purchases add up to goes with the account: the tier, first-purchase bonuses and caps look at it there."""
    for metric, day, amount in merges.qualifying(connection, old.member_id):
        kept.qualify(metric, day, amount)
    kept.purchases_count += old.purchases_count
    days = [one.last_purchase_on for one in (old, kept) if one.last_purchase_on is not None]
    kept.last_purchase_on = max(days, default=None)
    booked = [one.last_booked_at for one in (old, kept) if one.last_booked_at is not None]
    kept.last_booked_at = max(booked, default=None)
    kept.joined_on = min(old.joined_on, kept.joined_on)
    old.purchases_count, old.last_purchase_on = 0, None


def _take_level(posting: Posting, plan: Plan, old: MemberState, kept: MemberState, reason: str) -> None:
    """Give the higher level of the two, with its review; then the one that both together reach."""
    tiers = plan.programme.tiers
    if tiers is None:
        return
    if old.level is not None and _is_better(tiers, old, kept):
        _bring_level(posting, plan, old, kept, reason)
    standing.upgrade_tier(posting, kept, plan, Source(MERGE, old.member_id, clock.now()))


def _bring_level(posting: Posting, plan: Plan, old: MemberState, kept: MemberState, reason: str) -> None:
    """Put the one that stays on the other's level as it is: given by hand, in its grace, or earned."""
    by: By = "manual" if old.level_by == "manual" else "metric"
    kind = MERGE_MANUAL if by == "manual" else MERGE_GRACE if old.level_grace_until is not None else MERGE
    source = Source(kind, old.member_id, clock.now())
    booked_at = posting.booked_at(kept, source.occurred_at)
    since = booked_at if old.level != kept.level or kept.level_since_at is None else kept.level_since_at
    since = max(since, kept.level_since_at or since)
    review = old.level_review_on
    standing.set_level(posting, kept, plan, old.level, since, booked_at, review, None, source, by, reason)
    kept.level_grace_until = old.level_grace_until


def _is_better(tiers: Tiers, theirs: MemberState, mine: MemberState) -> bool:
    """Tell whether the other level is higher, or the same and safe for longer; levels of another ladder stay put."""
    if mine.level is None:
        return True
    other, own = rank(tiers, theirs.level), rank(tiers, mine.level)
    if min(other, own) < 0 or other != own:
        return other > own >= 0
    if mine.level_review_on is None or theirs.level_review_on is None:
        return mine.level_review_on is not None
    return theirs.level_review_on > mine.level_review_on


def _take_rest(connection: sa.Connection, plan: Plan, old_id: str, into_id: str) -> None:
    merges.move_sums(connection, old_id, into_id)
    merges.copy_marks(connection, old_id, into_id)
    # A tier change's number means nothing beside the other member's.
    numbered = {one.id for one in plan.programme.occasions if one.on == "tier_upgrade"}
    merges.copy_occasions(connection, old_id, into_id, numbered)
    webhooks.emit_reissued(connection, merges.reissue_vouchers(connection, old_id, into_id, clock.now()))
    merges.move_redemptions(connection, old_id, into_id)
    merges.move_person(connection, old_id, into_id)
    message_stopping.move(connection, old_id, into_id)
    tokens.revoke_members(connection, old_id)


def _body(plan: Plan, old_id: str, kept: MemberState, moved: Mapping[str, int]) -> bytes:
    points = [{"wallet": wallet, "points": points} for wallet, points in moved.items()]
    told = {"member_id": kept.member_id, "merged": old_id, "level": kept.level, "points": points}
    return encode_json(told | {"balances": balances(plan.programme, kept.accounts)}).encode()
