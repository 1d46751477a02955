"""Staff cancel a voucher that was not used: what it cost comes back, and it no longer counts."""

import msgspec
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, ledger, voucher_states
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for, plan_of
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.purchase_vouchers import place_in
from loyalty_engine.services.voucher_issuing import BOUGHT, counted, reward_of
from loyalty_engine.services.vouchers import located, shown, state_of, unknown
from loyalty_engine.store import vouchers as store
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.vouchers import Values
from rules import lots
from rules.errors import Conflict
from rules.periods import business_day, period_start
from rules.plan import Plan
from rules.programme import Cost

_encode = msgspec.json.Encoder().encode


def cancel_in(connection: sa.Connection, actor: Actor, code: str, reason: str) -> Answer:
    """Cancel a voucher that is issued or held; raises `Conflict` for one that is used, expired or cancelled."""
    place = place_in(located(connection, code))
    now = clock.now()
    posting = Posting(connection, actor, now)
    state = posting.member(place.member_id)
    row = store.find(connection, place, locked=True)
    if row is None or state.status in ("erased", "merged"):
        raise unknown()
    values = {"status": "cancelled", "held_until": None, "lines": None, "ended_at": now, "reason": reason}
    plan = plan_for(connection, now)
    status = state_of(row, now, business_day(now, plan.programme.time_zone))
    if status not in ("issued", "held"):
        raise Conflict("voucher_ended", f"The voucher is {status}; only one that is not used can be cancelled.")
    changed = voucher_states.change(connection, place, ("issued", "held"), values)
    assert changed, "the voucher is locked"
    first = store.first_issued(connection, row)
    points = _restore(posting, state, plan, first, Source("cancellation", place.voucher_id, now), reason)
    posting.write()
    uncount(connection, state.member_id, first)
    audit_log.record(connection, actor, "voucher.cancel", place.voucher_id, {"reason": reason, "points": points})
    told = shown(connection, row | values) | {"points_restored": points}
    return Answer(200, _encode(told | {"balances": balances(plan.programme, state.accounts)}))


def _restore(posting: Posting, state: MemberState, plan: Plan, first: Values, source: Source, reason: str) -> int:
    """Book back what the voucher cost, each part with its old end, or 30 days when that is later; return how much."""
    spent = store.spent_on(posting.connection, first["member_id"], first["source_kind"], first["source_id"])
    points = sum(one.points for one in spent)
    if first["source_kind"] not in BOUGHT or not points:
        return 0
    wallet = _cost(posting.connection, first).wallet
    today = business_day(posting.booked_at(state, source.occurred_at), plan.programme.time_zone)
    new = lots.in_new_lots(lots.restore(spent, 0, points, today), today, state.account(wallet).debt)
    ledger.open_lots(posting, state, plan, wallet, new, source, today, "restoration", reason)
    if first["source_kind"] == "redemption":
        store.restore_redemption(posting.connection, first["member_id"], first["source_id"])
    return points


def _cost(connection: sa.Connection, row: Values) -> Cost:
    cost = reward_of(connection, row).cost
    assert cost is not None, "points were spent on it"
    return cost


def uncount(connection: sa.Connection, member_id: str, first: Values) -> None:
    """Give back what a voucher, as it was first issued, took of its reward's stock, and of the limit of whoever has it."""
    reward = reward_of(connection, first)
    under = counted(first["source_kind"], first["source_id"], reward)
    if under is not None:
        limit, per = under
        zone = plan_of(connection, first["version"]).programme.time_zone
        store.give_use_back(connection, member_id, limit, period_start(per, business_day(first["issued_at"], zone)))
    if reward.stock is not None:
        store.give_stock_back(connection, reward.id)
