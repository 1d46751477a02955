"""The problems of examples: each told at its path, with what would be right."""

from decimal import Decimal
from typing import Any

import pytest

from tests.rules.documents import changed, problems

WRONG: list[tuple[str, Any, list[str]]] = [
    ("examples[0].gives", {}, ["examples[0].gives: the example promises nothing (write {wallet: points})"]),
    ("examples[0].gives", {"bean": 3}, ['examples[0].gives.bean: there is no wallet "bean" (did you mean "beans"?)']),
    (
        "examples[0].gives.beans",
        -1,
        ["examples[0].gives.beans: -1 is out of bounds (write a number from 0 to 1000000000)"],
    ),
    ("examples[0].member", {"levl": "gold"}, ['examples[0].member.levl: unknown key "levl" (did you mean "level"?)']),
    (
        "examples[0].member",
        {"level": "silver"},
        ['examples[0].member.level: there is no level "silver" (there are: gold, green)'],
    ),
    (
        "examples[0].member",
        {"birthday": {"month": 2, "day": 30}},
        ["examples[0].member.birthday.day: the month has no day 30 (write 1 to 29)"],
    ),
    (
        "examples[0].member",
        {"birthday": {"month": 2, "day": 3, "leap_month": True}},
        ["examples[0].member.birthday.leap_month: only the lunar calendar has leap months (write calendar: lunar)"],
    ),
    (
        "examples[0].member",
        {"joined_on": "2026-13-01"},
        ['examples[0].member.joined_on: "2026-13-01" is not a date (write it as "2026-12-31", from 1900 to 2199)'],
    ),
    (
        "examples[0].purchase.occurred_at",
        "2026-11-22T09:41",
        [
            'examples[0].purchase.occurred_at: "2026-11-22T09:41" is not a time with an offset (write it as "2026-11-22T09:41+08:00")'
        ],
    ),
    (
        "examples[0].purchase.lines",
        [],
        ["examples[0].purchase.lines: the list is empty (name at least one, or leave it out)"],
    ),
    (
        "examples[0].purchase.lines[0].amount",
        3.5,
        [
            "examples[0].purchase.lines[0].amount: 3.5 came as a binary fraction, which is not exact (write it in quotes)"
        ],
    ),
    (
        "examples[0].purchase.lines[0].amount",
        "-3.50",
        [
            'examples[0].purchase.lines[0].amount: "-3.50" is not an amount in CNY (write digits with at most 2 decimals, such as "12.30")'
        ],
    ),
    (
        "examples[0].purchase.lines[0].amount",
        "3,50",
        [
            'examples[0].purchase.lines[0].amount: "3,50" is not an amount in CNY (write digits with at most 2 decimals, such as "12.30")'
        ],
    ),
    (
        "examples[0].purchase.lines[0].quantity",
        -1,
        ["examples[0].purchase.lines[0].quantity: -1 is out of bounds (write a number from 0 to 1000000)"],
    ),
    (
        "examples[0].purchase.lines[0].tax",
        "3.51",
        ["examples[0].purchase.lines[0].tax: the tax is more than the amount, which contains it"],
    ),
    (
        "examples[0].purchase.lines[0].facts",
        {"Distance": 1},
        [
            'examples[0].purchase.lines[0].facts.Distance: "Distance" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'
        ],
    ),
    (
        "examples[0].purchase.lines[0].facts",
        {"distance": Decimal("1.5")},
        ["examples[0].purchase.lines[0].facts.distance: 1.5 is neither a whole number nor a word"],
    ),
    (
        "examples[0].purchase.order_discount",
        "3.51",
        ["examples[0].purchase.order_discount: the discount is more than the lines come to, 3.50"],
    ),
    (
        "examples[0].purchase.tenders",
        [{"kind": "card"}],
        ['examples[0].purchase.tenders[0].amount: "amount" is missing'],
    ),
    (
        "examples[0].purchase.lines[1]",
        {"line_id": "1", "sku": "X", "amount": "1"},
        ['examples[0].purchase.lines[1].line_id: "1" is the id of an earlier line already (give each its own)'],
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(changed(path, value)) == expected
