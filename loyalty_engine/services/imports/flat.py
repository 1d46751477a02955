"""Gives the flat rows of CSV and parquet the shape that the API's objects have, and gathers the lines of a purchase."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from loyalty_engine.services.imports.rows import Row
from rules.errors import Problem

_LINE: Final = ("line_id", "sku", "quantity", "amount", "discount", "tax", "kind", "category", "brand", "tags")
_MEMBER: Final = ("member_id", "card", "phone", "token")
_RECEIPT: Final = {"receipt_number": "number", "business_day": "business_day"}
KEY: Final = ("store", "purchase_id")
"""The columns that say which rows are one purchase."""
_PARTS: Final = 256


def gathered(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows of each purchase: those that stand together and have the same store and purchase_id.

    A row without a purchase_id is a purchase by itself.
    """
    group: list[Row] = []
    for row in rows:
        key = _key(row)
        if group and (key is None or key != _key(group[0])):
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _key(row: Row) -> tuple[str, str] | None:
    """Return the key of a row's purchase, without the spaces around its parts, which are none of them."""
    store, purchase_id = (str(row.values.get(name, "")).strip() for name in KEY)
    return (store, purchase_id) if purchase_id else None


class Scattered:
    """The purchases of a file whose rows stand in several places, found by a look through the whole of it.

    A purchase takes eight bytes meanwhile, and what is kept are hashes: two purchases of 64 equal bits are as good as none.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._found = _repeated(hash(key) for key in _runs(rows))

    def problem(self, rows: Sequence[Row]) -> Problem | None:
        """Return what is wrong with the rows of a purchase where others of its rows stand elsewhere."""
        key = _key(rows[0])
        if key is None or hash(key) not in self._found:
            return None
        said = (
            f"the rows of purchase {key[1]} stand in several places of the file: put them together, each of them once"
        )
        return Problem("purchase_id", said)


def _runs(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Yield the key of each run of rows that have the same."""
    before = None
    for row in rows:
        key = _key(row)
        if key is not None and key != before:
            yield key
        before = key


def _repeated(hashes: Iterable[int]) -> frozenset[int]:
    """Return those that come more than once; part by part, for a set of all of them would take eight times the room."""
    parts = [array("q") for _ in range(_PARTS)]
    for one in hashes:
        parts[one % _PARTS].append(one)
    found: set[int] = set()
    for part in parts:
        seen: set[int] = set()
        for one in part:
            (found if one in seen else seen).add(one)
    return frozenset(found)


def purchase_of(rows: Sequence[Row]) -> tuple[Mapping[str, Any], Sequence[Problem]]:
    """Return the rows of one purchase as the object that the API takes, and where the rows contradict each other."""
    problems: list[Problem] = []
    common: dict[str, Any] = {}
    lines = []
    for place, row in enumerate(rows):
        line, rest = _parted(row.values)
        lines.append({"line_id": str(place + 1), **line})
        for name, value in rest.items():
            if common.setdefault(name, value) != value:
                problems.append(Problem(name, f"line {row.number} contradicts line {rows[0].number} of this purchase"))
    return _nested(common) | {"lines": lines}, problems


def _parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    line: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in values.items():
        if name.startswith("fact."):
            line.setdefault("facts", {})[name.removeprefix("fact.")] = value
        elif name in _LINE:
            line[name] = value
        else:
            rest[name] = value
    return line, rest


def _nested(common: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in common.items():
        if name in _MEMBER:
            nested.setdefault("member", {})[name] = value
        elif name in _RECEIPT:
            nested.setdefault("receipt", {})[_RECEIPT[name]] = value
        elif name == "tenders":
            nested["tenders"] = _tenders(value)
        else:
            nested[name] = value
    return nested


def _tenders(value: Any) -> Any:
    """Read `card=35.00;gift_card=5.00`."""
    if not isinstance(value, str):
        return value
    parts = (part.partition("=") for part in value.split(";") if part.strip())
    return [{"kind": kind.strip(), "amount": paid.strip()} for kind, _, paid in parts]
