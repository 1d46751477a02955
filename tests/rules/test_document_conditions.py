"""The problems of conditions and line filters: each told at its path, with what would be right."""

from typing import Any

import pytest

from tests.rules.documents import changed, problems

WRONG: list[tuple[str, Any, list[str]]] = [
    (
        "accrual[4].exclude",
        {},
        ["accrual[4].exclude: the filter names no test (write {category: {in: […]}}, or leave it out for all lines)"],
    ),
    (
        "accrual[2].lines",
        {},
        ["accrual[2].lines: the filter names no test (write {category: {in: […]}}, or leave it out for all lines)"],
    ),
    (
        "accrual[2].lines",
        [],
        ["accrual[2].lines: a list stands where a filter such as {category: {in: [coffee]}} belongs"],
    ),
    (
        "accrual[2].lines",
        {"categry": {"in": ["a"]}},
        ['accrual[2].lines.categry: unknown key "categry" (did you mean "category"?)'],
    ),
    (
        "accrual[2].lines",
        {"category": "coffee"},
        ['accrual[2].lines.category: "coffee" stands where a test belongs (write {in: […]} or {not_in: […]})'],
    ),
    (
        "accrual[2].lines",
        {"category": {"in": "coffee"}},
        ['accrual[2].lines.category.in: "coffee" stands where a list belongs (write it in [ ])'],
    ),
    (
        "accrual[2].lines",
        {"category": {"in": []}},
        ["accrual[2].lines.category.in: the list is empty (name at least one, or leave it out)"],
    ),
    (
        "accrual[2].lines",
        {"category": {"in": ["a"], "not_in": ["b"]}},
        ['accrual[2].lines.category: "in" and "not_in" exclude each other (write one of "in", "not_in")'],
    ),
    ("accrual[2].lines", {"category": {}}, ['accrual[2].lines.category: one of "in", "not_in" is missing']),
    (
        "accrual[2].lines",
        {"category": {"in": ["coffee/"]}},
        ['accrual[2].lines.category.in[0]: "coffee/" has an empty part (write it as "drinks/coffee")'],
    ),
    (
        "accrual[2].lines",
        {"sku": {"in": [42]}},
        ["accrual[2].lines.sku.in[0]: 42 stands where text belongs (put it in quotes)"],
    ),
    (
        "accrual[2].lines",
        {"fact": {"name": "distance"}},
        ['accrual[2].lines.fact: there is no number to compare with (write "eq", "at_least" or "at_most")'],
    ),
    ("accrual[2].lines", {"fact": {"at_least": 3}}, ['accrual[2].lines.fact.name: "name" is missing']),
    (
        "accrual[2].lines",
        {"fact": {}},
        ["accrual[2].lines.fact: no fact is named here (write {distance: {at_least: 500}})"],
    ),
    (
        "accrual[2].lines",
        {"fact": {"Distance": {"at_lest": 3}, "cabin": "F", "class": {"nt_in": ["F"]}}},
        [
            (
                'accrual[2].lines.fact.Distance: "Distance" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or'
                " digit)"
            ),
            'accrual[2].lines.fact.Distance.at_lest: unknown key "at_lest" (did you mean "at_least"?)',
            'accrual[2].lines.fact.cabin: "F" stands where a test such as {at_least: 500} or {in: [F]} belongs',
            'accrual[2].lines.fact.class.nt_in: unknown key "nt_in" (did you mean "not_in"?)',
        ],
    ),
    (
        "accrual[2].lines",
        {"fact": {"name": "d", "at_least": 9, "at_most": 3}},
        ['accrual[2].lines.fact: "at_least" is more than "at_most", so nothing passes (swap them)'],
    ),
    ("accrual[2].when", {}, ["accrual[2].when: the condition asks for nothing (name what must hold, or leave it out)"]),
    ("accrual[2].when", None, ['accrual[2].when: nothing is written here (give "when" a value, or leave it out)']),
    (
        "accrual[2].when",
        "weekend",
        ['accrual[2].when: "weekend" stands where a condition such as {weekday: {in: [sat]}} belongs'],
    ),
    (
        "accrual[2].when",
        {"wekday": {"in": ["mon"]}},
        ['accrual[2].when.wekday: unknown key "wekday" (did you mean "weekday"?)'],
    ),
    (
        "accrual[2].when",
        {"weekday": {"in": ["monday"]}},
        [
            'accrual[2].when.weekday.in[0]: "monday" is none of mon | tue | wed | thu | fri | sat | sun (did you mean "mon"?)'
        ],
    ),
    (
        "accrual[2].when",
        {"weekday": {"not_in": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}},
        ["accrual[2].when.weekday: no day of the week is left"],
    ),
    (
        "accrual[2].when",
        {"time": {"from": "07:00", "to": "07:00"}},
        ["accrual[2].when.time.to: the span ends when it starts (leave the whole test out if all day is meant)"],
    ),
    (
        "accrual[2].when",
        {"time": {"from": "07:00", "to": "24:00"}},
        ['accrual[2].when.time.to: "24:00" is not a time of day (write "00:00")'],
    ),
    ("accrual[2].when", {"time": {"from": "07:00"}}, ['accrual[2].when.time.to: "to" is missing']),
    (
        "accrual[2].when",
        {"date": {"from": "2026-12-02", "to": "2026-12-02"}},
        ['accrual[2].when.date.to: "to" must come after "from" (2026-12-02) (the day of "to" itself no longer counts)'],
    ),
    ("accrual[2].when", {"date": {}}, ['accrual[2].when.date: there is no date (write "from", "to" or both)']),
    (
        "accrual[2].when",
        {"day_of_month": {"in": [0]}},
        ["accrual[2].when.day_of_month.in[0]: 0 is out of bounds (write a number from 1 to 31)"],
    ),
    (
        "accrual[2].when",
        {"day_of_month": {"in": ["first"]}},
        ['accrual[2].when.day_of_month.in[0]: "first" is neither a day from 1 to 31 nor last'],
    ),
    (
        "accrual[2].when",
        {"spent": {}},
        ['accrual[2].when.spent: there is no number to compare with (write "eq", "at_least" or "at_most")'],
    ),
    (
        "accrual[2].when",
        {"spent": {"at_least": "20.001"}},
        [
            'accrual[2].when.spent.at_least: "20.001" is not an amount in CNY (write digits with at most 2 decimals, such as "12.30")'
        ],
    ),
    (
        "accrual[2].when",
        {"spent": {"at_least": "20.00", "at_most": "10.00"}},
        ['accrual[2].when.spent: "at_least" is more than "at_most", so nothing passes (swap them)'],
    ),
    (
        "accrual[2].when",
        {"units": {"eq": 2, "at_most": 3}},
        ['accrual[2].when.units: "eq" excludes "at_least" and "at_most" (write one or the other)'],
    ),
    (
        "accrual[2].when",
        {"units": {"at_least": "many"}},
        ['accrual[2].when.units.at_least: "many" is not a whole number (write digits, such as 100)'],
    ),
    (
        "accrual[2].when",
        {"level": {"in": ["silver"]}},
        ['accrual[2].when.level.in[0]: there is no level "silver" (there are: gold, green)'],
    ),
    (
        "accrual[2].when",
        {"level": {"in": ["gren"]}},
        ['accrual[2].when.level.in[0]: there is no level "gren" (did you mean "green"?)'],
    ),
    ("accrual[2].when", {"birthday": "year"}, ['accrual[2].when.birthday: "year" is none of day | week | month']),
    (
        "accrual[2].when",
        {"age": {"at_least": 151}},
        ["accrual[2].when.age.at_least: 151 is out of bounds (write a number from 0 to 150)"],
    ),
    (
        "accrual[2].when",
        {"member_for": "0 days"},
        ['accrual[2].when.member_for: "0 days" is out of bounds (write 1 to 36525 days)'],
    ),
    ("accrual[2].when", {"attribute": {"in": ["x"]}}, ['accrual[2].when.attribute.name: "name" is missing']),
    ("accrual[2].when", {"all": []}, ["accrual[2].when.all: the list is empty (name at least one, or leave it out)"]),
    (
        "accrual[2].when",
        {"not": [{"birthday": "day"}]},
        ["accrual[2].when.not: a list stands where a condition such as {weekday: {in: [sat]}} belongs"],
    ),
    (
        "accrual[2].when",
        {"any": [{"birthday": "day"}, {"store": {"in": []}}]},
        ["accrual[2].when.any[1].store.in: the list is empty (name at least one, or leave it out)"],
    ),
    (
        "occasions[0].needs",
        {"store": {"in": ["s1"]}},
        ["occasions[0].needs.store: there is no purchase here that could be asked for this (leave it out)"],
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(changed(path, value)) == expected
