"""Points that staff give or take by hand, with a reason: never below what is available, and debt is paid first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import partial

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, automatic_rewards, ledger, reasons
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.answers import Answer
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.members import checked_id, no_member
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import balances
from loyalty_engine.services.purchase_documents import encode_json
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import in_transaction
from loyalty_engine.store.tables import MAX_POINTS_AN_ENTRY
from rules import lots
from rules.errors import NotFound
from rules.lots import NewLot
from rules.periods import business_day
from rules.plan import Plan

KIND = "adjustment"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """So many points more, or with a minus less, in a wallet; those given are good through `expires_on`.

    Without a day they are good as long as what is earned today, on the member's level.
    """

    wallet: str
    points: int
    reason: str
    expires_on: date | None = None


def adjust(actor: Actor, member_id: str, asked: Adjustment) -> Answer:
    """Adjust points in a transaction of its own. See `adjust_in`."""
    return in_transaction(partial(adjust_in, actor=actor, member_id=member_id, asked=asked))


def adjust_in(connection: sa.Connection, actor: Actor, member_id: str, asked: Adjustment) -> Answer:
    """Give or take points by hand, and answer with what the member has then.

    Raises `Invalid` for what can't be right, `NotFound` for a member or a wallet that isn't there, and `Conflict`
    where less is available than is to be taken.
    """
    actor.check_everywhere()
    reason = reasons.why(asked.reason)
    now = clock.now()
    plan = plan_for(connection, now)
    today = business_day(now, plan.programme.time_zone)
    _check(asked, today)
    posting = Posting(connection, actor, now)
    state = posting.member(checked_id(member_id))
    if state.status == "erased":
        raise no_member()
    source = Source(KIND, new_id(), now)
    if asked.points > 0:
        _give(posting, state, plan, asked, source, today, reason)
        automatic_rewards.fill(posting, state, plan, now)
    else:
        _check_wallet(plan, asked.wallet, also=state.accounts)
        ledger.spend(posting, state, plan, asked.wallet, -asked.points, source, KIND, reason)
    posting.write()
    told = {"wallet": asked.wallet, "points": asked.points, "reason": reason, "adjustment": source.id}
    audit_log.record(connection, actor, "member.adjust", state.member_id, told)
    return Answer(201, _body(plan, state, asked, source))


def _check(asked: Adjustment, today: date) -> None:
    wrong = Wrong()
    if asked.points == 0 or abs(asked.points) > MAX_POINTS_AN_ENTRY:
        wrong.note("points", f"must be from -{MAX_POINTS_AN_ENTRY} to {MAX_POINTS_AN_ENTRY}, and not 0")
    if asked.expires_on is not None and asked.points < 0:
        wrong.note("expires_on", "is for points that are given; those that are taken go soonest end first")
    elif asked.expires_on is not None and asked.expires_on < today:
        wrong.note("expires_on", "is over already; leave it out, or name a day to come")
    wrong.refuse_any("adjustment_invalid", "The adjustment")


def _check_wallet(plan: Plan, wallet: str, also: Collection[str] = ()) -> None:
    known = [one.id for one in plan.programme.wallets]
    if wallet not in known and wallet not in also:
        said = {"wallet": [f"must be one of {', '.join(known)}"]}
        raise NotFound("wallet_not_found", f"The programme has no wallet {wallet}.", said)


def _give(
    posting: Posting, state: MemberState, plan: Plan, asked: Adjustment, source: Source, today: date, reason: str
) -> None:
    _check_wallet(plan, asked.wallet)
    wallet = plan.programme.wallet(asked.wallet)
    account = state.account(wallet.id)
    if account.active_on == date.min:
        account.active_on = today
    end = asked.expires_on or lots.expires_on(wallet.expiry, today, state.level)
    lot = NewLot(asked.points, min(asked.points, account.debt), "available", today, end)
    ledger.open_lots(posting, state, plan, wallet.id, (lot,), source, today, KIND, reason)


def _body(plan: Plan, state: MemberState, asked: Adjustment, source: Source) -> bytes:
    told = {"adjustment_id": source.id, "member_id": state.member_id, "wallet": asked.wallet, "points": asked.points}
    return encode_json(told | {"balances": balances(plan.programme, state.accounts)}).encode()
