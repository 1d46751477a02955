"""A programme's examples are worked out, and those that don't hold are told to the point."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from rules.examples import broken_promises, facts_of
from rules.facts import Birthday, Line, Tender
from rules.programme import Programme
from tests.rules.documents import changed, document, programme

WHOLE: dict[str, Any] = {
    "name": "Everything that an example may say",
    "member": {
        "level": "gold",
        "purchases_before": 12,
        "joined_on": "2024-02-29",
        "last_purchase_on": "2026-11-20",
        "birthday": {"month": 6, "day": 30, "year": 1990, "calendar": "lunar", "leap_month": True},
        "segments": ["students"],
        "attributes": {"newsletter": "weekly"},
    },
    "purchase": {
        "occurred_at": "2026-11-22T09:41+08:00",
        "store": "s1",
        "store_groups": ["airport"],
        "channel": "web",
        "order_discount": "1.00",
        "tenders": [{"kind": "points", "amount": "2.00"}, {"kind": "card", "amount": "7.00"}],
        "coupon_codes": ["XMAS"],
        "lines": [
            {
                "line_id": "a",
                "sku": "LATTE",
                "category": "drinks/coffee",
                "brand": "house",
                "tags": ["hot"],
                "quantity": 2,
                "amount": "8.00",
                "discount": "1.00",
                "tax": "0.50",
                "kind": "goods",
                "facts": {"cabin": "F", "distance": 600},
            },
            {"sku": "POST", "amount": "2.00", "kind": "shipping"},
        ],
    },
    "gives": {"beans": 1},
}


def told(written: dict[str, Any], **lists: frozenset[str]) -> list[str]:
    """Return what is told of the examples of a document that is otherwise right."""
    return [str(problem) for problem in broken_promises(programme(written), lists)]


def test_the_design_example_gives_what_it_promises(corner_coffee: Programme) -> None:
    assert broken_promises(corner_coffee) == ()
    assert corner_coffee.examples[0].gives == {"beans": 43, "stamps": 2}


def test_an_example_that_gives_something_else_is_told_with_both_figures() -> None:
    assert told(document()) == []
    assert told(changed("examples[0].gives", {"beans": 202, "stamps": 1})) == [
        "examples[0].gives.beans: promises 202, the programme gives 203 (change the promise or the rules)"
    ]


def test_each_wallet_and_each_example_is_told_by_itself() -> None:
    written = changed("examples[0].gives", {"beans": 0, "stamps": 0, "idle": 1})
    written["examples"].append(document()["examples"][0])
    written["examples"].append(written["examples"][0] | {"gives": {"stamps": 2}})
    assert [line.split(" (")[0] for line in told(written)] == [
        "examples[0].gives.beans: promises 0, the programme gives 203",
        "examples[0].gives.stamps: promises 0, the programme gives 1",
        "examples[0].gives.idle: promises 1, the programme gives 0",
        "examples[2].gives.stamps: promises 2, the programme gives 1",
    ]


def test_a_rule_that_is_changed_breaks_the_example_that_promised_otherwise() -> None:
    assert told(changed("accrual[3].bonus", 199)) != []


def test_a_wallet_that_an_example_does_not_name_may_give_anything() -> None:
    assert told(changed("examples[0].gives", {"beans": 203})) == []


@pytest.mark.parametrize(("entries", "gives"), [({"BUN"}, 0), ({"LATTE"}, 1), (None, 1)])
def test_sku_lists_are_those_stored_beside_the_document(entries: set[str] | None, gives: int) -> None:
    written = changed("accrual[4].exclude", {"sku_list": {"in": ["not-for-points"]}})
    written["examples"][0]["gives"] = {"stamps": gives}
    lists = {} if entries is None else {"not-for-points": frozenset(entries)}
    assert told(written, **lists) == []


def test_all_that_an_example_says_is_what_the_rules_look_at() -> None:
    read = programme(changed("examples[0]", WHOLE))
    bought, member = facts_of(read.examples[0], read)
    assert bought.occurred_at == datetime(2026, 11, 22, 9, 41, tzinfo=timezone(timedelta(hours=8)))
    assert bought.lines == (
        Line(
            "a", "LATTE", 2, 800, 100, 50, "goods", "drinks/coffee", "house",
            frozenset({"hot"}), {"cabin": "F", "distance": 600},
        ),
        Line("2", "POST", 1, 200, kind="shipping"),
    )  # fmt: skip
    assert (bought.currency, bought.store, bought.channel, bought.order_discount_minor) == ("CNY", "s1", "web", 100)
    assert (bought.store_groups, bought.coupon_codes) == ({"airport"}, {"XMAS"})
    assert bought.tenders == (Tender("points", 200), Tender("card", 700))
    assert (member.level, member.purchases_before, member.segments) == ("gold", 12, {"students"})
    assert (member.joined_on, member.last_purchase_on) == (date(2024, 2, 29), date(2026, 11, 20))
    assert member.birthday == Birthday(6, 30, 1990, "lunar", leap_month=True)
    assert member.attributes == {"newsletter": "weekly"}


@pytest.mark.parametrize(
    ("occurred_at", "joined_on"),
    [("2026-11-22T15:59Z", date(2026, 11, 22)), ("2026-11-22T16:00Z", date(2026, 11, 23))],
)
def test_a_member_without_a_joining_day_joined_on_the_business_day_of_the_purchase(
    occurred_at: str, joined_on: date
) -> None:
    read = programme(changed("examples[0].purchase.occurred_at", occurred_at))
    _, member = facts_of(read.examples[0], read)
    assert member.joined_on == joined_on
