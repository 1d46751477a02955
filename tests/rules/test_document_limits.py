"""The limits of a document: each at its last good value and at the first bad one."""

from typing import Any

import pytest

from rules import conditions as c
from tests.rules.documents import changed, document, problems, programme

_COPIES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "rules": ("accrual", 200, {"wallet": "beans", "bonus": 1}),
    "wallets": ("wallets", 12, {"name": "More"}),
    "rewards": ("rewards", 200, {"name": "More", "product": "P"}),
    "caps": ("caps", 200, {"wallet": "beans", "rules": ["base"], "per": "day", "points": 1}),
    "events": ("events", 200, {"event": "review", "wallet": "beans", "points": 1}),
    "occasions": ("occasions", 200, {"on": "birthday", "message": "hello"}),
}


@pytest.mark.parametrize(("key", "most", "item"), _COPIES.values(), ids=_COPIES)
def test_a_list_may_be_as_long_as_its_limit_and_no_longer(key: str, most: int, item: dict[str, Any]) -> None:
    written = document()
    written[key] += [{"id": f"more-{n}", **item} for n in range(most - len(written[key]))]
    assert len(written[key]) == most
    assert problems(written) == []
    written[key].append({"id": "one-too-many", **item})
    assert problems(written) == [f"{key}: {most + 1} are listed; at most {most} can be"]


def test_there_may_be_20_levels_and_no_more() -> None:
    written = document()
    levels = written["tiers"]["levels"]
    levels += [{"id": f"level-{n}", "name": "More", "from": 2000 + n} for n in range(18)]
    assert problems(written) == []
    levels.append({"id": "level-18", "name": "More", "from": 3000})
    assert problems(written) == ["tiers.levels: 21 are listed; at most 20 can be"]


def nested(depth: int) -> dict[str, Any]:
    """Return a condition `depth` deep."""
    condition: dict[str, Any] = {"birthday": "day"}
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


def test_conditions_may_nest_16_deep_and_no_deeper() -> None:
    assert problems(changed("accrual[2].when", nested(16))) == []
    path = "accrual[2].when" + ".not" * 16
    assert problems(changed("accrual[2].when", nested(17))) == [f"{path}: conditions nest deeper than 16"]


def test_conditions_of_any_depth_are_refused_without_running_out_of_stack() -> None:
    assert len(problems(changed("accrual[2].when", nested(100_000)))) == 1


_BOUNDS: list[tuple[str, list[Any], list[Any]]] = [
    ("accrual[3].bonus", [1, 10**9, "1000000000"], [0, 10**9 + 1, -1, "1000000001", 10**400]),
    ("accrual[0].earn.points", ["0.000001", 10**9], [0, "0.0000001", 10**9 + 1]),
    ("accrual[0].earn.per", ["0.01", "10000000000000.00"], ["0.00", "0.001", "10000000000000.01", -1]),
    ("accrual[2].multiply", ["1.000001", "100.0001%", 1000, "100000%"], [1, "100%", "1000.000001", "100001%"]),
    ("accrual[2].priority", [-(10**6), 10**6], [-(10**6) - 1, 10**6 + 1, "high"]),
    ("accrual[5].earn.by.cabin.F", ["0.01%", "25%"], ["0%", "0.00001%", "-1%", "%", " 25%", "２５%"]),
    ("late_days", [0, 3650], [-1, 3651]),
    ("wallets[0].pending", ["0 days", "36525 days", "1 day", "100 years"], ["36526 days", "101 years", "-1 days"]),
    ("wallets[0].expiry.after", ["1 day", "1200 months", "5218 weeks"], ["0 days", "1201 months", "5219 weeks"]),
    ("wallets[0].worth", ["0.000001", 1000], ["0", "1000.000001"]),
    ("wallets[0].spending.share_of_purchase", ["0.0001%", "100%", 1], ["0%", "100.0001%", "1.000001"]),
    ("tiers.levels[0].from", [0, 999], [-1, 1000, 1001, 10**9 + 1]),
    ("tiers.levels[1].multiply", [1, "100%", 1000], ["0.999999", "99.9999%", 1001]),
    ("rewards[1].stock", [0, 10**9], [-1, 10**9 + 1]),
    ("messages.expiry_notices.days_before", [[1], [3650]], [[0], [3651], []]),
    ("messages.at", ["10:00", "19:59"], ["09:59", "20:00", "00:00", "24:00", "10:60", "7:00"]),
    ("programme", ["a", "0", "a" * 64, "a-b_c"], ["", "a" * 65, "-a", "_a", "A", "é", "a\n", "a b"]),
    ("name", ["x", "x" * 200, "😀" * 200, {"zh-Hant": "x"}], ["", " ", "x" * 201, "x\ty", "x\n", {"x": "y"}, []]),
    ("messages.templates[0].en", ["x" * 459, "{points}{level}"], ["x" * 460, "{Points}", "{ points}"]),
    ("examples[0].purchase.lines[0].quantity", [0, 10**6], [-1, 10**6 + 1, "two"]),
    ("examples[0].purchase.lines[0].tax", ["0.00", "3.50"], ["3.51"]),
    ("examples[0].purchase.order_discount", ["0.00", "3.50"], ["3.51"]),
]


