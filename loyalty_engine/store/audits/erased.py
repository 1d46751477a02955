"""What is left of members who are gone, table by table, by the same list that an erasure goes by."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from loyalty_engine.store.audits import rows
from loyalty_engine.store.audits.checks import keys_of
from loyalty_engine.store.personal import TREATED, Treatment
from loyalty_engine.store.tables import members, metadata

_AT_ONCE = 500


def ids(connection: sa.Connection) -> list[str]:
    """Return the members who were erased, with those that had been merged into them."""
    query = sa.select(members.c.member_id).where(members.c.status == "erased").order_by(members.c.member_id)
    gone = [str(one) for one in connection.scalars(query)]
    known = set(gone)
    return gone + [old for old, root in rows.merged(connection).items() if root in known]


def left_over(connection: sa.Connection, gone: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (table, key) of every row in which something of them is left."""
    for name, treatment in TREATED.items():
        table = metadata.tables[name]
        wrong = _wrong(table, treatment)
        if wrong is None:
            continue
        keys = [table.c[key] for key in keys_of(table)]
        for start in range(0, len(gone), _AT_ONCE):
            theirs = table.c.member_id.in_(gone[start : start + _AT_ONCE])
            for row in connection.execute(sa.select(*keys).where(theirs, wrong).order_by(*keys)).mappings():
                yield name, dict(row)


def _wrong(table: sa.Table, treatment: Treatment) -> sa.ColumnElement[bool] | None:
    if treatment.goes:
        return sa.true()
    said = [table.c[name].is_distinct_from(value) for name, value in treatment.emptied.items()]
    said += [table.c[name].is_(None) for name in treatment.ended]
    if not said:
        return None
    return sa.and_(sa.or_(*said), *(table.c[name] != value for name, value in treatment.but.items()))
