"""Tells members of every redemption, in its own transaction: who did not make it sees that somebody did.

History that is imported is not told. Source: RELIABILITY.md, Doors.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.messages import Wanted, plan_messages
from loyalty_engine.services.posting import Posting
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.redemptions import Redemption
from rules.messages import REDEEMED, REWARD_REDEEMED, VOUCHER_USED
from rules.plan import Plan
from rules.programme import Cost

CAUSE: Final = "redemption"


def tell(posting: Posting, state: MemberState, redemptions: Iterable[Redemption], plan: Plan | None = None) -> None:
    """Tell of points that were spent; what is only held is told when it is captured. `plan` is that of now, if at hand."""
    _plan(posting, plan, [_of(state, one) for one in redemptions if one.status == "captured"])


def _of(state: MemberState, one: Redemption) -> Wanted:
    assert one.wallet is not None, "points are spent from a wallet"
    cost = Cost(one.captured, one.wallet)
    if one.reward is not None:
        return _of_reward(state, one.redemption_id, one.reward, cost)
    places = _points(state, cost)
    return Wanted(state.member_id, REDEEMED.id, CAUSE, one.redemption_id, places, at_once=True)


def tell_of_reward(
    posting: Posting, state: MemberState, plan: Plan, redemption_id: str, reward: str, cost: Cost
) -> None:
    """Tell of points that bought a reward."""
    _plan(posting, plan, [_of_reward(state, redemption_id, reward, cost)])


def _of_reward(state: MemberState, redemption_id: str, reward: str, cost: Cost) -> Wanted:
    places = {**_points(state, cost), "reward": reward}
    return Wanted(state.member_id, REWARD_REDEEMED.id, CAUSE, redemption_id, places, at_once=True)


def _points(state: MemberState, cost: Cost) -> dict[str, str | int]:
    return {"points": cost.points, "wallet": cost.wallet, "balance": state.account(cost.wallet).available}


def _plan(posting: Posting, plan: Plan | None, wanted: Sequence[Wanted]) -> None:
    if wanted and posting.now is not None:
        plan = plan or plan_for(posting.connection, posting.now)
        plan_messages(posting.connection, plan, wanted, posting.now)


def tell_of_vouchers(connection: sa.Connection, used: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Tell of vouchers (their rows) that were used, each its own member."""
    wanted = [
        Wanted(row["member_id"], VOUCHER_USED.id, CAUSE, row["voucher_id"], {"reward": row["reward"]}, at_once=True)
        for row in used
    ]
    plan_messages(connection, plan_for(connection, now), wanted, now)
