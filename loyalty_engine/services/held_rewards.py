"""Holds the points of a reward while its sale is being made, and issues the voucher when the till captures them.

Source: API.md, Tills; docs/decisions/0081-a-held-reward-is-its-points.md.
"""

from datetime import timedelta

from loyalty_engine import clock
from loyalty_engine.services import held_redemptions, ledger
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.redemption_answers import redemption_answer
from loyalty_engine.services.voucher_issuing import check_stock, issue, own_limit, reward_in
from loyalty_engine.store import redemptions as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules.errors import Invalid
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Cost, Reward
from rules.spending import Proved


def hold(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    reward: Reward,
    cost: Cost,
    length: timedelta,
    store_id: str | None,
    proof: Proved | None,
) -> Answer:
    """Hold what a reward costs for so long: 201. Raises `Conflict` for too few points, or where none of it is left."""
    check_stock(posting.connection, reward)
    now, redemption_id = posting.now or clock.now(), new_id()
    held_redemptions.free_what_is_over(posting, state, cost.wallet, cost.points)
    seq = ledger.hold(posting, state, plan, cost.wallet, cost.points, Source("hold", redemption_id, now))
    posting.write()
    held = Redemption(
        member_id=state.member_id,
        redemption_id=redemption_id,
        status="held",
        wallet=cost.wallet,
        points=cost.points,
        captured=0,
        restored=0,
        reward=reward.id,
        posting_id=None,
        held_seq=seq,
        version=plan.version,
        store_id=store_id,
        proof=proof,
        asked_at=now,
        expires_at=now + length,
        ended_at=None,
        actor=str(posting.actor),
    )
    store.insert(posting.connection, held)
    return Answer(201, redemption_answer(posting.connection, held, state.accounts))


def capture(posting: Posting, state: MemberState, held: Redemption, points: int | None) -> Redemption:
    """Spend what is held for a reward, and issue its voucher; a repetition changes nothing.

    Stock and limit are those of now: a hold keeps points, nothing else. Raises what `hold` and `check_open` do, and
    `Invalid` for another number of points.
    """
    if points not in (None, held.points):
        said = {"points": [f"leave it out: a reward takes all {held.points}"]}
        raise Invalid("reward_not_divided", f"{held.reward} costs {held.points} points, no more and no fewer.", said)
    if held.status == "captured":
        return held
    held_redemptions.check_open(held)
    plan, now = plan_of(posting.connection, held.version), posting.now or clock.now()
    reward = reward_in(plan.programme, held.reward or "")
    assert reward is not None, "the version that it was held under has it"
    today, limit = business_day(posting.booked_at(state, now), plan.programme.time_zone), own_limit(reward)
    if limit is not None:
        refusal = limit.refusal(posting.connection, state.member_id, today)
        if refusal is not None:
            raise refusal
        limit.use(posting.connection, state.member_id, today)
    issue(posting, state, plan, reward, Source("redemption", held.redemption_id, now))
    return held_redemptions.take(posting, state, held, held.points)
