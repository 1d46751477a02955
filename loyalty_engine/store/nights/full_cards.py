"""Finds the members whose points reach what an automatic reward costs, for the night that sees to them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.tables import accounts, members, reward_stock
from rules.programme import Reward


def due(rewards: Sequence[Reward]) -> sa.CompoundSelect[Any]:
    """Return the members who can pay one of the rewards, once for each: active, on its level, while there is stock."""
    return sa.union_all(*map(_can_pay, rewards))


def _can_pay(reward: Reward) -> sa.Select[Any]:
    cost = reward.cost
    assert cost is not None, "an automatic reward has a cost"
    query = sa.select(accounts.c.member_id).where(
        accounts.c.wallet == cost.wallet,
        accounts.c.available >= cost.points,
        members.c.member_id == accounts.c.member_id,
        members.c.status == "active",
    )
    if reward.levels:
        query = query.where(members.c.level.in_(sorted(reward.levels)))
    if reward.stock is not None:
        gone = sa.exists().where(reward_stock.c.reward_id == reward.id, reward_stock.c.issued >= reward.stock)
        query = query.where(~gone)
    return query
