"""Brings the grocer's year in as a shop's own history comes in: stores, products, members, then every basket."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TypeVar

from loyalty_engine.services.demo.catalogue import Ware, wares
from loyalty_engine.services.demo.completejourney import purchases
from loyalty_engine.services.demo.grocer import Year
from loyalty_engine.services.demo.households import members
from loyalty_engine.services.demo.months import months
from loyalty_engine.services.demo.shoppers import in_rounds
from loyalty_engine.services.demo.stores import stores
from loyalty_engine.services.imports.jobs import count_purchase
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.services.imports.sinks import EnrolMany, PostMany, PutProducts, PutStores
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.intake import MemberReference, PostedPurchase

T = TypeVar("T")
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""Given what is done and how many there are, shows how it gets on."""
Bring = Callable[[Year, Iterable[PostedPurchase]], Iterable[PostedPurchase]]
"""Given a month and its baskets, returns them as they come to the till, with points and vouchers."""
RunNights = Callable[[date], None]
"""Runs every night up to a day, once all baskets before it are posted."""
PostYear = Callable[[Mapping[int, MemberReference], RunNights, Advance], Totals]
"""Posts all baskets of the year that is loaded, month by month; their buyers are given by household."""


def as_they_are(_year: Year, baskets: Iterable[PostedPurchase]) -> Iterable[PostedPurchase]:
    """Bring nothing along."""
    return baskets


def without_nights(_day: date) -> None:
    """Run no nights."""


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where it all goes."""

    put_stores: PutStores
    put_products: PutProducts
    enrol_many: EnrolMany
    post_many: PostMany
    bring: Bring = as_they_are
    run_nights: RunNights = without_nights


@dataclass(frozen=True, slots=True)
class Batches:
    """How many are written in one transaction."""

    products: int = 5_000
    members: int = 500
    purchases: int = 4_000


def load(
    year: Year,
    sinks: Sinks,
    progress: Progress,
    batches: Batches = Batches(),
    post_year: PostYear | None = None,
) -> Totals:
    """Load the chosen part of the year and return its control totals; what is there already is left as it is.

    `post_year` stands in for posting the baskets one batch after the other.
    """
    sinks.put_stores(stores(year))
    known = wares()
    _put_products(known, sinks, progress, batches.products)
    found = _enrol(year, sinks, progress, batches.members)
    with progress("purchases", len(year.heads.baskets)) as advance:
        if post_year is not None:
            return post_year(found, sinks.run_nights, advance)
        totals = Totals()
        for month in months(year):
            totals.add(post_month(month.of(year), found, known, sinks, advance, batches.purchases))
            sinks.run_nights(month.following_on)
        return totals


def post_month(
    part: Year,
    found: Mapping[int, MemberReference],
    known: Mapping[int, Ware],
    sinks: Sinks,
    advance: Advance,
    size: int,
) -> Totals:
    """Post the baskets of a month."""
    brought = sinks.bring(part, list(purchases(part, found, known)))
    return post_baskets(in_rounds(brought), sinks.post_many, advance, size)


def post_baskets(baskets: Iterable[PostedPurchase], post_many: PostMany, advance: Advance, size: int) -> Totals:
    """Post the baskets in batches and return their control totals."""
    totals = Totals()
    for batch in _batched(baskets, size):
        for posted, result in zip(batch, post_many(batch), strict=True):
            totals.rows_read += len(posted.purchase.lines)
            totals.statuses["rejected" if result.status == "refused" else result.status] += 1
            if result.status != "refused":
                count_purchase(totals, posted, result)
        advance(len(batch))
    return totals


def _put_products(known: Mapping[int, Ware], sinks: Sinks, progress: Progress, size: int) -> None:
    entries = (NewProduct(ware.sku, ware.category, ware.brand, ware.tags) for ware in known.values())
    with progress("products", len(known)) as advance:
        for batch in _batched(entries, size):
            sinks.put_products(batch)
            advance(len(batch))


def _enrol(year: Year, sinks: Sinks, progress: Progress, size: int) -> Mapping[int, MemberReference]:
    found: dict[int, MemberReference] = {}
    households = list(members(year))
    with progress("members", len(households)) as advance:
        for batch in _batched(households, size):
            results = sinks.enrol_many([member for _, member in batch])
            for (household, member), result in zip(batch, results, strict=True):
                if result.member_id is None:
                    raise ValueError(f"{member.external_id} could not be enrolled: {result.code}: {result.detail}")
                found[household] = MemberReference(member_id=result.member_id)
            advance(len(batch))
    return found


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
