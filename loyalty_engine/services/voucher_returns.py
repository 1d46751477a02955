"""Gives a voucher back when every line that it touched has come back: PROGRAMME.md, Returns.

A voucher stays its member's wherever its purchase moves. Of a member that was merged it is the other one's, under its
code: docs/decisions/0078-what-paid-a-purchase-follows-merges.md.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services import voucher_states, webhooks
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.purchase_documents import stored_vouchers
from loyalty_engine.services.purchase_vouchers import lines_of, normal_codes, place_in, purchase_of
from loyalty_engine.store import merges
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Place, Values
from rules.periods import business_day
from rules.plan import Plan
from rules.rewards import back_through

_UNUSED: Final = dict.fromkeys(("posting_id", "lines", "worth_minor", "redeemed_at", "held_until", "ended_at"))
_RETURNED: Final = "returned"


def holders(connection: sa.Connection, facts: str) -> Iterator[str]:
    """Yield whose the vouchers are that a stored purchase was posted with."""
    return (place.member_id for place in _places(connection, facts))


def _places(connection: sa.Connection, facts: str) -> Iterator[Place]:
    for code in normal_codes(stored_vouchers(facts)):
        place = store.place_of(connection, code) if code else None
        if place is not None:
            yield place


def give_back(
    posting: Posting, plan: Plan, stored: Values, left: Mapping[str, int], source: Source
) -> list[dict[str, Any]]:
    """Issue the vouchers of a purchase again whose lines have all come back, and return what the till is told of them.

    `left` are the units of each line after the return. A voucher that was given back is the purchase's no longer, so it
    comes back once. It is good until its old end, or 30 days when that is later.
    """
    told = []
    for place in _places(posting.connection, stored["facts"]):
        state = posting.member(place.member_id)
        row = store.find(posting.connection, place, locked=True)
        if state.status == "erased" or row is None or not _is_bound(row, stored["purchase_key"]):
            continue
        if any(left.get(line, 0) for line in lines_of(row)):
            continue
        today = business_day(posting.booked_at(state, source.occurred_at), plan.programme.time_zone)
        through = back_through(row["valid_through"], today)
        _issue_again(posting, state, row, through)
        told.append({"code": row["code"], "reward": row["reward"], "valid_through": through})
    return told


def _is_bound(row: Values, key: str) -> bool:
    return row["status"] == "redeemed" and row["posting_id"] is not None and purchase_of(row) == key


def _issue_again(posting: Posting, state: MemberState, row: Values, through: date | None) -> None:
    connection, values = posting.connection, _UNUSED | {"status": "issued", "valid_through": through}
    if state.member_id == row["member_id"]:
        changed = voucher_states.change(connection, place_in(row), ("redeemed",), values, _RETURNED)
        assert changed, "its member is locked"
        return
    given = merges.hand_over(connection, row | values, state.member_id, posting.now or row["redeemed_at"])
    webhooks.emit_reissued(connection, [(row, given)])
