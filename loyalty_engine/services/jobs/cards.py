"""The nightly job on full cards: automatic rewards for points that became available without anybody asking for them."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from loyalty_engine.services import automatic_rewards
from loyalty_engine.services.jobs.kinds import NIGHT, Counts, Due, Night, by_member
from loyalty_engine.services.posting import Posting
from loyalty_engine.store import survivors
from loyalty_engine.store.nights import full_cards

AT_ONCE: Final = 200
"""Members in a transaction: each is worked out by itself, while tills wait for the reward's stock."""


def _due(night: Night) -> Due | None:
    rewards = night.plan.automatic
    return full_cards.due(rewards) if rewards else None


def _fill(connection: sa.Connection, ids: Sequence[str], night: Night) -> Counts:
    """All are locked before the first voucher takes stock, as at a till: two never wait for each other."""
    posting = Posting(connection, NIGHT, night.at)
    states = [posting.member(one) for one in sorted(set(survivors.among_them(connection, ids).values()))]
    issued = [automatic_rewards.fill(posting, state, night.plan, night.at) for state in states]
    posting.write()
    return {"members": len(ids), "vouchers": sum(map(len, issued))}


CARDS: Final = by_member("rewards", _due, _fill, AT_ONCE)
