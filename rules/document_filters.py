"""Reads and writes tests of words and numbers, and line filters (`lines`, `exclude`, `of`) made of them.

Source: PROGRAMME.md, Line filters; the list there is complete. Tests stand in the order of that list, so that the order
of keys changes nothing.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final, assert_never

from rules import filters as f
from rules.facts import MAX_FACT
from rules.reading import Fields, Place, Reader, each, named
from rules.reading_values import (
    decimal_text,
    identifier,
    number,
    word,
)
from rules.shown import shown

MAX_WORDS: Final = 50_000


def words(reader: Reader[str]) -> Reader[f.Words]:
    """Return a reader of `{in: […]}` or `{not_in: […]}`."""

    def read(place: Place) -> f.Words:
        if not isinstance(place.value, dict):
            raise place.wrong(f"{shown(place.value)} stands where a test belongs", "write {in: […]} or {not_in: […]}")
        fields = Fields(place)
        found = words_of(fields, reader)
        fields.close()
        return found

    return read


def words_of(fields: Fields, reader: Reader[str]) -> f.Words:
    def listed(place: Place) -> frozenset[str]:
        return frozenset(value for _, value in each(place, reader, MAX_WORDS))

    values = fields.one_of({"in": listed, "not_in": listed})
    return f.Words(values, fields.has("not_in"))


def category(place: Place) -> str:
    """Read a category: a path such as `drinks/coffee`, without empty parts."""
    found = word(place)
    if "" in found.split("/"):
        raise place.wrong(f"{shown(found)} has an empty part", 'write it as "drinks/coffee"')
    return found


def bounds_of(fields: Fields, reader: Reader[Any]) -> f.Bounds:
    equal = fields.may("eq", reader, None)
    low, high = fields.may("at_least", reader, None), fields.may("at_most", reader, None)
    if not fields.has("eq", "at_least", "at_most"):
        fields.place.note("there is no number to compare with", 'write "eq", "at_least" or "at_most"')
    if fields.has("eq") and fields.has("at_least", "at_most"):
        fields.place.note('"eq" excludes "at_least" and "at_most"', "write one or the other")
    if low is not None and high is not None and low > high:
        fields.place.note('"at_least" is more than "at_most", so nothing passes', "swap them")
    return f.Bounds(equal, equal) if equal is not None else f.Bounds(low, high)


def bounds(reader: Reader[Any]) -> Reader[f.Bounds]:
    """Return a reader of `{eq: 3}`, `{at_least: 1}`, `{at_most: 9}` or the last two together."""

    def read(place: Place) -> f.Bounds:
        if not isinstance(place.value, dict):
            raise place.wrong(f"{shown(place.value)} stands where a test belongs", "write {eq: …} or {at_least: …}")
        fields = Fields(place)
        found = bounds_of(fields, reader)
        fields.close()
        return found

    return read


_OF_ONE_FACT: Final = ("name", "in", "not_in", "eq", "at_least", "at_most")


def _facts(place: Place) -> f.LineFilter:
    """Read `{distance: {at_least: 500}, cabin: {in: [F]}}`, or of one fact `{name: distance, at_least: 500}`."""
    fields = Fields(place, "a map of fact to test such as {distance: {at_least: 500}}")
    if any(fields.has(key) and not isinstance(place.at(key).value, dict) for key in _OF_ONE_FACT):
        name, test = fields.need("name", identifier), _test_of_fact(fields)
        fields.close()
        return (f.ByFact(name, test),)
    if not fields.written:
        raise place.wrong("no fact is named here", "write {distance: {at_least: 500}}")
    tests = {name: fields.need(name, _fact) for name in named(fields, identifier)}
    fields.close()
    return tuple(f.ByFact(name, tests[name]) for name in sorted(tests))


def _fact(place: Place) -> f.Words | f.Bounds:
    fields = Fields(place, "a test such as {at_least: 500} or {in: [F]}")
    test = _test_of_fact(fields)
    fields.close()
    return test


def _test_of_fact(fields: Fields) -> f.Words | f.Bounds:
    if fields.has("in", "not_in"):
        return words_of(fields, word)
    found = bounds_of(fields, number(MAX_FACT, True))
    fields.knows("in", "not_in")
    return found


def _sku_list(place: Place) -> str:
    found, there_are = identifier(place), place.around.names.get("sku_list")
    if there_are is not None and found not in there_are:
        place.note(f'there is no SKU list "{found}"', place.nearest(found, there_are, "put the list first"))
    return found


_LINE_TESTS: Final[Mapping[str, Reader[f.LineFilter]]] = {
    "sku": lambda place: (f.BySku(words(word)(place)),),
    "sku_list": lambda place: (f.BySkuList(words(_sku_list)(place)),),
    "category": lambda place: (f.ByCategory(words(category)(place)),),
    "brand": lambda place: (f.ByBrand(words(word)(place)),),
    "tag": lambda place: (f.ByTag(words(word)(place)),),
    "fact": _facts,
}


def line_filter(place: Place) -> f.LineFilter:
    """Read which lines are meant: a mapping of `sku`, `sku_list`, `category`, `brand`, `tag`, `fact`; all must hold."""
    fields = Fields(place, "a filter such as {category: {in: [coffee]}}")
    tests = [fields.may(kind, reader, None) for kind, reader in _LINE_TESTS.items()]
    if not place.value:
        place.note("the filter names no test", "write {category: {in: […]}}, or leave it out for all lines")
    fields.close()
    return tuple(test for several in tests for test in several or ())


def write_line_filter(tests: f.LineFilter) -> dict[str, Any]:
    """Return the filter as `line_filter` reads it."""
    written = dict(_write_line_test(test) for test in tests)
    facts = [test for test in tests if isinstance(test, f.ByFact)]
    return written | ({"fact": {one.name: _write_fact(one.test) for one in facts}} if len(facts) > 1 else {})


def _write_line_test(test: f.LineTest) -> tuple[str, dict[str, Any]]:
    match test:
        case f.BySku(tested):
            return "sku", write_words(tested)
        case f.BySkuList(tested):
            return "sku_list", write_words(tested)
        case f.ByCategory(tested):
            return "category", write_words(tested)
        case f.ByBrand(tested):
            return "brand", write_words(tested)
        case f.ByTag(tested):
            return "tag", write_words(tested)
        case f.ByFact(name, wanted):
            return "fact", {"name": name, **_write_fact(wanted)}
        case _:
            assert_never(test)


def _write_fact(wanted: f.Words | f.Bounds) -> dict[str, Any]:
    return write_words(wanted) if isinstance(wanted, f.Words) else write_bounds(wanted, plain_number)


def write_words(tested: f.Words) -> dict[str, Any]:
    """Return `{in: […]}` or `{not_in: […]}`, in alphabetical order."""
    return {"not_in" if tested.negated else "in": sorted(tested.values)}


def write_bounds(limits: f.Bounds, written: Callable[[Any], Any]) -> dict[str, Any]:
    if limits.at_least is not None and limits.at_least == limits.at_most:
        return {"eq": written(limits.at_least)}
    named = {"at_least": limits.at_least, "at_most": limits.at_most}
    return {key: written(limit) for key, limit in named.items() if limit is not None}


def plain_number(value: int | Fraction) -> int | str:
    return int(value) if value == int(value) else decimal_text(Fraction(value))
