"""One reading tells every fault of a document, also those beside or behind another fault, and nothing that only follows."""

from typing import Any

import pytest

from rules.document import Beside, read
from rules.examples import broken_promises
from tests.rules.documents import GONE, changed, document, problems, programme


def with_all(**changes: Any) -> dict[str, Any]:
    """Return the document with several values changed: `accrual__0__wallet="been"`."""
    whole = document()
    for path, value in changes.items():
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        inside: Any = whole
        for step in steps:
            inside = inside[step]
        if value is GONE:
            del inside[last]
        else:
            inside[last] = value
    return whole


def renamed(written: dict[str, Any], path: str, key: str) -> dict[str, Any]:
    """Return the document with the last key of `path` written as `key`."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("__")]
    inside: Any = written
    for step in steps:
        inside = inside[step]
    inside[key] = inside.pop(last)
    return written


CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "under a misspelt key everything is read, and nothing is missed for it": (
        renamed(renamed(with_all(wallets__0__spending__minimum=-1), "wallets__0__worth", "wroth"), "wallets", "walets"),
        [
            "walets[0].spending.minimum: -1 is out of bounds (write a number from 1 to 1000000000)",
            'walets[0].wroth: unknown key "wroth" (did you mean "worth"?)',
            'walets: unknown key "walets" (did you mean "wallets"?)',
        ],
    ),
    "misspelt keys stand inside of misspelt keys": (
        renamed(
            renamed(renamed(with_all(tiers__levels__0__from="x"), "tiers__levels__0__from", "form"), "tiers__levels", "lvels"),
            "tiers",
            "tier",
        ),
        [
            'tier.lvels[0].form: "x" is not a whole number (write digits, such as 100)',
            'tier.lvels[0].form: unknown key "form" (did you mean "from"?)',
            'tier.lvels: unknown key "lvels" (did you mean "levels"?)',
            'tier: unknown key "tier" (did you mean "tiers"?)',
        ],
    ),
    "what a rule earns is misspelt": (
        renamed(document(), "accrual__0__earn__per", "pre"),
        ['accrual[0].earn.pre: unknown key "pre" (did you mean "per"?)'],
    ),
    "a gift's kind is misspelt": (
        renamed(document(), "occasions__0__give__1__reward", "rewad"),
        ['occasions[0].give[1].rewad: unknown key "rewad" (did you mean "reward"?)'],
    ),
    "a benefit's kind is misspelt": (
        renamed(document(), "tiers__levels__1__benefits__1__text", "txt"),
        ['tiers.levels[1].benefits[1].txt: unknown key "txt" (did you mean "text"?)'],
    ),
    "the kind of an end is misspelt": (
        with_all(wallets__1__expiry={"yearley": "12-31", "aftr": "3 months"}),
        [
            'wallets[1].expiry.yearley: unknown key "yearley" (did you mean "yearly"?)',
            'wallets[1].expiry.aftr: unknown key "aftr" (did you mean "after"?)',
        ],
    ),
    "a wallet has no id, and what names it is not blamed": (
        with_all(wallets__0__id=GONE),
        ['wallets[0].id: "id" is missing'],
    ),
    "a wallet has an id that can't be one, and a misspelt name of another is told": (
        with_all(wallets__0__id="Beans!", accrual__1__wallet="stmps"),
        [
            'wallets[0].id: "Beans!" is no id (write 1 to 64 of a-z, 0-9, - and _, starting with a letter or digit)',
            'accrual[1].wallet: there is no wallet "stmps" (did you mean "stamps"?)',
        ],
    ),
    "the ladder is none, and nobody says that its levels are not there": (
        with_all(tiers="gold"),
        ['tiers: "gold" stands where a ladder of levels belongs'],
    ),
    "a rule gives in two ways, each with a fault": (
        with_all(accrual__0__bonus="x", accrual__0__earn__per="0.00", accrual__2__exclude={}),
        [
            "accrual[0].earn.per: the amount is 0 (write an amount above 0)",
            'accrual[0].bonus: "x" is not a whole number (write digits, such as 100)',
            'accrual[0]: "earn" and "bonus" exclude each other (write one of "earn", "multiply", "bonus", "exclude")',
            "accrual[2].exclude: the filter names no test (write {category: {in: […]}}, or leave it out for all lines)",
            'accrual[2]: "multiply" and "exclude" exclude each other (write one of "earn", "multiply", "bonus", "exclude")',
        ],
    ),
    "thresholds are read although the metric names no wallet there is": (
        with_all(tiers__metric={"points_of": "bean"}, tiers__levels__1__from=-1),
        [
            'tiers.metric.points_of: there is no wallet "bean" (did you mean "beans"?)',
            "tiers.levels[1].from: -1 is out of bounds (write a number from 0 to 1000000000)",
        ],
    ),
    "the wallets are none, and everything else is read": (
        with_all(wallets="beans", tiers__levels__1__from=-1, rewards__1__cost__points=0),
        [
            'wallets: "beans" stands where a list belongs (write it in [ ])',
            "tiers.levels[1].from: -1 is out of bounds (write a number from 0 to 1000000000)",
            "rewards[1].cost.points: 0 is out of bounds (write a number from 1 to 1000000000)",
        ],
    ),
    "a gift can't be read, and the message that tells of it is not blamed": (
        with_all(
            occasions__0__give=[{"points": 0, "wallet": "beans"}, {"reward": "cake"}],
            messages__templates__0={"id": "hello", "purpose": "greeting", "en": "{points}"},
        ),
        ["occasions[0].give[0].points: 0 is out of bounds (write a number from 1 to 1000000000)"],
    ),
    "an occasion on no day of the year multiplies by years": (
        with_all(
            occasions__0__on={"date": "02-30"}, occasions__0__give=[{"points": 1, "wallet": "beans", "times": "years"}]
        ),
        [
            'occasions[0].on.date: "02-30" is not a month and day of every year (write it as "12-31", month before day)',
            'occasions[0].give: only an anniversary has years to multiply by (leave "times" out)',
        ],
    ),
    "a line with a fault has the id of another": (
        with_all(
            examples__0__purchase__lines=[{"sku": "A", "amount": "x"}, {"sku": "B", "amount": "1.00", "line_id": "1"}]
        ),
        [
            'examples[0].purchase.lines[0].amount: "x" is not an amount in CNY (write digits with at most 2 decimals, such as "12.30")',
            'examples[0].purchase.lines[1].line_id: "1" is the id of an earlier line already (give each its own)',
        ],
    ),
    "the ladder has no levels": (
        with_all(tiers__levels=GONE),
        ['tiers.levels: "levels" is missing'],
    ),
    "a rule that earns names no wallet there is, and what multiplies it is not blamed": (
        with_all(accrual__0__wallet="been", accrual__5__wallet="been"),
        [
            'accrual[0].wallet: there is no wallet "been" (did you mean "beans"?)',
            'accrual[5].wallet: there is no wallet "been" (did you mean "beans"?)',
        ],
    ),
    "nobody knows whether a rule earns": (
        with_all(accrual__0__earn=GONE, accrual__5__wallet="idle"),
        [
            'accrual[0]: one of "earn", "multiply", "bonus", "exclude" is missing',
        ],
    ),
    "a rule with a fault multiplies nothing": (
        with_all(accrual__2__name=3, accrual__2__wallet="idle", accrual__3__wallet="idle", caps__0__wallet="idle", caps__0__rules=["early"]),
        [
            "accrual[2].name: 3 stands where a text, or a map of language to text belongs",
            'accrual[2].multiply: no rule earns points in "idle", so there is nothing to multiply (add a rule with earn)',
        ],
    ),
    "a rule with a fault is in a group over two wallets": (
        with_all(accrual__3__bonus="many", accrual__3__wallet="stamps"),
        [
            'accrual[3].bonus: "many" is not a whole number (write digits, such as 100)',
            ('accrual[3].exclusive: the group "hours" lies in the wallet "beans" of "early", this rule in "stamps"'
            " (name another group)"),
        ],
    ),
    "levels with faults stand in the wrong order": (
        with_all(tiers__levels__0__name=3, tiers__levels__1__from=0, tiers__levels__1__multiply="x"),
        [
            "tiers.levels[0].name: 3 stands where a text, or a map of language to text belongs",
            'tiers.levels[1].multiply: "x" is not a number (write at most 6 decimals, such as 1.5)',
            ('tiers.levels[1].from: the level starts no higher than "green" before it (write the levels lowest first, each with'
            " a higher threshold than the one before it)"),
        ],
    ),
    "points are spent that are worth nothing, in a way that can't be read": (
        with_all(wallets__0__worth=GONE, wallets__0__spending__minimum=0),
        [
            "wallets[0].spending.minimum: 0 is out of bounds (write a number from 1 to 1000000000)",
            ("wallets[0].spending: points can't be spent as money: the wallet doesn't say what a point is worth"
            ' (write worth: "0.01")'),
        ],
    ),
    "an occasion with a fault asks for what it can't": (
        with_all(
            occasions__0__on={"date": "06-18"}, occasions__0__span="yer", occasions__0__lead="30 days",
            occasions__0__give=[{"points": 1, "wallet": "beans", "times": "years"}], accrual__4__exclude={},
        ),
        [
            "accrual[4].exclude: the filter names no test (write {category: {in: […]}}, or leave it out for all lines)",
            'occasions[0].span: "yer" is none of day | week | month',
            'occasions[0].give: only an anniversary has years to multiply by (leave "times" out)',
            "occasions[0].lead: only a birthday or a member's own date can be known for so long (leave \"lead\" out)",
        ],
    ),
    "templates that can't be filled, beside settings that can't be read": (
        with_all(messages__limit={"greeting": 1}, messages__at="09:00", messages__templates__0__en="{code}", money="Yuan"),
        [
            'money: "Yuan" is no currency (write three capitals of ISO 4217, such as CNY)',
            "messages.limit.greeting: 1 stands where {per: month, times: 2} belongs",
            "messages.at: messages would be sent at 09:00, in the quiet hours (write a time from 10:00 on)",
            ('messages.templates[0].en: the occasion "birthday" has no value for {code} (it can fill {level}, {points},'
            " {programme}, {reward}, {salutation}, {valid_until}, {wallet})"),
            ('messages.templates[0].en: an expiry notice has no value for {code} (it can fill {balance}, {expires_on},'
            " {level}, {points}, {programme}, {salutation}, {wallet})"),
        ],
    ),
    "all braces of a text are told": (
        with_all(messages__templates__0__en="{salutatoin} } {", messages__templates__0__purpose="greet"),
        [
            'messages.templates[0].purpose: "greet" is none of service | greeting | marketing (did you mean "greeting"?)',
            'messages.templates[0].en: there is no place "{salutatoin}" (did you mean "salutation"?)',
            'messages.templates[0].en: a "}" stands alone (write places as "{salutation}")',
        ],
    ),
    "a discount is not held against lines of which one can't be read": (
        with_all(
            examples__0__purchase={
                "occurred_at": "2026-11-22T09:41+08:00",
                "order_discount": "3.00",
                "lines": [{"sku": "A", "amount": "x"}, {"sku": "B", "amount": "1.00", "tax": "2.00", "brand": 3}],
            }
        ),
        [
            ('examples[0].purchase.lines[0].amount: "x" is not an amount in CNY (write digits with at most 2 decimals, such as'
            ' "12.30")'),
            "examples[0].purchase.lines[1].brand: 3 stands where text belongs (put it in quotes)",
            "examples[0].purchase.lines[1].tax: the tax is more than the amount, which contains it",
        ],
    ),
    "a discount is held against lines of a purchase with another fault": (
        with_all(examples__0__purchase__order_discount="3.51", examples__0__purchase__store=3),
        [
            "examples[0].purchase.store: 3 stands where text belongs (put it in quotes)",
            "examples[0].purchase.order_discount: the discount is more than the lines come to, 3.50",
        ],
    ),
    "a birthday has several faults": (
        with_all(examples__0__member={"birthday": {"month": 2, "day": 30, "year": "x", "leap_month": True}}),
        [
            'examples[0].member.birthday.year: "x" is not a whole number (write digits, such as 100)',
            "examples[0].member.birthday.leap_month: only the lunar calendar has leap months (write calendar: lunar)",
            "examples[0].member.birthday.day: the month has no day 30 (write 1 to 29)",
        ],
    ),
    "amounts are read although nobody knows in which currency": (
        with_all(money="Yuan", accrual__0__earn__per="1.0.0"),
        [
            'money: "Yuan" is no currency (write three capitals of ISO 4217, such as CNY)',
            'accrual[0].earn.per: "1.0.0" is not an amount (write digits, such as "12.30")',
        ],
    ),
    "a table of rates goes by two facts, each with faults of its own": (
        with_all(accrual__5__earn__by={"cabin": {"F": "x"}, "zone": {"A": 0}}),
        [
            "accrual[5].earn.by: a table of rates goes by one fact (write {booking_class: {F: 150%, Y: 100%}})",
            'accrual[5].earn.by.cabin.F: "x" is not a number (write at most 6 decimals, such as 1.5)',
            "accrual[5].earn.by.zone.A: 0 is out of bounds (write a number above 0 up to 1000)",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("written", "expected"), CASES.values(), ids=CASES)
def test_every_fault_is_told_in_one_reading_and_nothing_else(written: dict[str, Any], expected: list[str]) -> None:
    assert problems(written) == expected


def told(written: dict[str, Any], beside: Beside) -> list[str]:
    found = read(written, beside)
    return [str(problem) for problem in found] if isinstance(found, tuple) else []


LISTED = {"sku_list": {"in": ["slow-seler"]}}


def test_what_a_deployment_has_is_held_against_a_document_with_other_faults() -> None:
    written = with_all(money="EUR", accrual__4__exclude=LISTED, accrual__0__earn__points="one")
    assert told(written, Beside(["slow-sellers"], "other", "CNY")) == [
        'programme: is "small", and this deployment runs "other" (start another deployment for it)',
        'money: is "EUR", and this deployment runs "CNY" (start another deployment for it)',
        'accrual[0].earn.points: "one" is not a number (write at most 6 decimals, such as 1.5)',
        'accrual[4].exclude.sku_list.in[0]: there is no SKU list "slow-seler" (did you mean "slow-sellers"?)',
    ]


def test_what_can_not_be_read_is_not_also_held_against_the_deployment() -> None:
    written = with_all(programme="Small!", money="Yuan", accrual__4__exclude={"sku_list": {"in": ["No List"]}})
    assert [line.split(": ")[0] for line in told(written, Beside([], "small", "CNY"))] == [
        "programme",
        "money",
        "accrual[4].exclude.sku_list.in[0]",
    ]


def test_without_a_deployment_nothing_beside_the_document_is_asked_for() -> None:
    assert problems(changed("accrual[4].exclude", LISTED)) == []


@pytest.mark.parametrize(
    ("beans", "stamps", "expected"), [(203, 1, []), (203, 2, ["stamps"]), (7, 1, []), (0, 0, ["stamps"])]
)
def test_an_example_is_left_alone_where_a_missing_list_could_make_it_right(
    beans: int, stamps: int, expected: list[str]
) -> None:
    written = changed("accrual[0].lines", LISTED)
    written["accrual"][3]["lines"] = LISTED
    written["examples"][0]["gives"] = {"beans": beans, "stamps": stamps}
    found = broken_promises(programme(written))
    assert [problem.path.removeprefix("examples[0].gives.") for problem in found] == expected
