"""Reads a catalogue from a file: for each SKU its category path, brand and tags, from a day on."""

from collections.abc import Mapping
from typing import Any

from loyalty_engine.services.imports.fields import Fields
from loyalty_engine.services.imports.records import Misread, NewProduct
from loyalty_engine.services.imports.values import day, listed, text
from rules.errors import Problem


def read_product(values: Mapping[str, Any]) -> NewProduct | Misread:
    """Read one entry of the catalogue, or return everything that is wrong with it."""
    problems: list[Problem] = []
    fields = Fields(values, problems)
    found = NewProduct(
        sku=fields.need("sku", text, ""),
        category=fields.take("category", _category),
        brand=fields.take("brand", text),
        tags=frozenset(fields.take("tags", listed(text)) or ()),
        from_on=fields.take("from", day),
    )
    fields.finish()
    return Misread(problems) if problems else found


class Said:
    """What a file has said so far: an entry takes the room of two figures, for a catalogue may be long."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[int, int]] = {}

    def once(self, found: NewProduct | Misread, number: int) -> NewProduct | Misread:
        """Return an entry as it is, or what is wrong with it where an earlier row says something else of its SKU and day."""
        if isinstance(found, Misread):
            return found
        first, line = self._entries.setdefault(hash((found.sku, found.from_on)), (hash(found), number))
        if first == hash(found):
            return found
        said = f"product_twice: line {line} says something else of this SKU from the same day on; keep one of the two"
        return Misread([Problem("sku", said)])


def _category(value: Any) -> str:
    path = text(value)
    if not all(part.strip() for part in path.split("/")):
        raise ValueError("must be a path such as drinks/coffee, with something between the slashes")
    return path
