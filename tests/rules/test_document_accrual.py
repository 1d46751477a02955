"""The problems of rules, caps and events: each told at its path, with what would be right."""

from typing import Any

import pytest

from tests.rules.documents import GONE, changed, problems

WRONG: list[tuple[str, Any, list[str]]] = [
    (
        "accrual",
        [],
        [
            "accrual: the list is empty (name at least one, or leave it out)",
            'caps[0].rules[0]: there is no rule "base" (the document names no rule)',
            'caps[0].rules[1]: there is no rule "early" (the document names no rule)',
            'tiers.levels[1].multiply: no rule earns points in "beans", so there is nothing to multiply',
        ],
    ),
    (
        "accrual[0].id",
        "early",
        [
            'accrual[2].id: "early" is the id of accrual[0] already (give each its own id)',
            'caps[0].rules[0]: there is no rule "base" (there are: early, hello, miles, no-clearance, stamp)',
        ],
    ),
    ("accrual[0].wallet", "bean", ['accrual[0].wallet: there is no wallet "bean" (did you mean "beans"?)']),
    ("accrual[0].wallet", GONE, ['accrual[0].wallet: "wallet" is missing']),
    ("accrual[0].wallet", 3, ["accrual[0].wallet: 3 stands where the id of a wallet belongs"]),
    ("accrual[0].earn", GONE, ['accrual[0]: one of "earn", "multiply", "bonus", "exclude" is missing']),
    (
        "accrual[0].bonus",
        5,
        ['accrual[0]: "earn" and "bonus" exclude each other (write one of "earn", "multiply", "bonus", "exclude")'],
    ),
    ("accrual[3].bonus", 0, ["accrual[3].bonus: 0 is out of bounds (write a number from 1 to 1000000000)"]),
    (
        "accrual[3].bonus",
        1000000001,
        ["accrual[3].bonus: 1000000001 is out of bounds (write a number from 1 to 1000000000)"],
    ),
    (
        "accrual[3].bonus",
        1.5,
        ["accrual[3].bonus: 1.5 came as a binary fraction, which is not exact (write it in quotes)"],
    ),
    (
        "accrual[0].earn.points",
        0,
        ["accrual[0].earn.points: 0 is out of bounds (write a number above 0 up to 1000000000)"],
    ),
    ("accrual[0].earn.per", "0.00", ["accrual[0].earn.per: the amount is 0 (write an amount above 0)"]),
    (
        "accrual[0].earn.per",
        "1.005",
        [
            'accrual[0].earn.per: "1.005" is not an amount in CNY (write digits with at most 2 decimals, such as "12.30")'
        ],
    ),
    (
        "accrual[0].earn.per",
        1.5,
        ["accrual[0].earn.per: 1.5 came as a binary fraction, which is not exact (write it in quotes)"],
    ),
    ("accrual[0].earn.each", "unit", ['accrual[0].earn.each: it means nothing beside "per" (leave it out)']),
    ("accrual[0].earn.whole", "true", ['accrual[0].earn.whole: "true" is neither true nor false']),
    (
        "accrual[0].earn.per",
        GONE,
        ['accrual[0].earn: neither "per" nor "each" is written (write per: "1.00" for money, or each: unit)'],
    ),
    ("accrual[1].earn.at_least", 5, ['accrual[1].earn.at_least: it means nothing with "each: unit" (leave it out)']),
    (
        "accrual[1].earn.each",
        "Unit",
        ['accrual[1].earn.each: "Unit" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'],
    ),
    (
        "accrual[5].earn.by",
        {},
        ["accrual[5].earn.by: a table of rates goes by one fact (write {booking_class: {F: 150%, Y: 100%}})"],
    ),
    (
        "accrual[5].earn.by",
        {"cabin": {}},
        ["accrual[5].earn.by: the table is empty (write {booking_class: {F: 150%, Y: 100%}})"],
    ),
    (
        "accrual[5].earn.by",
        {"cabin": {"F": "x"}},
        ['accrual[5].earn.by.cabin.F: "x" is not a number (write at most 6 decimals, such as 1.5)'],
    ),
    ("accrual[5].earn.by", {"cabin": {1: "100%"}}, ["accrual[5].earn.by.cabin: the key 1 is not text (quote it)"]),
    (
        "accrual[5].earn.by",
        {"cabin": {"F": 1}, "fare": {"Y": 1}},
        ["accrual[5].earn.by: a table of rates goes by one fact (write {booking_class: {F: 150%, Y: 100%}})"],
    ),
    ("accrual[2].multiply", 1, ["accrual[2].multiply: 1 adds nothing (write more than 1; 2 adds as much again)"]),
    (
        "accrual[2].multiply",
        "0.5",
        ['accrual[2].multiply: "0.5" adds nothing (write more than 1; 2 adds as much again)'],
    ),
    ("accrual[2].multiply", 1001, ["accrual[2].multiply: 1001 is out of bounds (write a number above 0 up to 1000)"]),
    (
        "accrual[2].multiply",
        2.5,
        ["accrual[2].multiply: 2.5 came as a binary fraction, which is not exact (write it in quotes)"],
    ),
    (
        "accrual[2].wallet",
        "idle",
        [
            'accrual[2].multiply: no rule earns points in "idle", so there is nothing to multiply (add a rule with earn)',
            'accrual[3].exclusive: the group "hours" lies in the wallet "idle" of "early", this rule in "beans" (name another group)',
            'caps[0].rules[1]: "early" gives points of "idle", this cap limits "beans" (leave it out)',
        ],
    ),
    (
        "accrual[2].from",
        "2027-01-01T00:00",
        ['accrual[2].to: "to" must come after "from" (2027-01-01T00:00); it is exclusive'],
    ),
    (
        "accrual[2].from",
        "2026-12-01",
        [
            'accrual[2].from: "2026-12-01" is not a local date and time (write it as "2026-12-01T00:00", without an offset: it is a time of the programme\'s zone)'
        ],
    ),
    (
        "accrual[2].from",
        "2026-12-01T00:00+08:00",
        [
            'accrual[2].from: "2026-12-01T00:00+08:00" is not a local date and time (write it as "2026-12-01T00:00", without an offset: it is a time of the programme\'s zone)'
        ],
    ),
    (
        "accrual[2].from",
        "2026-02-30T00:00",
        [
            'accrual[2].from: "2026-02-30T00:00" is not a local date and time (write it as "2026-12-01T00:00", without an offset: it is a time of the programme\'s zone)'
        ],
    ),
    (
        "accrual[2].to",
        "2026-12-01T24:00",
        [
            'accrual[2].to: "2026-12-01T24:00" is not a local date and time (write it as "2026-12-01T00:00", without an offset: it is a time of the programme\'s zone)'
        ],
    ),
    (
        "accrual[2].exclusive",
        GONE,
        ['accrual[2].priority: a priority means something only in an exclusive group (name one in "exclusive")'],
    ),
    (
        "accrual[1].exclusive",
        "hours",
        [
            'accrual[2].exclusive: the group "hours" lies in the wallet "stamps" of "stamp", this rule in "beans" (name another group)',
            'accrual[2].exclusive: the group "hours" mixes rules that earn with multipliers or bonuses ("stamp") (give the rules that earn a group of their own)',
            'accrual[3].exclusive: the group "hours" lies in the wallet "stamps" of "stamp", this rule in "beans" (name another group)',
            'accrual[3].exclusive: the group "hours" mixes rules that earn with multipliers or bonuses ("stamp") (give the rules that earn a group of their own)',
        ],
    ),
    (
        "accrual[0].exclusive",
        "hours",
        [
            'accrual[2].exclusive: the group "hours" mixes rules that earn with multipliers or bonuses ("base") (give the rules that earn a group of their own)',
            'accrual[3].exclusive: the group "hours" mixes rules that earn with multipliers or bonuses ("base") (give the rules that earn a group of their own)',
        ],
    ),
    (
        "accrual[4].wallet",
        "beans",
        ["accrual[4].wallet: a rule that takes lines out, for every wallet, has no use for it (leave it out)"],
    ),
    (
        "accrual[4].priority",
        3,
        ["accrual[4].priority: a rule that takes lines out, for every wallet, has no use for it (leave it out)"],
    ),
    ("accrual[2].multiplyy", 2, ['accrual[2].multiplyy: unknown key "multiplyy" (did you mean "multiply"?)']),
    (
        "caps[0].rules",
        ["base", "stamp"],
        ['caps[0].rules[1]: "stamp" gives points of "stamps", this cap limits "beans" (leave it out)'],
    ),
    (
        "caps[0].rules",
        ["no-clearance"],
        ['caps[0].rules[0]: "no-clearance" gives no points that a cap could limit (leave it out)'],
    ),
    ("caps[0].rules", ["basic"], ['caps[0].rules[0]: there is no rule "basic" (did you mean "base"?)']),
    ("caps[0].rules", [], ["caps[0].rules: the list is empty (name at least one, or leave it out)"]),
    ("caps[0].id", "c" * 58, []),
    ("caps[0].id", "c" * 59, [f"caps[0].id: {'c' * 59} is too long for a cap (write at most 58 characters)"]),
    ("caps[0].points", 0, ["caps[0].points: 0 is out of bounds (write a number from 1 to 1000000000)"]),
    ("caps[0].per", "hour", ['caps[0].per: "hour" is none of purchase | day | week | month | year | ever']),
    ("caps[0].over", "all", ['caps[0].over: "all" is none of member | everyone']),
    (
        "caps[0]",
        {"id": "x", "wallet": "beans", "rules": ["base"], "per": "purchase", "over": "everyone", "points": 5},
        ['caps[0].over: a purchase has one member: there is no everyone to share the cap (leave "over" out)'],
    ),
    (
        "caps[1]",
        {"id": "a-day", "wallet": "beans", "rules": ["base"], "per": "day", "points": 1},
        ['caps[1].id: "a-day" is the id of caps[0] already (give each its own id)'],
    ),
    ("events[0].cap.per", "purchase", ['events[0].cap.per: "purchase" is none of day | week | month | year | ever']),
    ("events[0].once_per", ["sku", "sku"], ['events[0].once_per[1]: "sku" is listed twice (name it once)']),
    (
        "events[0].points",
        "30 points",
        ['events[0].points: "30 points" is not a whole number (write digits, such as 100)'],
    ),
    (
        "events[1].pending",
        "a while",
        ['events[1].pending: "a while" is not a length of time (write it as "30 days" or "12 months")'],
    ),
    ("events[1].pending", {}, ['events[1].pending.until: "until" is missing']),
    (
        "events[1].pending.until",
        "it is checked",
        [
            (
                "events[1].pending.until:"
                ' "it is checked" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'
            )
        ],
    ),
    (
        "events[1].pending.after",
        "7 days",
        ['events[1].pending.after: unknown key "after" (known here: "until")'],
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(changed(path, value)) == expected
