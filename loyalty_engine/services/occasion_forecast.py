"""How many members an occasion will write to on a day that is to come, asked of the indexes that its night will ask.

It is the most that can come: who lacks a consent, an address or what the occasion needs is counted too.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

from loyalty_engine.services import occasion_days
from loyalty_engine.store.nights import batches
from rules.plan import Plan


def expected(connection: sa.Connection, plan: Plan, day: date) -> Mapping[str, int]:
    """Return by template how many members' day it is; what members will do until then nobody knows."""
    found: Counter[str] = Counter()
    for occasion in plan.programme.occasions:
        if occasion.message is None or occasion.on in ("enrolment", "tier_upgrade"):
            continue
        search = occasion_days.of_the_night(plan, occasion, day, day)
        due = occasion_days.whom_to_look_at(search) if search is not None else None
        if due is not None:
            found[occasion.message] += batches.count(connection, batches.who(due, None))
    return {template: count for template, count in found.items() if count}
