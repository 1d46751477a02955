"""Finds, locks and loads the members of a batch of purchases together: what each of them would be asked for later."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

from loyalty_engine.services import caps, standing
from loyalty_engine.services.identification import Identified, identify_many
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.posting import Overtaken, Posting
from loyalty_engine.store import member_batches, survivors
from loyalty_engine.store.member_state import MemberState
from rules.facts import Purchase
from rules.periods import business_day
from rules.plan import Plan

_WORTH_IT: Final = 10
"""For fewer members than this a statement for each is as quick."""


class Coming(NamedTuple):
    """A purchase of the batch, the plan that judges it, and how its member was named."""

    purchase: Purchase
    plan: Plan
    member: MemberReference


def load(posting: Posting, batch: Sequence[Coming]) -> Mapping[MemberReference, Identified]:
    """Return who the references of a batch mean; those members are then locked, with what judging them takes."""
    found = identify_many(posting.connection, {one.member for one in batch})
    states = member_batches.lock(posting.connection, _named(found))
    if any(state.merged_into is not None for state in states.values()):
        # They were merged between finding and locking them.
        found = {one: _lead_on(posting, who) for one, who in found.items()}
        states |= member_batches.lock(posting.connection, _named(found) - states.keys())
    posting.states |= states
    if any(one.plan.asks_for_profile for one in batch):
        member_batches.load_profiles(posting.connection, states)
    _load_sums(posting, states, found, batch)
    return found


def _named(found: Mapping[MemberReference, Identified]) -> set[str]:
    return {who.member_id for who in found.values() if who.member_id is not None}


def _lead_on(posting: Posting, who: Identified) -> Identified:
    return who if who.member_id is None else Identified(survivors.of(posting.connection, who.member_id), who.reason)


def check(posting: Posting) -> None:
    """Raise `Overtaken` where a member of the batch has changed since it was loaded."""
    if not member_batches.are_as_loaded(posting.connection, posting.states):
        raise Overtaken


def _load_sums(
    posting: Posting,
    states: Mapping[str, MemberState],
    found: Mapping[MemberReference, Identified],
    batch: Sequence[Coming],
) -> None:
    """Load cap uses, and the sums that tiers are judged by; a window may begin on a day of the member's own."""
    cap_starts: set[date] = set()
    windows: defaultdict[tuple[str, date], dict[str, MemberState]] = defaultdict(dict)
    for one in batch:
        state = states.get(found[one.member].member_id or "") if one.member in found else None
        if state is not None:
            day = business_day(one.purchase.occurred_at, one.plan.programme.time_zone)
            cap_starts |= caps.own_starts(one.plan, day)
            window = None if state.is_new else standing.window(one.plan.programme.tiers, state, day)
            if window is not None:
                windows[window][state.member_id] = state
    if cap_starts:
        member_batches.load_cap_uses(posting.connection, states, cap_starts)
    for (metric, start), members in windows.items():
        if len(members) >= _WORTH_IT:
            member_batches.load_qualified(posting.connection, members, metric, start)
