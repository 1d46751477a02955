"""What a till's line lacks is filled in from the catalogue as of the sale, for tills often send only bar codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from loyalty_engine.store import products as store
from loyalty_engine.store.products import ProductRow
from rules.facts import Line

Known = Mapping[str, Sequence[ProductRow]]
"""What the catalogue says of each SKU that it has, in the order of the days."""

_decode = msgspec.json.Decoder(list[str]).decode


@lru_cache(maxsize=4_096)
def _tags(text: str) -> frozenset[str]:
    return frozenset(_decode(text))


def known_of(connection: sa.Connection, lines: Iterable[Line]) -> Known:
    """Return what the catalogue says of the goods on these lines, on any day, with one query."""
    skus = {line.sku for line in lines if line.kind == "goods"}
    return store.said_of(connection, skus) if skus else {}


def fill(known: Known, lines: tuple[Line, ...], on: date) -> tuple[Line, ...]:
    """Return the lines with what was known of them on the day of the sale.

    Category and brand are the till's where it says one; the catalogue's tags join its own, so that what is sold as
    `clearance` stays `alcohol`. `lines` itself comes back where nothing is filled in.
    """
    changed: list[Line] | None = None
    for place, line in enumerate(lines):
        entries = known.get(line.sku)
        if entries is None or line.kind != "goods":
            continue
        filled = _filled(line, entries, on)
        if filled is not line:
            changed = changed or list(lines)
            changed[place] = filled
    return tuple(changed) if changed else lines


def _filled(line: Line, entries: Sequence[ProductRow], on: date) -> Line:
    said = entries[-1]
    if said.from_on > on:
        earlier = [entry for entry in entries if entry.from_on <= on]
        if not earlier:
            return line
        said = earlier[-1]
    tags = _tags(said.tags)
    if (line.category or not said.category) and (line.brand or not said.brand) and tags <= line.tags:
        return line
    category, brand = line.category or said.category, line.brand or said.brand
    return replace(line, category=category, brand=brand, tags=line.tags | tags)
