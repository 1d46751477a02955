"""The kinds of file that a shop brings along: purchases, members, products and balances."""

from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

from loyalty_engine.services.imports.balances import read_balance
from loyalty_engine.services.imports.flat import KEY, Scattered, gathered, purchase_of
from loyalty_engine.services.imports.formats import is_flat, read_columns, read_rows
from loyalty_engine.services.imports.identity import row_id
from loyalty_engine.services.imports.job import Item, Job
from loyalty_engine.services.imports.members import read_member
from loyalty_engine.services.imports.products import Said, read_product
from loyalty_engine.services.imports.purchases import Defaults, read_purchase
from loyalty_engine.services.imports.records import Misread, NewBalance, NewMember, NewProduct
from loyalty_engine.services.imports.rows import Row
from loyalty_engine.services.imports.sinks import EnrolMany, OpenMany, PostingResult, PostMany, PutProducts
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.intake import PostedPurchase

T = TypeVar("T")


def purchase_job(post_many: PostMany, defaults: Defaults) -> Job[PostedPurchase]:
    """Return the job that brings in purchases."""

    def read(path: Path, source: str) -> Iterator[Item[PostedPurchase]]:
        def read_row(row: Row) -> PostedPurchase | Misread:
            return read_purchase(row.values, defaults, row_id(source, row.number))

        if not is_flat(path):
            return (_item(row, read_row) for row in read_rows(path))
        scattered = Scattered(read_columns(path, KEY))
        return (_flat_purchase(rows, scattered, source, defaults) for rows in gathered(read_rows(path)))

    return Job("purchases", read, post_many, count_purchase)


def member_job(enrol_many: EnrolMany, zone: tzinfo) -> Job[NewMember]:
    """Return the job that brings in members."""

    def read(path: Path, source: str) -> Iterator[Item[NewMember]]:
        def read_row(row: Row) -> NewMember | Misread:
            return read_member(row.values, zone, row_id(source, row.number))

        return (_item(row, read_row) for row in read_rows(path))

    return Job("members", read, enrol_many, _count_nothing_more)


def product_job(put_products: PutProducts) -> Job[NewProduct]:
    """Return the job that brings in a catalogue."""

    def read(path: Path, source: str) -> Iterator[Item[NewProduct]]:
        said = Said()

        def read_row(row: Row) -> NewProduct | Misread:
            return said.once(read_product(row.values), row.number)

        return (_item(row, read_row) for row in read_rows(path))

    return Job("products", read, put_products, _count_nothing_more)


def balance_job(open_many: OpenMany) -> Job[NewBalance]:
    """Return the job that brings in what members had elsewhere."""

    def read(path: Path, source: str) -> Iterator[Item[NewBalance]]:
        def read_row(row: Row) -> NewBalance | Misread:
            return read_balance(row.values, row_id(source, row.number))

        return (_item(row, read_row) for row in read_rows(path))

    return Job("balances", read, open_many, _count_balance)


def _count_balance(totals: Totals, balance: NewBalance, result: Any) -> None:
    """Add the points of an accepted lot: to what is accounted for, and where it is new to what this run gave."""
    totals.accounted[balance.wallet] += balance.points
    totals.points.update(result.points)


def _flat_purchase(rows: Sequence[Row], scattered: Scattered, source: str, defaults: Defaults) -> Item[PostedPurchase]:
    apart = scattered.problem(rows)
    if apart is not None or any(row.unreadable for row in rows):
        return Item(rows, None, [apart] if apart else [], is_flat=True)
    values, contradictions = purchase_of(rows)
    found = read_purchase(values, defaults, row_id(source, rows[0].number))
    if isinstance(found, Misread) or contradictions:
        misread = found.problems if isinstance(found, Misread) else ()
        return Item(rows, None, [*contradictions, *misread], is_flat=True)
    return Item(rows, found, is_flat=True)


def _item(row: Row, read: Callable[[Row], T | Misread]) -> Item[T]:
    if row.unreadable:
        return Item([row], None)
    found = read(row)
    return Item([row], None, found.problems) if isinstance(found, Misread) else Item([row], found)


def count_purchase(totals: Totals, posted: PostedPurchase, result: PostingResult) -> None:
    """Add the money and the points of a purchase that is here, and why it waits where it does."""
    if result.status == "unresolved":
        totals.waiting[str(result.code)] += 1
    purchase = posted.purchase
    totals.money_minor[purchase.currency] += (
        sum(line.amount_minor for line in purchase.lines) - purchase.order_discount_minor
    )
    totals.points.update(result.points)


def _count_nothing_more(totals: Totals, item: Any, result: Any) -> None:
    """Members and products are counted by what became of them, which the job does for all."""
