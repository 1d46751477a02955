"""What the catalogue fills in, as of the sale."""

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from loyalty_engine.services import catalogue, products, purchase_batches, purchases, sku_lists
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.store import products as store
from loyalty_engine.store.session import reading
from rules.errors import Invalid, NotFound
from rules.facts import Line
from tests.builders import ADMIN
from tests.ledger import TEA_CLUB, assert_clean, leaves, open_shop, rows, sold

pytestmark = pytest.mark.usefixtures("app")

MAY = date(2026, 5, 1)
DRY = "  - {id: dry, exclude: {tag: {in: [alcohol]}}}\n"


def filled(*lines: Line, on: date = MAY) -> tuple[Line, ...]:
    with reading() as connection:
        return catalogue.fill(catalogue.known_of(connection, lines), lines, on)


def tea(from_on: date | None, category: str) -> NewProduct:
    return NewProduct("TEA", category, "house", frozenset({"hot"}), from_on)


def test_a_bare_line_gets_category_brand_and_tags() -> None:
    products.put_many(ADMIN, [tea(None, "drinks/tea")])
    (line,) = filled(Line("1", "TEA", 1, 300))
    assert (line.category, line.brand, line.tags) == ("drinks/tea", "house", {"hot"})


@pytest.mark.parametrize(
    ("said", "category", "brand", "tags"),
    [
        (Line("1", "TEA", 1, 300, category="gifts"), "gifts", "house", {"hot"}),
        (Line("1", "TEA", 1, 300, brand="other"), "drinks/tea", "other", {"hot"}),
        (Line("1", "TEA", 1, 300, tags=frozenset({"clearance"})), "drinks/tea", "house", {"hot", "clearance"}),
        (Line("1", "TEA", 1, 300, category="gifts", brand="other"), "gifts", "other", {"hot"}),
    ],
)
def test_each_word_that_the_till_leaves_out_is_filled_in_by_itself(
    said: Line, category: str, brand: str, tags: set[str]
) -> None:
    products.put_many(ADMIN, [tea(None, "drinks/tea")])
    (line,) = filled(said)
    assert (line.category, line.brand, line.tags) == (category, brand, tags)


def test_a_line_that_lacks_nothing_is_left_as_it_is() -> None:
    products.put_many(ADMIN, [tea(None, "drinks/tea")])
    lines = (Line("1", "TEA", 1, 300, category="gifts", brand="other", tags=frozenset({"hot", "iced"})),)
    assert filled(*lines)[0] is lines[0]


def test_shipping_is_no_product() -> None:
    products.put_many(ADMIN, [tea(None, "drinks/tea")])
    shipping = Line("1", "TEA", 1, 300, kind="shipping")
    assert filled(shipping, Line("2", "TEA", 1, 300))[0] is shipping


@pytest.mark.parametrize(
    ("on", "category"),
    [
        (date(2026, 4, 30), "drinks"),
        (MAY, "drinks/tea"),
        (date(2026, 5, 2), "drinks/tea"),
        (date(1990, 1, 1), "drinks"),
    ],
)
def test_the_entry_of_the_day_of_the_sale_counts(on: date, category: str) -> None:
    products.put_many(ADMIN, [tea(MAY, "drinks/tea"), tea(None, "drinks")])
    (line,) = filled(Line("1", "TEA", 1, 300), on=on)
    assert line.category == category


def test_a_product_not_known_yet_stays_bare() -> None:
    products.put_many(ADMIN, [tea(MAY, "drinks/tea")])
    lines = (Line("1", "TEA", 1, 300), Line("2", "CAKE", 1, 300))
    assert filled(*lines, on=date(2026, 4, 30)) == lines


@pytest.mark.parametrize("by", [purchases.post, lambda actor, one: purchase_batches.post_many(actor, [one])])
def test_a_rule_sees_the_catalogues_tag_on_a_line_whose_category_the_till_says(by: Callable[..., object]) -> None:
    (member,) = open_shop(TEA_CLUB.replace("caps:\n", DRY + "caps:\n"), members=1)
    products.put_many(ADMIN, [NewProduct("WINE", tags=frozenset({"alcohol"}))])
    by(ADMIN, sold("p1", member, Line("1", "WINE", 1, 5000, category="gifts"), Line("2", "TEA", 1, 1000)))
    assert leaves(member)[0] == 10
    assert_clean()


def test_all_lines_cost_one_query(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    look_up = store.said_of
    monkeypatch.setattr(store, "said_of", lambda *call: asked.append(call[1]) or look_up(*call))
    filled(*(Line(str(n), f"P{n}", 1, 300) for n in range(100)))
    assert [len(skus) for skus in asked] == [100]


def test_an_entry_put_again_is_replayed_and_a_changed_one_replaces_it() -> None:
    assert [put.status for put in products.put_many(ADMIN, [tea(MAY, "drinks"), tea(MAY, "drinks")])] == [
        "posted",
        "replayed",
    ]
    assert [put.status for put in products.put_many(ADMIN, [tea(MAY, "drinks"), tea(MAY, "tea")])] == [
        "replayed",
        "posted",
    ]
    assert rows("SELECT category FROM products WHERE sku = 'TEA'") == [{"category": "tea"}]


@pytest.mark.parametrize(
    "wrong",
    [
        NewProduct("T" * 65),
        NewProduct("TEA\n\x07"),
        NewProduct("TEA", "drinks//tea"),
        NewProduct("TEA", "d" * 201),
        NewProduct("TEA", brand="b" * 65),
        NewProduct("TEA", tags=frozenset(str(n) for n in range(51))),
    ],
)
def test_a_wrong_entry_is_refused_and_the_others_are_kept(wrong: NewProduct) -> None:
    bad, good = products.put_many(ADMIN, [wrong, NewProduct("CAKE", "food")])
    assert (bad.status, bad.code, good.status) == ("refused", "product_invalid", "posted")
    assert rows("SELECT sku FROM products") == [{"sku": "CAKE"}]


def test_ninety_thousand_products_are_put_at_once() -> None:
    many = [NewProduct(str(n), f"grocery/aisle-{n % 300}", f"brand-{n % 50}") for n in range(92_331)]
    assert {put.status for put in products.put_many(ADMIN, many)} == {"posted"}
    assert rows("SELECT category FROM products WHERE sku = '92330'") == [{"category": "grocery/aisle-230"}]


def test_a_list_holds_what_was_put_last() -> None:
    assert sku_lists.put(ADMIN, "slow", ["A", "B", "B"]) == 2
    assert sku_lists.put(ADMIN, "slow", ["C"]) == 1
    assert (sku_lists.sizes(), sku_lists.skus("slow")) == ({"slow": 1}, {"C"})
    assert sku_lists.put(ADMIN, "slow", []) == 0
    assert (sku_lists.sizes(), sku_lists.skus("slow")) == ({"slow": 0}, frozenset())
    assert sku_lists.put(ADMIN, "slow", ["C"]) == 1
    assert (sku_lists.sizes(), sku_lists.skus("slow")) == ({"slow": 1}, {"C"})
    with pytest.raises(NotFound):
        sku_lists.skus("fast")
    with pytest.raises(Invalid):
        sku_lists.put(ADMIN, "slow", ["", "D"])
