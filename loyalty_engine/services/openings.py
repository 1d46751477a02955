"""Opens what members had elsewhere: each lot once, with its end, however often its file comes in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Literal

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import audit_log, ledger, races
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.identification import identify_many
from loyalty_engine.services.imports.records import NewBalance
from loyalty_engine.services.imports.sinks import Then, and_then, nothing
from loyalty_engine.services.posting import Posting, Source
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import member_batches, members, openings, survivors
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.openings import OPENING, Key, Opened
from rules.lapsing import lapsed_through
from rules.lots import LotState, NewLot
from rules.periods import business_day
from rules.plan import Plan
from rules.programme import InactivityExpiry


@dataclass(frozen=True, slots=True)
class OpeningResult:
    """What became of one lot: `replayed` says that it was here already, `refused` that nothing was stored."""

    status: Literal["posted", "replayed", "refused"]
    points: Mapping[str, int] = field(default_factory=dict)
    code: str | None = None
    detail: str | None = None
    wrong: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By field, what is wrong there."""


def open_many(actor: Actor, balances: Sequence[NewBalance], then: Then = nothing) -> list[OpeningResult]:
    """Open many lots in one transaction, each with its own result, in order."""
    return races.run(and_then(partial(open_many_in, actor=actor, balances=balances), then))


def open_many_in(connection: sa.Connection, actor: Actor, balances: Sequence[NewBalance]) -> list[OpeningResult]:
    """The same, in the caller's transaction."""
    posting = Posting(connection, actor, clock.now())
    plan = plan_for(connection, clock.now())
    whose = _members(connection, balances)
    locked = member_batches.lock(connection, {one for one, _ in whose if one is not None})
    posting.states |= {one: state for one, state in locked.items() if state.merged_into is None}
    states = [posting.member(one) if one is not None else None for one, _ in whose]
    known = _known(connection, posting, balances)
    results = []
    for balance, (_, reason), state in zip(balances, whose, states, strict=True):
        results.append(_open(posting, plan, balance, state, known) if state else _nobody(reason))
    posting.write()
    opened = sum(one.status == "posted" for one in results)
    if opened:
        audit_log.record(connection, actor, "member.open_balances", f"{opened} lots")
    return results


def _members(connection: sa.Connection, balances: Sequence[NewBalance]) -> list[tuple[str | None, str | None]]:
    """Return for each lot whose it is, or why nobody's."""
    found = identify_many(connection, {one.member for one in balances if one.member is not None})
    by_name = members.known_external_ids(connection, {one.external_id for one in balances if one.external_id})
    return [
        (found[one.member].member_id, found[one.member].reason)
        if one.member is not None
        else (by_name.get(one.external_id or ""), "unknown_member")
        for one in balances
    ]


def _known(connection: sa.Connection, posting: Posting, balances: Sequence[NewBalance]) -> dict[Key, Opened]:
    """Return the lots that are here already, also with members who were merged into these since."""
    leads_to = survivors.families(connection, posting.states)
    ids = {*posting.states, *leads_to}
    there = openings.known(connection, ids, {one.source for one in balances})
    return {(leads_to.get(member, member), source, wallet): one for (member, source, wallet), one in there.items()}


def _nobody(reason: str | None) -> OpeningResult:
    return OpeningResult("refused", code=reason, detail="there is no such member here, or the card works no longer")


def _open(
    posting: Posting, plan: Plan, balance: NewBalance, state: MemberState, known: dict[Key, Opened]
) -> OpeningResult:
    today = business_day(clock.now(), plan.programme.time_zone)
    wrong = _wrong(plan, balance, state, today)
    if wrong is not None:
        return OpeningResult("refused", code=wrong[0], detail=wrong[1])
    key = (state.member_id, balance.source, balance.wallet)
    asked = Opened(balance.points, balance.opened_on, balance.expires_on)
    before = known.setdefault(key, asked)
    if before is not asked:
        if before == asked:
            return OpeningResult("replayed")
        detail = f"this lot is here already with {before.points} points of {before.opened_on} to {before.expires_on}"
        return OpeningResult("refused", code="balance_differs", detail=detail)
    account = state.account(balance.wallet)
    account.active_on = max(account.active_on, balance.active_on or today)
    available_on = balance.available_on or balance.opened_on
    waits = available_on > today
    lot_state: LotState = "pending" if waits else "available"
    paid = 0 if waits else min(balance.points, account.debt)
    lot = NewLot(balance.points, paid, lot_state, available_on, balance.expires_on)
    source = Source(OPENING, balance.source, clock.now())
    ledger.open_lots(posting, state, plan, balance.wallet, (lot,), source, balance.opened_on, OPENING)
    return OpeningResult("posted", {balance.wallet: balance.points})


def _wrong(plan: Plan, balance: NewBalance, state: MemberState, today: date) -> tuple[str, str] | None:
    """Return why a lot can't be opened: a code, and what would be right."""
    if state.status == "erased":
        return "unknown_member", "the member has left"
    known = [wallet.id for wallet in plan.programme.wallets]
    if balance.wallet not in known:
        return "wallet_not_found", f"wallet must be one of {', '.join(known)}"
    if balance.opened_on > today:
        return "balance_invalid", "opened_on must not be in the future"
    first = max(today, balance.available_on or today)
    if balance.expires_on is not None and balance.expires_on < first:
        return "balance_invalid", f"expires_on must be {first} or later: who can still use it?"
    detail = _inactive(plan, balance, today)
    return ("balance_invalid", detail) if detail is not None else None


def _inactive(plan: Plan, balance: NewBalance, today: date) -> str | None:
    """Return what is wrong with the last activity; a wallet that lapses by inactivity must not lapse at once."""
    active_on, expiry = balance.active_on, plan.programme.wallet(balance.wallet).expiry
    if active_on is None:
        return None
    if not balance.opened_on <= active_on <= today:
        return f"active_on must be from opened_on ({balance.opened_on}) to today ({today})"
    if isinstance(expiry, InactivityExpiry) and balance.expires_on is None:
        too_long_ago = lapsed_through(today, expiry.after)
        if active_on <= too_long_ago:
            return f"active_on must be after {too_long_ago}: with that day the points have lapsed already"
    return None
