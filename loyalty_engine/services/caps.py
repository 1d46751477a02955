"""The caps of a programme while purchases are booked: what room is left, under the lock that makes it true."""

from collections.abc import Collection
from datetime import date

from loyalty_engine.services.posting import Overtaken, Posting
from loyalty_engine.store import member_state, postings
from loyalty_engine.store.member_state import MemberState
from rules.periods import period_start
from rules.plan import Plan
from rules.programme import Cap

UseKey = tuple[str, date]
"""Under which a cap's use is kept: its id with the kind of its period (`beans-a-day/day`), and the period's first day."""


def use_key(cap: Cap, day: date) -> UseKey:
    """Return where the use of `cap` on `day` is kept; a day's use isn't the month's that begins with that day."""
    return f"{cap.id}/{cap.per}", period_start(cap.per, day)


def cap_room(
    posting: Posting, state: MemberState, plan: Plan, day: date, locked: Collection[str] = ()
) -> dict[str, int]:
    """Return the room that the caps have left on `day`: the member's own, and those over everyone that are `locked`.

    A cap over everyone that a purchase has not asked for counts as empty, also where an earlier one of its batch has:
    what a purchase is judged by doesn't depend on its neighbours.
    """
    member_state.load_cap_uses(posting.connection, state, own_starts(plan, day))
    asked = [cap for cap in plan.period_caps if cap.over == "member" or cap.id in locked]
    room = {cap.id: cap.points for cap in plan.period_caps}
    return room | {cap.id: cap.points - _uses(posting, state, cap).get(use_key(cap, day), 0) for cap in asked}


def own_starts(plan: Plan, day: date) -> set[date]:
    """Return when those periods began on `day` in which members have caps of their own."""
    return {period_start(cap.per, day) for cap in plan.period_caps if cap.over == "member"}


def _uses(posting: Posting, state: MemberState, cap: Cap) -> dict[UseKey, int]:
    return posting.budgets if cap.over == "everyone" else state.cap_used


def lock_budgets(posting: Posting, plan: Plan, day: date, cap_ids: Collection[str]) -> set[str]:
    """Lock the caps over everyone among `cap_ids`, in the order of their ids, and return these."""
    caps = [cap for cap in plan.period_caps if cap.over == "everyone" and cap.id in cap_ids]
    for key in sorted([use_key(cap, day) for cap in caps]):
        if key not in posting.budgets:
            used = postings.budget if posting.only_looks else postings.lock_budget
            posting.budgets[key] = posting.budgets_before[key] = used(posting.connection, *key)
    return {cap.id for cap in caps}


def check_budgets(posting: Posting) -> None:
    """Lock the caps over everyone that were only looked at; raises `Overtaken` where one has changed since."""
    for key, before in sorted(posting.budgets_before.items()):
        if postings.lock_budget(posting.connection, *key) != before:
            raise Overtaken


def use_caps(posting: Posting, state: MemberState, plan: Plan, day: date, change: dict[str, int]) -> None:
    """Add to the caps' uses what a purchase took of them, or with negative figures what a return gives back."""
    for cap in plan.period_caps:
        if used := change.get(cap.id, 0):
            uses, key = _uses(posting, state, cap), use_key(cap, day)
            uses[key] = max(0, uses.get(key, 0) + used)
