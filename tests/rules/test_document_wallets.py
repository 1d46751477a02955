"""The problems of wallets, and of what stands above them: each told at its path, with what would be right."""

from decimal import Decimal
from typing import Any

import pytest

from tests.rules.documents import GONE, changed, problems

WRONG: list[tuple[str, Any, list[str]]] = [
    (
        "programme",
        "Small",
        ['programme: "Small" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'],
    ),
    ("programme", "", ['programme: "" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)']),
    (
        "programme",
        "a" * 65,
        [
            'programme: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'
        ],
    ),
    (
        "programme",
        "ａ",
        ['programme: "ａ" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'],
    ),
    (
        "programme",
        "a\n",
        ['programme: "a\\u000a" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)'],
    ),
    ("name", "", ["name: the text is empty"]),
    ("name", {}, ['name: there is no text of any language here (write {en: "…", zh: "…"})']),
    ("name", {"english": "x"}, ['name: there is no text of any language here (write {en: "…", zh: "…"})']),
    ("name", "a\x07b", ['name: "a\\u0007b" holds a control character or a line break (leave it out)']),
    ("name", "x" * 201, ["name: the text has 201 characters; at most 200 are allowed"]),
    ("name", {"en": 3}, ["name.en: 3 stands where text belongs (put it in quotes)"]),
    ("name", None, ['name: nothing is written here (give "name" a value, or leave it out)']),
    ("name", "\ud800", ['name: "\\ud800" holds a control character or a line break (leave it out)']),
    ("name", "a\u202eb", ['name: "a\\u202eb" holds a control character or a line break (leave it out)']),
    ("money", "yuan", ['money: "yuan" is no currency (write three capitals of ISO 4217, such as CNY)']),
    ("money", "cny", ['money: "cny" is no currency (write three capitals of ISO 4217, such as CNY)']),
    ("money", 3, ["money: 3 is no currency (write three capitals of ISO 4217, such as CNY)"]),
    ("time_zone", "Asia/Shangai", ['time_zone: "Asia/Shangai" is no time zone (did you mean "Asia/Shanghai"?)']),
    ("time_zone", "../etc/passwd", ['time_zone: "../etc/passwd" is no time zone (write it as Asia/Shanghai)']),
    ("time_zone", "Mars", ['time_zone: "Mars" is no time zone (write it as Asia/Shanghai)']),
    ("late_days", -1, ["late_days: -1 is out of bounds (write a number from 0 to 3650)"]),
    ("late_days", 1.5, ["late_days: 1.5 came as a binary fraction, which is not exact (write it in quotes)"]),
    ("late_days", "1e3", ['late_days: "1e3" is not a whole number (write digits, such as 100)']),
    ("late_days", True, ["late_days: true is not a whole number (write digits, such as 100)"]),
    (
        "late_days",
        10**5000,
        ["late_days: a number of more than 20 digits is out of bounds (write a number from 0 to 3650)"],
    ),
    ("late_days", "９", ['late_days: "９" is not a whole number (write digits, such as 100)']),
    ("wallets", [], ["wallets: the list is empty (name at least one, or leave it out)"]),
    ("wallets", {}, ["wallets: a mapping stands where a list belongs (write it in [ ])"]),
    ("wallets", None, ['wallets: nothing is written here (give "wallets" a value, or leave it out)']),
    (
        "wallets[1].id",
        "beans",
        [
            'wallets[1].id: "beans" is the id of wallets[0] already (give each its own id)',
            'accrual[1].wallet: there is no wallet "stamps" (there are: beans, idle)',
        ],
    ),
    (
        "wallets[1]",
        3,
        [
            "wallets[1]: 3 stands where a wallet belongs",
            'accrual[1].wallet: there is no wallet "stamps" (there are: beans, idle)',
        ],
    ),
    ("wallets[0].rounding", "up", ['wallets[0].rounding: "up" is none of floor | half_up | ceiling']),
    (
        "wallets[0].pending",
        "2 fortnights",
        ['wallets[0].pending: "2 fortnights" is not a length of time (write it as "30 days" or "12 months")'],
    ),
    ("wallets[0].pending", "101 years", ['wallets[0].pending: "101 years" is out of bounds (write 0 to 100 years)']),
    (
        "wallets[0].expiry",
        "nevr",
        [
            'wallets[0].expiry: "nevr" stands where {after: 12 months}, {yearly: …}, {inactivity: …} or never belongs (did you mean "never"?)'
        ],
    ),
    (
        "wallets[0].expiry",
        {"after": "12 months", "at": "end_of_year"},
        ['wallets[0].expiry.at: "end_of_year" is not end_of_month (did you mean "end_of_month"?)'],
    ),
    (
        "wallets[0].expiry",
        {"yearly": "02-29", "after": "1 year"},
        [
            'wallets[0].expiry.yearly: "02-29" is not a month and day of every year (write it as "12-31", month before day)'
        ],
    ),
    ("wallets[0].expiry", {"yearly": "12-31"}, ['wallets[0].expiry.after: "after" is missing']),
    (
        "wallets[0].expiry",
        {"yearly": "13-01", "after": "1 year"},
        [
            'wallets[0].expiry.yearly: "13-01" is not a month and day of every year (write it as "12-31", month before day)'
        ],
    ),
    (
        "wallets[0].expiry",
        {"inactivity": "18 months", "at": "end_of_month"},
        ['wallets[0].expiry.at: it means nothing beside "inactivity" (leave it out)'],
    ),
    (
        "wallets[0].expiry",
        {"by_level": {"golf": {"after": "1 year"}}, "otherwise": "never"},
        ['wallets[0].expiry.by_level.golf: there is no level "golf" (did you mean "gold"?)'],
    ),
    (
        "wallets[0].expiry",
        {"by_level": {}, "otherwise": "never"},
        ["wallets[0].expiry.by_level: no level is named here (write {gold: {after: 24 months}})"],
    ),
    (
        "wallets[0].expiry",
        {"by_level": {"gold": {"inactivity": "1 year"}}, "after": "1 year"},
        [
            'wallets[0].expiry.by_level.gold.after: "after" is missing',
            "wallets[0].expiry.by_level.gold.inactivity: only after, yearly and never can go by level (leave it out)",
            'wallets[0].expiry.otherwise: "otherwise" is missing',
            'wallets[0].expiry.after: it belongs into "otherwise" or a level (leave it out)',
        ],
    ),
    (
        "wallets[0].expiry",
        {"otherwise": {"after": "1 year"}},
        ['wallets[0].expiry.by_level: "by_level" is missing'],
    ),
    (
        "wallets[0].expiry",
        {"inactivity": "18 months", "renewed_by": ["purchse"]},
        [
            'wallets[0].expiry.renewed_by[0]: "purchse" is none of purchase | redemption | event | adjustment (did you mean "purchase"?)'
        ],
    ),
    (
        "wallets[0].expiry",
        {"inactivity": "18 months", "renewed_by": []},
        ["wallets[0].expiry.renewed_by: the list is empty (name at least one, or leave it out)"],
    ),
    (
        "wallets[0].expiry",
        {"renewed_by": ["purchase"]},
        ['wallets[0].expiry.inactivity: "inactivity" is missing'],
    ),
    (
        "wallets[0].expiry",
        {"after": "0 days"},
        ['wallets[0].expiry.after: "0 days" is out of bounds (write 1 to 36525 days)'],
    ),
    (
        "wallets[0].worth",
        0.01,
        ["wallets[0].worth: 0.01 came as a binary fraction, which is not exact (write it in quotes)"],
    ),
    ("wallets[0].worth", "0", ['wallets[0].worth: "0" is out of bounds (write a number above 0 up to 1000)']),
    (
        "wallets[0].worth",
        "0.0000001",
        ['wallets[0].worth: "0.0000001" is not a number (write at most 6 decimals, such as 1.5)'],
    ),
    (
        "wallets[0].worth",
        "1e999999",
        ['wallets[0].worth: "1e999999" is not a number (write at most 6 decimals, such as 1.5)'],
    ),
    (
        "wallets[0].worth",
        Decimal("1E+999999"),
        ["wallets[0].worth: 1E+999999 is not a number (write at most 6 decimals, such as 1.5)"],
    ),
    ("wallets[0].worth", 1001, ["wallets[0].worth: 1001 is out of bounds (write a number above 0 up to 1000)"]),
    (
        "wallets[0].worth",
        Decimal("NaN"),
        ["wallets[0].worth: NaN is not a number (write at most 6 decimals, such as 1.5)"],
    ),
    ("wallets[0].worth", "-1", ['wallets[0].worth: "-1" is not a number (write at most 6 decimals, such as 1.5)']),
    (
        "wallets[0].worth",
        GONE,
        [
            "wallets[0].spending: points can't be spent as money: the wallet doesn't say what a point is worth (write worth: \"0.01\")"
        ],
    ),
    (
        "wallets[0].spending.minimum",
        0,
        ["wallets[0].spending.minimum: 0 is out of bounds (write a number from 1 to 1000000000)"],
    ),
    (
        "wallets[0].spending.share_of_purchase",
        "150%",
        [
            'wallets[0].spending.share_of_purchase: "150%" is not a part of the whole (write more than "0%", up to "100%")'
        ],
    ),
    (
        "wallets[0].spending.share_of_purchase",
        "0%",
        ['wallets[0].spending.share_of_purchase: "0%" is out of bounds (write a rate above 0 up to 1000)'],
    ),
    (
        "wallets[0].spending.share_of_purchase",
        "half",
        ['wallets[0].spending.share_of_purchase: "half" is not a number (write at most 6 decimals, such as 1.5)'],
    ),
    (
        "wallets[0].spending",
        "reward_only",
        [
            'wallets[0].spending: "reward_only" stands where {minimum: 100, multiple: 50} or rewards_only belongs (did you mean "rewards_only"?)'
        ],
    ),
    ("wallets[0].spending.proof.by", ["sms"], ['wallets[0].spending.proof.by[0]: "sms" is none of token | code']),
    (
        "wallets[0].spending.proof.by",
        [],
        ["wallets[0].spending.proof.by: the list is empty (name at least one, or leave it out)"],
    ),
    ("wallets[0].basis.tax", "yes", ['wallets[0].basis.tax: "yes" is none of included | excluded']),
    ("wallets[0].basis.shipping", "no", ['wallets[0].basis.shipping: "no" is neither true nor false']),
    (
        "wallets[0].basis.tenders_excluded",
        ["a", "a"],
        ['wallets[0].basis.tenders_excluded[1]: "a" is listed twice (name it once)'],
    ),
    ("wallets[0].on_return", "debt", ['wallets[0].on_return: "debt" is none of allow_debt | clamp']),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(changed(path, value)) == expected
