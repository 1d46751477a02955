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


def _category(value: Any) -> str:
    path = text(value)
    if not all(part.strip() for part in path.split("/")):
        raise ValueError("must be a path such as drinks/coffee, with something between the slashes")
    return path
