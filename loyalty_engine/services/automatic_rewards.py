"""Issues the rewards that need nobody to ask for them: the tenth cup, once the card is full.

Called in the transaction that fills the card, by whatever gives points; what else made points available, the night sees
to. Source: docs/decisions/0083-a-full-card-is-seen-to-by-whoever-fills-it-and-at-night.md.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from loyalty_engine.services import ledger
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.voucher_issuing import Issued, issue, only_when_writing, own_limit
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import Reward
from rules.rewards import level_refusal

MOST_AT_ONCE: Final = 50
"""So many vouchers of one reward come in one transaction; the rest come with the next one, in the next night at last."""


def fill(posting: Posting, state: MemberState, plan: Plan, occurred_at: datetime) -> tuple[Issued, ...]:
    """Spend what automatic rewards cost, as often as it is there, and return the vouchers issued for it.

    Where the programme has none, it asks nothing; who is not active keeps the points.
    """
    if state.status != "active":
        return ()
    return tuple(one for reward in plan.automatic for one in _issued(posting, state, plan, reward, occurred_at))


def _issued(
    posting: Posting, state: MemberState, plan: Plan, reward: Reward, occurred_at: datetime
) -> Iterator[Issued]:
    cost = reward.cost
    assert cost is not None, "an automatic reward has a cost"
    for _ in range(MOST_AT_ONCE):
        account = state.accounts.get(cost.wallet)
        if (
            account is None
            or account.available < cost.points
            or not _has_room(posting, state, plan, reward, occurred_at)
        ):
            return
        # An entry's number is the member's own and never comes again: so is the voucher's source.
        source = Source("automatic", f"{reward.id}/{state.last_seq + 1}", occurred_at)
        ledger.spend(posting, state, plan, cost.wallet, cost.points, source)
        limit = own_limit(reward)
        if limit is not None:
            limit.use(posting.connection, state.member_id, _today(posting, state, plan, occurred_at))
        yield issue(posting, state, plan, reward, source)


def _has_room(posting: Posting, state: MemberState, plan: Plan, reward: Reward, occurred_at: datetime) -> bool:
    """Tell whether level, limit and stock allow one more; the points stay where they don't."""
    limit = own_limit(reward)
    if level_refusal(reward, state.level) is not None:
        return False
    if limit is not None:
        only_when_writing(posting)
        today = _today(posting, state, plan, occurred_at)
        if limit.refusal(posting.connection, state.member_id, today) is not None:
            return False
    if reward.stock is not None:
        only_when_writing(posting)
        return store.lock_stock(posting.connection, reward.id) < reward.stock
    return True


def _today(posting: Posting, state: MemberState, plan: Plan, occurred_at: datetime) -> date:
    return business_day(posting.booked_at(state, occurred_at), plan.programme.time_zone)
