"""Puts what a shop sells into its catalogue: category, brand and tags of a SKU, from a day on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import msgspec
import sqlalchemy as sa

from loyalty_engine.services import audit_log, checking
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.checking import Wrong
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.services.imports.sinks import Then, and_then, nothing
from loyalty_engine.store import products as store
from loyalty_engine.store.products import ProductRow
from loyalty_engine.store.session import in_transaction
from rules.errors import Refusal

MAX_CATEGORY: Final = 200
_encode = msgspec.json.Encoder().encode
_MAX_TAGS: Final = 50
_Entries = dict[tuple[str, date], ProductRow]


@dataclass(frozen=True, slots=True)
class Put:
    """What became of an entry: `posted`, `replayed` (the catalogue says so already) or `refused`."""

    status: Literal["posted", "replayed", "refused"]
    refusal: Refusal | None = None

    @property
    def code(self) -> str | None:
        return self.refusal.code if self.refusal else None

    @property
    def detail(self) -> str | None:
        return self.refusal.detail if self.refusal else None

    @property
    def wrong(self) -> Mapping[str, Sequence[str]]:
        return self.refusal.errors if self.refusal else {}


def put_many(actor: Actor, products: Sequence[NewProduct], then: Then = nothing) -> list[Put]:
    """Store entries of the catalogue in one transaction, each with its own result, in order.

    One without a day is said of all time before the SKU's next entry. Of two for the same SKU and day the later counts.
    """
    actor.check_everywhere()
    checked = [_checked(given) for given in products]
    rows = [row for row in checked if isinstance(row, ProductRow)]

    def work(connection: sa.Connection) -> list[Put]:
        said_of = store.said_of(connection, {row.sku for row in rows})
        known = {(row.sku, row.from_on): row for entries in said_of.values() for row in entries}
        news = _Entries()
        done = [Put("refused", row) if isinstance(row, Refusal) else _put(known, news, row) for row in checked]
        if news:
            store.put(connection, list(news.values()))
            audit_log.record(connection, actor, "product.put_many", f"{len(news)} entries")
        return done

    return in_transaction(and_then(work, then))


def _put(known: _Entries, news: _Entries, row: ProductRow) -> Put:
    key = row.sku, row.from_on
    if known.get(key) == row:
        return Put("replayed")
    known[key] = news[key] = row
    return Put("posted")


def _checked(given: NewProduct) -> ProductRow | Refusal:
    wrong = Wrong()
    sku = checking.words(wrong, "sku", given.sku, 64)
    category = given.category and checking.words(wrong, "category", given.category, MAX_CATEGORY)
    if category and "" in category.split("/"):
        wrong.note("category", "must be a path such as drinks/coffee, without empty parts")
    brand = given.brand and checking.words(wrong, "brand", given.brand, 64)
    if len(given.tags) > _MAX_TAGS:
        wrong.note("tags", f"must be at most {_MAX_TAGS}")
    tags = sorted([checking.words(wrong, "tags", tag, 64) for tag in given.tags])
    try:
        wrong.refuse_any("product_invalid", "The product")
    except Refusal as refusal:
        return refusal
    return ProductRow(sku, given.from_on or date.min, category or None, brand or None, _encode(tags).decode())
