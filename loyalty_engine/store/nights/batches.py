"""What the nightly runs share: who a run has to look at, members locked for a batch, and figures written for many."""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

from loyalty_engine.store.sets import among
from loyalty_engine.store.tables import accounts, ledger_entries, lots, members
from loyalty_engine.store.webhooks import Outbox

_FAR = sa.literal_column("'9999-12-31'", sa.Date)
SOONEST_FIRST = (sa.func.coalesce(lots.c.expires_on, _FAR), lots.c.opened_on, lots.c.lot_id)
"""The order of `rules.lots.soonest_first`."""
PENDING = lots.c.state == sa.literal_column("'pending'")
AVAILABLE = sa.and_(lots.c.state == sa.literal_column("'available'"), lots.c.remaining > sa.literal_column("0"))
"""Written out, because SQLite takes a partial index only for a condition that it can read."""


@dataclass(frozen=True, slots=True)
class Booking:
    """By which version, when and by whom the entries of a batch are booked, and who is told of them."""

    version: int
    at: datetime
    actor: str
    outbox: Outbox | None = None


def who(due: sa.Select[Any] | sa.CompoundSelect[Any], after: str | None) -> sa.Select[Any]:
    """Return the members in `due`, each once, in the order of their ids, those after an id."""
    found = due.subquery()
    query = sa.select(found.c.member_id).distinct().order_by(found.c.member_id)
    return query if after is None else query.where(found.c.member_id > after)


def count(connection: sa.Connection, members_due: sa.Select[Any]) -> int:
    """Return how many members `who` would give."""
    counted = sa.select(sa.func.count()).select_from(members_due.order_by(None).subquery())
    return int(connection.scalar(counted) or 0)


def pages(connection: sa.Connection, members_due: sa.Select[Any], size: int) -> Generator[Sequence[str]]:
    """Yield the ids that `who` gives, `size` at a time; no more than that is held."""
    with connection.execution_options(yield_per=size).execute(members_due) as result:
        for page in result.scalars().partitions(size):
            yield [str(member_id) for member_id in page]


class _Listed(UserDefinedType[str]):
    """An array as PostgreSQL writes it: sent as it is, and read by the server as whatever it is compared with."""

    cache_ok = True


def these(connection: sa.Connection, column: sa.Column[Any], member_ids: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds one of the ids; handed over as one text, which costs least.

    No cast stands around it: the server would work that out for each row that it looks at.
    """
    if connection.dialect.name != "postgresql":
        return among(connection, column, member_ids)
    return column == sa.any_(sa.literal("{" + ",".join(member_ids) + "}", _Listed()))


def lock(connection: sa.Connection, member_ids: Collection[str]) -> None:
    """Lock the members for the rest of the transaction, in the order of their ids; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        chosen = sa.select(sa.literal_column("1", sa.Integer)).where(these(connection, members.c.member_id, member_ids))
        connection.execute(chosen.order_by(members.c.member_id).with_for_update(of=members)).close()


def at_most(one: sa.ColumnElement[Any], other: Any) -> sa.ColumnElement[Any]:
    """Return the smaller of two."""
    return sa.case((one < other, one), else_=other)


def at_least(one: sa.ColumnElement[Any], other: Any) -> sa.ColumnElement[Any]:
    """Return the greater of two."""
    return sa.case((one > other, one), else_=other)


def booked_at(booking: Booking) -> sa.ColumnElement[datetime]:
    """Return the time of booking of a member's entry: it never decreases."""
    at = sa.literal(booking.at, members.c.last_booked_at.type)
    return sa.case((members.c.last_booked_at > at, members.c.last_booked_at), else_=at)


def insert_entries(connection: sa.Connection, chosen: sa.Select[Any]) -> int:
    """Insert what `chosen` selects as entries, by the names of its columns; return how many."""
    inserted = ledger_entries.insert().from_select([column.name for column in chosen.selected_columns], chosen)
    return connection.execute(inserted, execution_options={"preserve_rowcount": True}).rowcount


def count_up(connection: sa.Connection, booking: Booking, entries: sa.Select[Any]) -> None:
    """Number the members on by what `entries` says (`member_id`, `entries`): how many each of them got."""
    got = entries.subquery()
    counted = (
        members.update()
        .where(members.c.member_id == got.c.member_id)
        .values(last_seq=members.c.last_seq + got.c.entries, last_booked_at=booked_at(booking))
    )
    connection.execute(counted)


def move_figures(connection: sa.Connection, by_lot: sa.Select[Any], figures: Sequence[str]) -> None:
    """Add to accounts what `by_lot` says of each open lot, and find the soonest end again.

    Its columns: `member_id`, `wallet`, `expires_on`, `changes` (whether the lot changes), `remains` (what of it is left
    then), and each of `figures`.
    """
    lot = by_lot.subquery()
    place = (lot.c.member_id, lot.c.wallet)
    sums = {name: sa.func.sum(lot.c[name]) for name in ("changes", "remains", *figures)}
    end = sa.select(*place, lot.c.expires_on, *(total.label(name) for name, total in sums.items()))
    ends = end.group_by(*place, lot.c.expires_on).subquery()
    account = (ends.c.member_id, ends.c.wallet)
    ending = sa.and_(ends.c.remains > 0, ends.c.expires_on.is_not(None))
    totals = [
        sa.func.sum(ends.c[name]).over(partition_by=account).label(f"all_{name}") for name in ("changes", *figures)
    ]
    order = (sa.case((ending, 0), else_=1), ends.c.expires_on)
    first = sa.func.row_number().over(partition_by=account, order_by=order).label("place")
    soonest = sa.select(ends, ending.label("ending"), *totals, first).subquery()
    moved = {name: accounts.c[name] + sa.cast(soonest.c[f"all_{name}"], sa.BigInteger) for name in figures}
    updated = (
        accounts.update()
        .where(
            accounts.c.member_id == soonest.c.member_id,
            accounts.c.wallet == soonest.c.wallet,
            soonest.c.place == 1,
            soonest.c.all_changes > 0,
        )
        .values(
            **moved,
            next_expires_on=sa.case((soonest.c.ending, soonest.c.expires_on)),
            next_expires_points=sa.case((soonest.c.ending, soonest.c.remains), else_=0),
        )
    )
    connection.execute(updated)
