"""Which lines of a purchase a rule sees. Source: PROGRAMME.md, Line filters (the list there is complete)."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Protocol, assert_never

from rules.facts import Line


@dataclass(frozen=True, slots=True)
class Words:
    """A test of a word: one of `values`, or with `negated` none of them; a missing word is in no list."""

    values: frozenset[str]
    negated: bool = False

    def holds(self, word: str | None) -> bool:
        return (word in self.values) != self.negated


@dataclass(frozen=True, slots=True)
class Bounds:
    """A test of a number: at least, at most, both; `eq` is both at once."""

    at_least: int | Fraction | None = None
    at_most: int | Fraction | None = None

    def hold(self, number: int | Fraction) -> bool:
        return (self.at_least is None or number >= self.at_least) and (self.at_most is None or number <= self.at_most)


@dataclass(frozen=True, slots=True)
class BySku:
    skus: Words


@dataclass(frozen=True, slots=True)
class BySkuList:
    """Lists that are stored beside the document because they are too long for it."""

    lists: Words


@dataclass(frozen=True, slots=True)
class ByCategory:
    """A category is a path; a parent catches its children."""

    categories: Words


@dataclass(frozen=True, slots=True)
class ByBrand:
    brands: Words


@dataclass(frozen=True, slots=True)
class ByTag:
    """One of the line's tags is in the list, or with `not_in` none is."""

    tags: Words


@dataclass(frozen=True, slots=True)
class ByFact:
    """A named number or word that the till sent with the line; a line without it fails."""

    name: str
    test: Words | Bounds


LineTest = BySku | BySkuList | ByCategory | ByBrand | ByTag | ByFact
LineFilter = tuple[LineTest, ...]
"""All must hold; the empty filter sees every line."""


class SkuLists(Protocol):
    """The SKU lists stored beside a programme."""

    def __getitem__(self, name: str, /) -> frozenset[str]: ...


NO_LISTS: Mapping[str, frozenset[str]] = {}


@lru_cache(maxsize=65_536)
def ancestors(category: str) -> frozenset[str]:
    """Return a category path and all its parents: `a/b/c` gives `a`, `a/b` and `a/b/c`."""
    parts = category.split("/")
    return frozenset("/".join(parts[: i + 1]) for i in range(len(parts)))


def sees(line_filter: LineFilter, line: Line, lists: SkuLists) -> bool:
    """Tell whether `line` passes every test of the filter."""
    return all(_passes(test, line, lists) for test in line_filter)


def _passes(test: LineTest, line: Line, lists: SkuLists) -> bool:
    match test:
        case BySku(words):
            return words.holds(line.sku)
        case ByCategory(words):
            named = line.category is not None and not words.values.isdisjoint(ancestors(line.category))
            return named != words.negated
        case ByBrand(words):
            return words.holds(line.brand)
        case ByTag(words):
            return words.values.isdisjoint(line.tags) == words.negated
        case BySkuList(words):
            return any(line.sku in lists[name] for name in words.values) != words.negated
        case ByFact(name, wanted):
            return _fact_passes(wanted, line.facts.get(name))
        case _:
            assert_never(test)


def _fact_passes(wanted: Words | Bounds, fact: str | int | Fraction | None) -> bool:
    if isinstance(wanted, Words):
        return isinstance(fact, str) and wanted.holds(fact)
    return fact is not None and not isinstance(fact, str) and wanted.hold(fact)
