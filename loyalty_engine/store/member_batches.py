"""Loads many members at once, for a batch of purchases: one statement for all of them where a till's needs one for each.

What is loaded here is what `member_state` would have loaded, one member at a time, when it is asked for.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from loyalty_engine.store.member_state import (
    ACCOUNT_COLUMNS,
    MEMBER_COLUMNS,
    PROFILE_COLUMNS,
    WRITTEN_COLUMNS,
    Account,
    MemberState,
)
from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import accounts, cap_uses, members, profiles, qualifying_days


def lock(connection: sa.Connection, member_ids: Collection[str]) -> dict[str, MemberState]:
    """Lock those of the members that are there, and load their accounts.

    They are locked in the order of their ids, so that two batches never wait for each other in a circle.
    """
    columns = [members.c[name] for name in ("member_id", *MEMBER_COLUMNS)]
    of_these = among(connection, members.c.member_id, member_ids)
    query = sa.select(*columns).where(of_these).order_by(members.c.member_id).with_for_update()
    found = {row[0]: MemberState.stored(*row) for row in connection.execute(query)}
    for row in _of(connection, found, accounts, ACCOUNT_COLUMNS):
        found[row[0]].load_account(row[1], Account(*row[2:]))
    return found


def are_as_loaded(connection: sa.Connection, states: Mapping[str, MemberState]) -> bool:
    """Tell whether the members still are what they were when they were loaded, with the cap uses that were loaded.

    No account changes without an entry or a purchase, and each of these leaves its trace in the member's own row.
    """
    rows = list(_of(connection, states, members, ("status", *WRITTEN_COLUMNS)))
    if len(rows) != len(states) or not all(
        states[member_id].is_stored(status, tuple(written)) for member_id, status, *written in rows
    ):
        return False
    starts = set().union(*(state.cap_starts for state in states.values()))
    if not starts:
        return True
    uses = _of(connection, states, cap_uses, ("cap_id", "period_start", "used"), cap_uses.c.period_start.in_(starts))
    return all(
        states[member_id].before.get((cap, start)) == used
        for member_id, cap, start, used in uses
        if start in states[member_id].cap_starts
    )


def load_profiles(connection: sa.Connection, states: Mapping[str, MemberState]) -> None:
    """Load what rules may ask of the profiles."""
    for state in states.values():
        state.profile = {}
    for member_id, *values in _of(connection, states, profiles, PROFILE_COLUMNS):
        states[member_id].profile = dict(zip(PROFILE_COLUMNS, values, strict=True))


def load_cap_uses(connection: sa.Connection, states: Mapping[str, MemberState], starts: Collection[date]) -> None:
    """Load the cap uses of the periods that begin on `starts`."""
    in_time = cap_uses.c.period_start.in_(starts)
    for member_id, cap, start, used in _of(connection, states, cap_uses, ("cap_id", "period_start", "used"), in_time):
        states[member_id].load_cap_use(cap, start, used)
    for state in states.values():
        state.cap_starts |= set(starts)


def load_qualified(connection: sa.Connection, states: Mapping[str, MemberState], metric: str, start: date) -> None:
    """Load the sums of a tier metric from `start` on."""
    table = qualifying_days
    sums = sa.select(table.c.member_id, sa.func.sum(table.c.amount)).group_by(table.c.member_id)
    sums = sums.where(among(connection, table.c.member_id, states), table.c.metric == metric, table.c.day >= start)
    found = {row[0]: int(row[1]) for row in connection.execute(sums)}
    for member_id, state in states.items():
        state.sums[metric, start] = found.get(member_id, 0)


def _of(
    connection: sa.Connection, states: Collection[str], table: sa.Table, columns: Sequence[str], *conditions: Any
) -> Iterator[Sequence[Any]]:
    selected = sa.select(table.c.member_id, *(table.c[name] for name in columns))
    yield from connection.execute(selected.where(among(connection, table.c.member_id, states), *conditions))
