"""Which member an id leads to after merges: the old id points on, and so may the one that it points to.

Chains are followed rather than shortened, so that a merge never touches a member that was merged before. The ledger
itself says who came to whom: every merge leaves an entry `transfer_in` whose source names the member that is gone.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from loyalty_engine.store.sets import among
from loyalty_engine.store.statements import Statement
from loyalty_engine.store.tables import ledger_entries, members

MERGE: Final = "merge"
"""The kind of source of what a merge books: the id is the other member's."""

MERGE_MANUAL: Final = "merge_manual"
"""The kind of source of a level that a merge brings along which staff had given: it ends as theirs do."""
MERGE_GRACE: Final = "merge_grace"
"""The kind of source of a level that a merge brings along in its days of grace: they go on, and don't begin anew."""

_into: Final = Statement(
    sa.select(members.c.merged_into).where(
        members.c.member_id == sa.bindparam("member_id", type_=members.c.member_id.type)
    )
)
_gone: Final = Statement(
    sa.select(ledger_entries.c.source_id)
    .where(
        ledger_entries.c.member_id == sa.bindparam("member_id", type_=ledger_entries.c.member_id.type),
        ledger_entries.c.source_kind == MERGE,
        ledger_entries.c.kind == "transfer_out",
        ledger_entries.c.booked_at < sa.bindparam("before", type_=ledger_entries.c.booked_at.type),
    )
    .limit(1)
)
_came: Final = Statement(
    sa.select(ledger_entries.c.source_id)
    .where(
        ledger_entries.c.member_id == sa.bindparam("member_id", type_=ledger_entries.c.member_id.type),
        ledger_entries.c.source_kind == MERGE,
        ledger_entries.c.kind == "transfer_in",
    )
    .distinct()
    .order_by(ledger_entries.c.source_id)
)


def find(connection: sa.Connection, member_id: str) -> str | None:
    """Return the member that an id leads to now: its own, or the one that it was merged into; None for nobody's."""
    found = _into.one(connection, member_id=member_id)
    if found is None:
        return None
    while found is not None and found[0] is not None:
        member_id = str(found[0])
        found = _into.one(connection, member_id=member_id)
    return member_id


def of(connection: sa.Connection, member_id: str) -> str:
    """Return the member that an id leads to now; an id that is nobody's stays as it is."""
    return find(connection, member_id) or member_id


def then(connection: sa.Connection, member_id: str, before: datetime) -> str:
    """Return the member that an id led to after all merges that were booked before an instant."""
    found: str | None = member_id
    while found is not None:
        member_id, found = found, _gone_to(connection, found, before)
    return member_id


def _gone_to(connection: sa.Connection, member_id: str, before: datetime) -> str | None:
    row = _gone.one(connection, member_id=member_id, before=before)
    return str(row[0]) if row else None


def among_them(connection: sa.Connection, member_ids: Collection[str]) -> dict[str, str]:
    """Return, of the ids that are a member's, the member that each leads to now."""
    if not member_ids:
        return {}
    query = sa.select(members.c.member_id, members.c.merged_into)
    rows = connection.execute(query.where(among(connection, members.c.member_id, member_ids)))
    return {str(one): of(connection, str(into)) if into is not None else str(one) for one, into in rows}


def family(connection: sa.Connection, member_id: str) -> list[str]:
    """Return a member and all that were merged into it, at once or by way of others."""
    found = [member_id]
    for one in found:
        found += [str(row[0]) for row in _came.rows(connection, member_id=one)]
    return found


def families(connection: sa.Connection, member_ids: Collection[str]) -> dict[str, str]:
    """Return, of the members that were merged into one of these, by which id each of them led there."""
    leads_to: dict[str, str] = {}
    asked = {member_id: member_id for member_id in member_ids}
    entry = ledger_entries.c
    while asked:
        came = sa.select(entry.member_id, entry.source_id).distinct()
        of_these = among(connection, entry.member_id, asked)
        rows = connection.execute(came.where(of_these, entry.source_kind == MERGE, entry.kind == "transfer_in"))
        asked = {str(old): asked[member_id] for member_id, old in rows}
        leads_to |= asked
    return leads_to
