"""Issues vouchers: within their reward's stock and each member's limit, each with a code that nobody has.

Source: PROGRAMME.md, rewards; docs/decisions/0025-what-counts-against-stock-and-limits.md.
"""

from datetime import date
from typing import NamedTuple

import sqlalchemy as sa

from loyalty_engine.services import codes
from loyalty_engine.services.posting import Overtaken, Posting, Source
from loyalty_engine.services.programmes import plan_of
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Values
from rules.errors import Conflict, Refusal
from rules.periods import Per, business_day, period_start
from rules.plan import Plan
from rules.programme import Programme, Reward
from rules.rewards import limit_refusal, valid_through


class Issued(NamedTuple):
    """A new voucher."""

    voucher_id: str
    code: str
    reward: str
    valid_through: date | None


def issue(
    posting: Posting,
    state: MemberState,
    plan: Plan,
    reward: Reward,
    source: Source,
    span_end: date | None = None,
    reason: str | None = None,
) -> Issued:
    """Issue one voucher, written with the rest of the posting; a member gets one for each source.

    `span_end` is the last day of the occasion that brings it. Raises `Conflict` (`reward_out_of_stock`).
    """
    take_stock(posting, reward)
    issued_at = posting.booked_at(state, source.occurred_at)
    through = valid_through(reward, business_day(issued_at, plan.programme.time_zone), span_end)
    new = Issued(new_id(), _new_code(posting), reward.id, through)
    posting.appended.vouchers.append(
        dict.fromkeys(("held_until", "posting_id", "lines", "worth_minor", "redeemed_at", "ended_at"))
        | {
            "member_id": state.member_id,
            "voucher_id": new.voucher_id,
            "code": new.code,
            "reward": reward.id,
            "status": "issued",
            "source_kind": source.kind,
            "source_id": source.id,
            "version": plan.version,
            "issued_at": issued_at,
            "valid_through": through,
            "reason": reason,
        }
    )
    return new


def _new_code(posting: Posting) -> str:
    """Return a code that is free. Who draws it at the same moment finds the key taken, and does all of it again."""
    while store.place_of(posting.connection, code := codes.new_voucher_code()) is not None:
        pass
    return code


def take_stock(posting: Posting, reward: Reward) -> None:
    """Take one of a reward's stock; raises `Conflict` (`reward_out_of_stock`) where none is left."""
    if reward.stock is None:
        return
    only_when_writing(posting)
    if not store.take_stock(posting.connection, reward.id, reward.stock):
        raise _out_of_stock(reward)


def check_stock(connection: sa.Connection, reward: Reward) -> None:
    """Raise `Conflict` (`reward_out_of_stock`) where none of a reward's stock is left; take none of it."""
    if reward.stock is not None and store.stock_taken(connection, reward.id) >= reward.stock:
        raise _out_of_stock(reward)


def _out_of_stock(reward: Reward) -> Conflict:
    return Conflict("reward_out_of_stock", f"All {reward.stock} of {reward.id} are gone; choose another reward.")


def only_when_writing(posting: Posting) -> None:
    """Raise `Overtaken` where nothing may be written: what is taken from many is taken in the transaction itself."""
    if posting.only_looks:
        raise Overtaken


class Limit(NamedTuple):
    """How often a member may have a reward in each period; `id` is under what name the uses are counted."""

    id: str
    reward: str
    per: Per
    times: int

    def refusal(self, connection: sa.Connection, member_id: str, today: date) -> Refusal | None:
        """Return why the member can have no more today; None for more."""
        used = store.uses(connection, member_id, self.id, period_start(self.per, today))
        return limit_refusal(self.reward, self.per, self.times, used, today)

    def use(self, connection: sa.Connection, member_id: str, today: date) -> None:
        """Count one use; the member is locked."""
        store.use(connection, member_id, self.id, period_start(self.per, today))


def own_limit(reward: Reward) -> Limit | None:
    """Return the limit on how often a member may buy a reward; None where there is none."""
    if reward.per_member is None:
        return None
    per, times = reward.per_member.per, reward.per_member.times
    return Limit(f"reward/{reward.id}/{per}", reward.id, per, times)


BOUGHT = ("redemption", "automatic")
"""The sources of vouchers that a reward's own limit counts."""


def counted(source_kind: str, source_id: str, reward: Reward) -> tuple[str, Per] | None:
    """Return under which limit a voucher was counted, and for which periods; None for none."""
    if source_kind == "benefit":
        level, reward_id, per, _ = source_id.split("/")
        return f"benefit/{level}/{reward_id}/{per}", per  # type: ignore[return-value]
    limit = own_limit(reward) if source_kind in BOUGHT else None
    return (limit.id, limit.per) if limit else None


def reward_in(programme: Programme, reward_id: str) -> Reward | None:
    """Return a programme's reward by its id."""
    return next((one for one in programme.rewards if one.id == reward_id), None)


def reward_of(connection: sa.Connection, row: Values) -> Reward:
    """Return a voucher's reward as it was when the voucher was issued."""
    reward = reward_in(plan_of(connection, row["version"]).programme, row["reward"])
    assert reward is not None, "a voucher names the version that has its reward"
    return reward
