"""What the rules may know of a member, put together from the member's row and, only where rules ask, the profile."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.services.quick import quick
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import MemberState
from rules.facts import Birthday, MemberFacts
from rules.plan import Plan

_member = quick(MemberFacts)
_NOBODY: Final[tuple[Any, ...]] = (None, None, frozenset(), {})
"""What follows the standing in `MemberFacts` where there is no profile."""


def facts_of(
    connection: sa.Connection, state: MemberState, plan: Plan, at: datetime, with_profile: bool = False
) -> MemberFacts:
    """Return the member as it was before a purchase that happened `at`; `with_profile` also where no rule asks for it."""
    level = member_state.level_at(connection, state, at)
    standing = (state.joined_on, level, state.purchases_count, state.last_purchase_on)
    if not (plan.asks_for_profile or with_profile):
        return _member(*standing, *_NOBODY)
    if state.person is None:
        state.person = _person(member_state.profile_facts(connection, state))
    return _member(*standing, *state.person)


def _person(profile: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what follows the standing in `MemberFacts`."""
    if not profile:
        return _NOBODY
    segments = frozenset(decode_json(profile["segments"]))
    return _birthday(profile), profile["birthday_locked_until"], segments, decode_json(profile["attributes"])


def _birthday(profile: Mapping[str, Any]) -> Birthday | None:
    if profile["birthday_month"] is None:
        return None
    return Birthday(
        profile["birthday_month"],
        profile["birthday_day"],
        profile["birthday_year"],
        profile["birthday_calendar"],
        bool(profile["birthday_leap_month"]),
    )
