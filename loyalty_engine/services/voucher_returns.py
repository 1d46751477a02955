"""Gives a voucher back when every line that it touched has come back: PROGRAMME.md, Returns."""

from collections.abc import Mapping
from typing import Any

from loyalty_engine.services import voucher_states
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.purchase_vouchers import lines_of, place_in
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from rules.periods import business_day
from rules.plan import Plan
from rules.rewards import back_through


def give_back(
    posting: Posting, state: MemberState, plan: Plan, posting_id: str, left: Mapping[str, int], source: Source
) -> list[dict[str, Any]]:
    """Issue the vouchers of a purchase again whose lines have all come back, and return what the till is told of them.

    `left` are the units of each line after the return. A voucher that was given back is the purchase's no longer, so it
    comes back once. It is good until its old end, or 30 days when that is later.
    """
    today = business_day(posting.booked_at(state, source.occurred_at), plan.programme.time_zone)
    told = []
    for row in store.used_on(posting.connection, state.member_id, posting_id):
        if any(left.get(line, 0) for line in lines_of(row)):
            continue
        through = back_through(row["valid_through"], today)
        nothing = dict.fromkeys(("posting_id", "lines", "worth_minor", "redeemed_at", "held_until", "ended_at"))
        values = nothing | {"status": "issued", "valid_through": through}
        changed = voucher_states.change(posting.connection, place_in(row), ("redeemed",), values, "returned")
        assert changed, "its member is locked"
        told.append({"code": row["code"], "reward": row["reward"], "valid_through": through})
    return told
