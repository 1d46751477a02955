"""CDNOW's purchases, the import path's real input: every row of the file, and its sums."""

import re
from collections import Counter

import pytest

from loyalty_engine.services.imports.identity import file_hash
from loyalty_engine.services.intake import MemberReference, PostedPurchase
from tests import cdnow


@pytest.fixture(scope="module")
def posted() -> list[PostedPurchase]:
    return list(cdnow.purchases(cdnow.cdnow_file(), lambda customer: MemberReference(member_id=customer)))


def test_the_file_is_the_one_that_these_figures_were_taken_from() -> None:
    assert file_hash(cdnow.cdnow_file()) == "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"


def test_every_row_is_a_purchase_of_a_customer(posted: list[PostedPurchase]) -> None:
    assert len(posted) == 69_659
    assert len({purchase.member for purchase in posted}) == 23_570


def test_the_dollars_and_the_disks_add_up_to_those_of_the_file(posted: list[PostedPurchase]) -> None:
    lines = [purchase.purchase.lines[0] for purchase in posted]
    assert sum(line.amount_minor for line in lines) == 250_031_563
    assert sum(line.quantity for line in lines) == 167_881
    assert sum(line.amount_minor == 0 for line in lines) == 80


def test_rows_that_equal_another_are_purchases_of_their_own(posted: list[PostedPurchase]) -> None:
    equal = Counter(
        (purchase.member, purchase.purchase.occurred_at, purchase.purchase.lines[0].quantity,
         purchase.purchase.lines[0].amount_minor)
        for purchase in posted
    )  # fmt: skip
    assert sum(equal.values()) - len(equal) == 255
    assert len({purchase.purchase_id for purchase in posted}) == 69_659


def test_the_names_of_the_rows_are_purchase_ids(posted: list[PostedPurchase]) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", purchase.purchase_id) for purchase in posted)


def test_the_days_reach_from_the_first_of_1997_to_the_middle_of_1998(posted: list[PostedPurchase]) -> None:
    days = [purchase.purchase.occurred_at.date().isoformat() for purchase in posted]
    assert (min(days), max(days)) == ("1997-01-01", "1998-06-30")
