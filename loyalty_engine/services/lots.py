"""What staff see of a member's lots, and the one thing they may do with them: give back what has lapsed."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, automatic_rewards, checking, ledger
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import GONE, no_member
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.store import accounts, member_lots, survivors
from loyalty_engine.store.member_lots import StoredLot
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import reading
from rules.errors import Conflict, Invalid, NotFound
from rules.lots import NewLot
from rules.periods import business_day
from rules.plan import Plan

GOOD_FOR_DAYS: Final = 30
LONGEST_DAYS: Final = 3_650
KIND: Final = "reinstatement"

_encode = msgspec.json.Encoder().encode


def expired(member_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return a page of the lots that have expired of a member, and of those merged into it, the newest first."""
    with reading() as connection:
        member_id, _ = accounts.of_member(connection, member_id)
        family = survivors.family(connection, member_id)
        rows = member_lots.expired(connection, family, _before(cursor), limit + 1)
    following = rows[limit - 1].lot_id if len(rows) > limit else None
    return {"member_id": member_id, "lots": [_shown(lot) for lot in rows[:limit]], "next": following}


def _before(cursor: str | None) -> str | None:
    try:
        return None if cursor is None else str(UUID(cursor))
    except ValueError:
        raise Invalid(
            "cursor_invalid", "The cursor is not one that was given.", {"cursor": ["send `next` as it came"]}
        ) from None


def _shown(lot: StoredLot) -> dict[str, Any]:
    same = ("lot_id", "wallet", "granted", "opened_on", "available_on", "expires_on", "level")
    source = {"kind": lot.source_kind, "id": lot.source_id}
    return {name: getattr(lot, name) for name in same} | {"source": source}


def reinstate_in(
    connection: sa.Connection, actor: Actor, member_id: str, lot_id: str, reason: str, days: int | None = None
) -> Answer:
    """Open a new lot with what of an expired one has lapsed, good for so many days; a debt is paid first.

    Raises `NotFound` for a lot that this member hasn't, and `Conflict` for one that has not expired or was given back
    before: once a lot.
    """
    actor.check_everywhere()
    why = _checked(reason, days)
    now = clock.now()
    posting, plan = Posting(connection, actor, now), plan_for(connection, now)
    state = posting.member(member_id)
    if state.status in GONE:
        raise no_member()
    member_id = state.member_id
    lot, points = _lapsed(connection, member_id, lot_id)
    today = business_day(now, plan.programme.time_zone)
    ends = today + timedelta(days=days or GOOD_FOR_DAYS)
    paid = min(points, state.account(lot.wallet).debt)
    source = Source(KIND, lot_id, now)
    new = NewLot(points, paid, "available", today, ends, lot.level)
    ledger.open_lots(posting, state, plan, lot.wallet, (new,), source, today, KIND, why)
    automatic_rewards.fill(posting, state, plan, now)
    posting.write()
    told = {"lot_id": lot_id, "wallet": lot.wallet, "points": points, "expires_on": ends, "reason": why}
    audit_log.record(connection, actor, "lot.reinstate", member_id, told)
    return Answer(201, _answer(plan, state, lot, new, posting.appended.lots[-1]["lot_id"]))


def _lapsed(connection: sa.Connection, member_id: str, lot_id: str) -> tuple[StoredLot, int]:
    """Return a lot of the member, or of one that was merged into it, with what of it has lapsed and was not given back."""
    family = survivors.family(connection, member_id)
    found = ((one, member_lots.find(connection, one, lot_id)) for one in family)
    whose, lot = next(((one, lot) for one, lot in found if lot is not None), (member_id, None))
    if lot is None:
        raise NotFound("lot_not_found", "This member has no such lot.")
    if any(member_lots.has_entry(connection, one, KIND, lot_id) for one in family):
        raise Conflict("lot_reinstated", "What lapsed of this lot was given back before; that is done once.")
    points = member_lots.lapsed(connection, whose, lot_id) if lot.state == "expired" else 0
    if not points:
        raise Conflict("lot_not_expired", "Nothing of this lot has lapsed for good, so that nothing can be given back.")
    return lot, points


def _checked(reason: str, days: int | None) -> str:
    wrong = Wrong()
    why = checking.reason(wrong, "reason", reason)
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        wrong.note("days", f"write 1 to {LONGEST_DAYS}")
    wrong.refuse_any("reinstatement_invalid", "The reinstatement")
    return why


def _answer(plan: Plan, state: MemberState, lot: StoredLot, new: NewLot, new_id: str) -> bytes:
    return _encode(
        {
            "member_id": state.member_id,
            "lot_id": new_id,
            "reinstates": lot.lot_id,
            "wallet": lot.wallet,
            "points": new.granted,
            "paid_debt": new.paid_debt,
            "expires_on": new.expires_on,
            "balances": balances(plan.programme, state.accounts),
        }
    )