@pytest.mark.parametrize(("path", "good", "bad"), _BOUNDS, ids=[path for path, _, _ in _BOUNDS])
def test_a_value_is_good_up_to_its_bounds_and_bad_beyond(path: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert problems(changed(path, value)) == [], value
    for value in bad:
        found = problems(changed(path, value))
        assert found, value
        assert all(line.startswith(path.split("[")[0].split(".")[0]) for line in found)


def test_a_rule_must_end_after_it_starts() -> None:
    assert problems(changed("accrual[2].to", "2026-12-01T00:01")) == []
    assert problems(changed("accrual[2].to", "2026-12-01T00:00"))
    assert problems(changed("accrual[2].to", "2026-11-30T23:59"))


def test_a_time_that_the_clocks_skip_is_refused_and_one_that_comes_twice_is_the_first() -> None:
    written = changed("time_zone", "America/New_York")
    written["accrual"][2] |= {"from": "2026-03-08T02:30", "to": "2026-11-01T01:30"}
    assert problems(written) == [
        (
            'accrual[2].from: "2026-03-08T02:30" does not exist in America/New_York, where the clocks go forward then '
            '(write "2026-03-08T03:30")'
        )
    ]
    written["accrual"][2]["from"] = "2026-03-08T03:00"
    ends = programme(written).accrual[2].ends_at
    assert ends is not None
    assert ends.isoformat() == "2026-11-01T01:30:00-04:00"


@pytest.mark.parametrize("code", ["CNY", "JPY", "KWD", "CLF"])
def test_an_amount_may_have_the_decimals_of_its_currency_and_no_more(code: str) -> None:
    digits = {"CNY": 2, "JPY": 0, "KWD": 3, "CLF": 4}[code]
    written = changed("money", code)
    del written["examples"]
    written["accrual"][0]["earn"]["per"] = "1" + ("." + "1" * digits if digits else "")
    assert problems(written) == []
    written["accrual"][0]["earn"]["per"] = "1." + "1" * (digits + 1)
    assert len(problems(written)) == 1


def test_a_window_of_the_day_may_run_over_midnight() -> None:
    read = programme(changed("accrual[2].when", {"time": {"from": "22:00", "to": "02:00"}})).accrual[2]
    assert isinstance(read.when, c.TimeOfDay)


def test_thousands_of_unknown_names_cost_little_and_are_all_told() -> None:
    written = changed("accrual[2].when", {"level": {"in": [f"gren-{n}" for n in range(20_000)]}})
    assert len(problems(written)) == 20_000


@pytest.mark.parametrize(("at", "is_quiet"), [("12:59", False), ("13:00", True), ("13:59", True), ("14:00", False)])
def test_no_message_is_planned_in_quiet_hours_within_one_day(at: str, is_quiet: bool) -> None:
    written = changed("messages.quiet_hours", {"from": "13:00", "to": "14:00"})
    written["messages"]["at"] = at
    assert bool(problems(written)) == is_quiet
