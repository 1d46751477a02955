from fractions import Fraction

import pytest

from rules.filters import (
    Bounds,
    ByBrand,
    ByCategory,
    ByFact,
    BySku,
    BySkuList,
    ByTag,
    LineTest,
    Words,
    ancestors,
    sees,
)
from tests.rules.samples import line, words

LISTS = {"wines": frozenset({"W1", "W2"}), "cheap": frozenset({"C1"})}
LATTE = line(
    "1",
    sku="LATTE",
    category="drinks/coffee/hot",
    brand="house",
    tags=frozenset({"hot", "new"}),
    facts={"class": "Y", "distance": 500, "weight": Fraction(1, 2)},
)
BARE = line("2", sku="BARE")


@pytest.mark.parametrize(
    ("test", "latte", "bare"),
    [
        (BySku(words("LATTE")), True, False),
        (BySku(words("LATTE", negated=True)), False, True),
        (BySkuList(words("wines")), False, False),
        (BySkuList(words("wines", negated=True)), True, True),
        (ByCategory(words("drinks")), True, False),
        (ByCategory(words("drinks/coffee")), True, False),
        (ByCategory(words("drinks/coffee/hot")), True, False),
        (ByCategory(words("drinks/coffee/hot/large")), False, False),
        (ByCategory(words("drinks/cof")), False, False),
        (ByCategory(words("coffee")), False, False),
        (ByCategory(words("drinks", negated=True)), False, True),
        (ByBrand(words("house", "guest")), True, False),
        (ByBrand(words("house", negated=True)), False, True),
        (ByTag(words("hot", "cold")), True, False),
        (ByTag(words("cold")), False, False),
        (ByTag(words("new", "cold", negated=True)), False, True),
        (ByFact("class", words("F", "Y")), True, False),
        (ByFact("class", words("F", negated=True)), True, False),
        (ByFact("distance", words("500")), False, False),
        (ByFact("distance", Bounds(501, None)), False, False),
        (ByFact("distance", Bounds(500, 500)), True, False),
        (ByFact("distance", Bounds(None, 499)), False, False),
        (ByFact("weight", Bounds(Fraction(1, 2), 1)), True, False),
        (ByFact("class", Bounds(0, None)), False, False),
    ],
)
def test_each_kind_of_line_filter(test: LineTest, latte: bool, bare: bool) -> None:
    assert (sees((test,), LATTE, LISTS), sees((test,), BARE, LISTS)) == (latte, bare)


def test_a_sku_list_is_looked_up_by_name() -> None:
    assert sees((BySkuList(words("wines", "cheap")),), line("1", sku="C1"), LISTS)
    assert not sees((BySkuList(words("wines")),), line("1", sku="C1"), LISTS)


def test_the_empty_filter_sees_every_line_and_otherwise_all_tests_must_pass() -> None:
    assert sees((), BARE, LISTS)
    assert sees((BySku(words("LATTE")), ByTag(words("hot"))), LATTE, LISTS)
    assert not sees((BySku(words("LATTE")), ByTag(words("cold"))), LATTE, LISTS)


def test_a_missing_word_is_in_no_list() -> None:
    assert not Words(frozenset({"a"})).holds(None)
    assert Words(frozenset({"a"}), negated=True).holds(None)


@pytest.mark.parametrize(("number", "holds"), [(4, False), (5, True), (6, True), (7, True), (8, False)])
def test_bounds_hold_on_both_their_ends(number: int, holds: bool) -> None:
    assert Bounds(5, 7).hold(number) is holds


def test_a_category_has_itself_and_all_its_parents() -> None:
    assert ancestors("a/b/c") == {"a", "a/b", "a/b/c"}
