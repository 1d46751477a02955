"""The grocer's baskets as purchases, made fast enough never to be what an import waits for.

What the four money columns mean and why they are mapped like this: docs/decisions/0010-demo-data.md.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import pyarrow.compute as pc

from loyalty_engine.services.demo.calendar import moved
from loyalty_engine.services.demo.catalogue import Ware
from loyalty_engine.services.demo.grocer import CURRENCY, Year
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from loyalty_engine.services.quick import quick
from rules.facts import Fact, Line, Purchase, Tender

COUPON_TENDER: Final = "manufacturer_coupon"
OTHER_TENDER: Final = "other"
_BLOCK: Final = 4096
_LINE_IDS: Final = tuple(str(number) for number in range(1, 501))
_NONE: Final[frozenset[str]] = frozenset()
_NO_FACTS: Final[Mapping[str, Fact]] = MappingProxyType({})
_line, _purchase, _posted = quick(Line), quick(Purchase), quick(PostedPurchase)


def terminal_of(store: int | str) -> str:
    """Return the name of the one terminal that the demo puts into each store."""
    return f"{store}-1"


def purchases(
    year: Year, members: Mapping[int, MemberReference], wares: Mapping[int, Ware]
) -> Iterator[PostedPurchase]:
    """Yield the baskets in the order of the year's.

    `members` maps a household's number to how the service finds its member; a household that is not in it buys as
    nobody. Lines carry category, brand and tags, because the till of a grocer knows them.
    """
    heads, starts = year.heads, year.starts
    terminals = {store: (str(store), terminal_of(store)) for store in set(heads.stores)}
    for first in range(0, len(heads.baskets), _BLOCK):
        bounds = starts[first : first + _BLOCK + 1]
        rows = _rows(year, bounds[0], bounds[-1], wares)
        for (start, end), (basket, household, store, second) in zip(
            pairwise(bounds), heads.rows(first, first + _BLOCK), strict=True
        ):
            store_id, terminal = terminals[store]
            offset = start - bounds[0]
            lines, tenders = _content(rows, offset, offset + end - start)
            yield _posted(
                str(basket), store_id, terminal, members.get(household), None,
                _purchase(
                    moved(second, year.shift), lines, CURRENCY, store_id, _NONE, "store", 0, tenders,
                    year.codes.get(basket, _NONE),
                ),
                (),
            )  # fmt: skip


_Columns = tuple[list[Ware], list[int], list[int], list[int], list[int]]
"""Of the rows of a block: what was sold, how many, for how much, how much less than usual, how much of it by coupon."""


def _rows(year: Year, start: int, end: int, wares: Mapping[int, Ware]) -> _Columns:
    rows = year.lines.slice(start, end - start)
    less = pc.add(rows["retail_disc"], rows["coupon_match_disc"])
    sold = [wares.get(number) or Ware(str(number)) for number in rows["product_id"].to_pylist()]
    amounts = (rows["quantity"], rows["sales_value"], less, rows["coupon_disc"])
    quantities, values, discounts, coupons = (column.to_pylist() for column in amounts)
    return sold, quantities, values, discounts, coupons


def _content(rows: _Columns, start: int, end: int) -> tuple[tuple[Line, ...], tuple[Tender, ...]]:
    sold, quantities, values, discounts, coupons = rows
    lines = tuple(
        _line(line_id, ware.sku, quantity, value, discount, 0, "goods", ware.category, ware.brand, ware.tags, _NO_FACTS)
        for line_id, ware, quantity, value, discount in zip(
            _LINE_IDS, sold[start:end], quantities[start:end], values[start:end], discounts[start:end], strict=False
        )
    )
    by_coupon = sum(coupons[start:end])
    return lines, _tenders(sum(values[start:end]), by_coupon) if by_coupon else ()


def _tenders(total: int, by_coupon: int) -> tuple[Tender, ...]:
    """Split what the grocer got: coupons never pay more than there is to pay; how the rest was paid isn't known."""
    redeemed = min(by_coupon, total)
    parts = Tender(COUPON_TENDER, redeemed), Tender(OTHER_TENDER, total - redeemed)
    return tuple(part for part in parts if part.amount_minor)
