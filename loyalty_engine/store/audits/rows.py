"""The rows that `loyalty audit` works out again, in an order in which it needs to remember one member at a time."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.purchase_keys import named_by_a_number
from loyalty_engine.store.tables import (
    audit_log,
    budgets,
    cap_uses,
    ledger_entries,
    members,
    parked_purchases,
    programme_versions,
    purchase_keys,
    purchase_returns,
    purchases,
    qualifying_days,
    receipts,
    tier_history,
)

_MEMBERS_AT_ONCE = 200
_ROWS_AT_ONCE = 1_000
_JUDGED = (
    "member_id posting_id purchase_key status occurred_at booked_at business_day currency total_minor facts version"
    " decisions granted cap_use kept left_units"
).split()


class Span(NamedTuple):
    """Members with ids from `first` through `last`, and how many they are, `without` some."""

    first: str
    last: str
    size: int
    without: tuple[str, ...] = ()

    def of(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Return the condition that a row of a member's table is one of theirs."""
        between = table.c.member_id.between(self.first, self.last)
        return sa.and_(between, table.c.member_id.not_in(self.without)) if self.without else between


class Family(NamedTuple):
    """A member and those that were merged into it: their purchases add up in one account."""

    members: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.members)

    def of(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Return the condition that a row of a member's table is one of theirs."""
        return table.c.member_id.in_(self.members)


Group = Span | Family


def count(connection: sa.Connection, table: sa.Table) -> int:
    """Return how many rows a table has."""
    return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def merged(connection: sa.Connection) -> dict[str, str]:
    """Return, of each member that was merged, the one it leads to in the end; none for a chain without an end."""
    row = members.c
    query = sa.select(row.member_id, row.merged_into).where(row.merged_into.is_not(None))
    leads = {str(one): str(into) for one, into in connection.execute(query)}
    roots = {}
    for one in leads:
        root, steps = leads[one], len(leads)
        while root in leads and steps:
            root, steps = leads[root], steps - 1
        if steps:
            roots[one] = root
    return roots


def groups(connection: sa.Connection, roots: Mapping[str, str]) -> Iterator[Group]:
    """Yield all members, some hundred at a time, and each family that merges made by itself; `roots` is `merged`'s."""
    kin: dict[str, list[str]] = {}
    for one, root in roots.items():
        kin.setdefault(root, [root]).append(one)
    related = sorted({one for family in kin.values() for one in family})
    for span in spans(connection):
        without = tuple(related[bisect_left(related, span.first) : bisect_right(related, span.last)])
        yield span._replace(without=without, size=span.size - len(without))
    for family in kin.values():
        yield Family(tuple(family))


def spans(connection: sa.Connection) -> Iterator[Span]:
    """Yield all members, some hundred at a time, in the order of their ids."""
    after: str | None = None
    while True:
        query = sa.select(members.c.member_id).order_by(members.c.member_id).limit(_MEMBERS_AT_ONCE)
        ids = list(connection.scalars(query if after is None else query.where(members.c.member_id > after)))
        if not ids:
            return
        yield Span(ids[0], ids[-1], len(ids))
        after = ids[-1]


def _stream(connection: sa.Connection, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> Iterator[Any]:
    return iter(connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query))


def purchases_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield their purchases, member by member."""
    columns = [purchases.c[name] for name in _JUDGED]
    order = (purchases.c.member_id, purchases.c.posting_id)
    return _stream(connection, sa.select(*columns).where(span.of(purchases)).order_by(*order))


def points_by_purchase(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield (member, source kind, source id, wallet, points) of their entries that come from purchases."""
    entry = ledger_entries.c
    kinds = entry.source_kind.in_(("purchase", "return", "move"))
    columns = (entry.member_id, entry.source_kind, entry.source_id, entry.wallet, entry.points)
    return _stream(connection, sa.select(*columns).where(span.of(ledger_entries), kinds))


def returns_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield (member, posting, return, units) of their returns."""
    row = purchase_returns.c
    columns = (row.member_id, row.posting_id, row.return_id, row.units)
    return _stream(connection, sa.select(*columns).where(span.of(purchase_returns)))


def qualifying_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield (member, metric, day, amount) of the sums that tiers are judged by."""
    return _stream(connection, sa.select(qualifying_days).where(span.of(qualifying_days)))


def cap_uses_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield (member, cap, period's start, used)."""
    return _stream(connection, sa.select(cap_uses).where(span.of(cap_uses)))


def members_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield (member, level, day of joining)."""
    return _stream(
        connection, sa.select(members.c.member_id, members.c.level, members.c.joined_on).where(span.of(members))
    )


def level_changes_of(connection: sa.Connection, span: Group) -> Iterator[Any]:
    """Yield their changes of level, each member's in order."""
    order = (tier_history.c.member_id, tier_history.c.change_no)
    return _stream(connection, sa.select(tier_history).where(span.of(tier_history)).order_by(*order))


def merged_at(connection: sa.Connection, span: Group) -> dict[str, datetime]:
    """Return when somebody was last merged into one of them, by member."""
    row = ledger_entries.c
    query = sa.select(row.member_id, sa.func.max(row.booked_at)).group_by(row.member_id)
    came = connection.execute(query.where(span.of(ledger_entries), row.kind == "transfer_in"))
    return {str(member_id): at for member_id, at in came}


def budgets_used(connection: sa.Connection) -> Iterator[Any]:
    """Yield (cap, period's start, used) of the caps over everyone."""
    return _stream(connection, sa.select(budgets))


def _binary(connection: sa.Connection, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Order text as Python does, whatever the database's language."""
    return column.collate("C") if connection.dialect.name == "postgresql" else column


def keys(connection: sa.Connection) -> Iterator[Any]:
    """Yield (purchase key, fingerprint, member, posting) of every number that is taken, in the order of the keys."""
    row = purchase_keys.c
    query = sa.select(row.purchase_key, row.fingerprint, row.member_id, row.posting_id)
    return _stream(connection, query.order_by(_binary(connection, row.purchase_key)))


def keyed(connection: sa.Connection) -> Iterator[Any]:
    """Yield (purchase key, member, posting) of every purchase that a number leads to, in the order of the keys."""
    row, parked = purchases.c, parked_purchases.c
    nobody = [sa.cast(sa.null(), column.type).label(column.name) for column in (row.member_id, row.posting_id)]
    posted = sa.select(row.purchase_key, row.member_id, row.posting_id).where(row.status == "posted")
    waits = sa.select(parked.purchase_key, *nobody).where(parked.status.in_(("unclaimed", "unresolved")))
    both = sa.union_all(posted, waits).subquery()
    return _stream(connection, sa.select(both).order_by(_binary(connection, both.c.purchase_key)))


def receipts_taken(connection: sa.Connection) -> Iterator[Any]:
    """Yield (receipt key, purchase key)."""
    return _stream(connection, sa.select(receipts.c.receipt_key, receipts.c.purchase_key))


def parked_facts(connection: sa.Connection) -> Iterator[Any]:
    """Yield (purchase key, facts) of the purchases that are parked."""
    row = parked_purchases.c
    query = sa.select(row.purchase_key, row.facts).where(row.status.in_(("unclaimed", "unresolved")))
    return _stream(connection, query)


def named_since(connection: sa.Connection, before: datetime) -> Iterator[Any]:
    """Yield the keys of purchases that came before an instant and still say by which card or phone."""
    row = parked_purchases.c
    return _stream(connection, sa.select(row.purchase_key).where(row.received_at < before, named_by_a_number()))


def posted_facts(connection: sa.Connection) -> Iterator[Any]:
    """Yield (purchase key, facts) of the purchases that are posted."""
    row = purchases.c
    return _stream(connection, sa.select(row.purchase_key, row.facts).where(row.status == "posted"))


def versions(connection: sa.Connection) -> list[dict[str, Any]]:
    """Return the published versions, the first one first."""
    query = sa.select(programme_versions).order_by(programme_versions.c.version)
    return [dict(row) for row in connection.execute(query).mappings()]


def publishings(connection: sa.Connection) -> dict[str, str]:
    """Return, by the version's number, what the audit log says of each version's publishing."""
    row = audit_log.c
    query = sa.select(row.target, row.detail).where(row.action == "programme.publish").order_by(row.at, row.entry_id)
    return {row.target: row.detail for row in connection.execute(query)}


def texts_with(
    connection: sa.Connection, table: sa.Table, column: str, signs: tuple[str, ...]
) -> Iterator[sa.RowMapping]:
    """Yield the keys and one text column (as `text`) of the rows whose text holds one of `signs`."""
    query = _texts_with(table, column, signs)
    yield from connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query).mappings()


@cache
def _texts_with(table: sa.Table, column: str, signs: tuple[str, ...]) -> sa.Select[Any]:
    text = table.c[column]
    holds = sa.or_(*(text.contains(sign, autoescape=True) for sign in signs))
    return sa.select(*table.primary_key.columns, text.label("text")).where(holds)


def judged_out_of_time(
    connection: sa.Connection, version: int, begins: datetime | None, ends: tuple[datetime, datetime] | None
) -> Iterator[Any]:
    """Yield (member, posting, time) of purchases that a version judged before it began or after it had ended.

    `ends` is when the next version begins, and from which time of booking on it was known; both None without a next.
    """
    row = purchases.c
    wrong = [row.occurred_at < begins] if begins is not None else []
    if ends is not None:
        wrong.append(sa.and_(row.occurred_at >= ends[0], row.booked_at >= ends[1]))
    if not wrong:
        return iter(())
    query = sa.select(row.member_id, row.posting_id, row.occurred_at).where(row.version == version, sa.or_(*wrong))
    return _stream(connection, query)
