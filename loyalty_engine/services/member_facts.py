"""What the rules may know of a member, put together from the member's row and, only where rules ask, the profile."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from loyalty_engine.services.purchase_documents import decode_json
from loyalty_engine.store import member_state
from loyalty_engine.store.member_state import MemberState
from rules.conditions import Age, All, AnyOf, BirthdayIs, Condition, HasAttribute, InSegment, Not
from rules.facts import Birthday, MemberFacts
from rules.programme import Programme


def facts_of(connection: sa.Connection, state: MemberState, programme: Programme, at: datetime) -> MemberFacts:
    """Return the member as it was before a purchase that happened `at`."""
    level = member_state.level_at(connection, state, at)
    base = (state.joined_on, level, state.purchases_count, state.last_purchase_on)
    if not asks_for_profile(programme):
        return MemberFacts(*base)
    profile = member_state.profile_facts(connection, state)
    if not profile:
        return MemberFacts(*base)
    return MemberFacts(
        *base,
        birthday=_birthday(profile),
        birthday_locked_until=profile["birthday_locked_until"],
        segments=frozenset(decode_json(profile["segments"])),
        attributes=decode_json(profile["attributes"]),
    )


def asks_for_profile(programme: Programme) -> bool:
    """Tell whether any accrual rule looks at a birthday, an age, a segment or an attribute."""
    return any(rule.when is not None and _asks_profile(rule.when) for rule in programme.accrual)


def _asks_profile(condition: Condition) -> bool:
    match condition:
        case All(parts) | AnyOf(parts):
            return any(_asks_profile(part) for part in parts)
        case Not(part):
            return _asks_profile(part)
        case _:
            return isinstance(condition, Age | BirthdayIs | InSegment | HasAttribute)


def _birthday(profile: dict[str, Any]) -> Birthday | None:
    if profile["birthday_month"] is None:
        return None
    return Birthday(
        profile["birthday_month"],
        profile["birthday_day"],
        profile["birthday_year"],
        profile["birthday_calendar"],
        bool(profile["birthday_leap_month"]),
    )
