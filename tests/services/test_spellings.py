"""What tills write in their own ways is understood alike at every door: cards, taxes, and the day of a sale."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from loyalty_engine.services import catalogue, enrolment, products, stores
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.imports.records import NewProduct
from loyalty_engine.services.purchase_batches import post_many
from loyalty_engine.services.sites import filled, site_of
from loyalty_engine.store.places import Store
from loyalty_engine.store.session import reading
from rules.facts import Line, Purchase
from tests.builders import ADMIN
from tests.conftest import FrozenClock
from tests.ledger import assert_clean, open_shop, post, said, sold

CARD = "8800000000000013"


@pytest.fixture(autouse=True)
def shop(app: Flask, frozen_clock: FrozenClock) -> None:
    open_shop()


@pytest.mark.parametrize("written", [CARD, "8800 0000 0000 0013", "8800-0000-0000-0013"])
def test_a_card_is_known_however_it_is_typed(written: str) -> None:
    (member,) = enrolment.enrol_many(ADMIN, [NewMember(cards=(CARD,))])
    assert said(post(sold("p1", None, card=written)))["member_id"] == member.member_id
    assert [one.status for one in post_many(ADMIN, [sold("p2", None, card=written)])] == ["posted"]
    assert_clean()


@pytest.mark.parametrize(("tax", "reason"), [(1_199, None), (1_200, None), (1_201, "sums_disagree")])
def test_a_line_has_no_more_tax_in_it_than_it_costs(tax: int, reason: str | None) -> None:
    ann, *_ = open_shop()
    told: dict[str, Any] = said(post(sold("p1", ann, Line("1", "SKU-1", 1, 1_200, tax_minor=tax, category="tea"))))
    assert told.get("reason") == reason


@pytest.mark.parametrize(("own", "known"), [(None, True), ("America/New_York", False)])
def test_the_catalogue_is_asked_by_the_stores_clock_or_else_the_programmes(own: str | None, known: bool) -> None:
    """In Shanghai, where the programme is, the 23rd begins at 16:00 UTC; in New York thirteen hours later."""
    stores.put_store(ADMIN, Store("far", "tea-house", "Far", own))
    products.put_many(ADMIN, [NewProduct("TEA", "drinks/tea", None, frozenset(), date(2026, 11, 23))])
    purchase = Purchase(datetime(2026, 11, 22, 16, 0, tzinfo=UTC), (Line("1", "TEA", 1, 300),), "CNY")
    with reading() as connection:
        said = catalogue.known_of(connection, purchase.lines)
        (told,) = filled(connection, purchase, site_of(connection, ADMIN, "far"), said).lines
    assert (told.category == "drinks/tea") == known
