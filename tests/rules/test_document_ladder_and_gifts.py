"""The problems of tiers, occasions, rewards and messages: each told at its path, with what would be right."""

from typing import Any

import pytest

from tests.rules.documents import GONE, changed, problems

WRONG: list[tuple[str, Any, list[str]]] = [
    (
        "tiers.metric",
        "net_spent",
        [
            'tiers.metric: "net_spent" stands where net_spend, visits or {points_of: …} belongs (did you mean "net_spend"?)'
        ],
    ),
    (
        "tiers.metric",
        "spend",
        ['tiers.metric: "spend" stands where net_spend, visits or {points_of: …} belongs (did you mean "net_spend"?)'],
    ),
    (
        "tiers.metric",
        {"points_of": "bean"},
        ['tiers.metric.points_of: there is no wallet "bean" (did you mean "beans"?)'],
    ),
    (
        "tiers.window",
        "lifetme",
        [
            'tiers.window: "lifetme" stands where {rolling: 12 months}, {calendar: year}, {membership: year} or lifetime belongs (did you mean "lifetime"?)'
        ],
    ),
    (
        "tiers.window",
        {"rolling": "12 months", "calendar": "year"},
        [
            'tiers.window: "rolling" and "calendar" exclude each other (write one of "rolling", "calendar", "membership")'
        ],
    ),
    ("tiers.window", {"calendar": "month"}, ['tiers.window.calendar: "month" is not year']),
    ("tiers.window", {}, ['tiers.window: one of "rolling", "calendar", "membership" is missing']),
    ("tiers.downgrade.steps", "two", ['tiers.downgrade.steps: "two" is none of one | recalculated | never']),
    (
        "tiers.levels",
        [],
        [
            "tiers.levels: the list is empty (name at least one, or leave it out)",
            'examples[0].member.level: there is no level "green" (the document names no level)',
        ],
    ),
    (
        "tiers.levels[1].from",
        0,
        [
            'tiers.levels[1].from: the level starts no higher than "green" before it (write the levels lowest first, each with a higher threshold than the one before it)'
        ],
    ),
    (
        "tiers.levels[1].from",
        "10.00",
        ['tiers.levels[1].from: "10.00" is not a whole number (write digits, such as 100)'],
    ),
    ("tiers.levels[1].from", -1, ["tiers.levels[1].from: -1 is out of bounds (write a number from 0 to 1000000000)"]),
    (
        "tiers.levels[1].id",
        "green",
        ['tiers.levels[1].id: "green" is the id of tiers.levels[0] already (give each its own id)'],
    ),
    ("tiers.levels[1].multiply", "0.9", ['tiers.levels[1].multiply: "0.9" would take points away (write 1 or more)']),
    ("tiers.levels[1].multiply", GONE, ['tiers.levels[1]: "multiply" and "wallet" go together (write both or none)']),
    (
        "tiers.levels[1].wallet",
        "idle",
        ['tiers.levels[1].multiply: no rule earns points in "idle", so there is nothing to multiply'],
    ),
    (
        "tiers.levels[1].benefits[0].reward",
        "cakes",
        ['tiers.levels[1].benefits[0].reward: there is no reward "cakes" (did you mean "cake"?)'],
    ),
    (
        "tiers.levels[1].benefits[1].times",
        2,
        ['tiers.levels[1].benefits[1].times: it means nothing beside "text" (leave it out)'],
    ),
    (
        "occasions[0].on",
        "birthdy",
        [
            'occasions[0].on: "birthdy" is none of birthday | anniversary | enrolment | tier_upgrade (did you mean "birthday"?)'
        ],
    ),
    (
        "occasions[0].on",
        {"date": "06-31"},
        ['occasions[0].on.date: "06-31" is not a month and day of every year (write it as "12-31", month before day)'],
    ),
    (
        "occasions[0].on",
        {"date": "02-29"},
        ['occasions[0].on.date: "02-29" is not a month and day of every year (write it as "12-31", month before day)'],
    ),
    (
        "occasions[0].on",
        {"lunar": "07-31"},
        ['occasions[0].on.lunar: "07-31" is not a month and day of every year (write it as "12-31", month before day)'],
    ),
    (
        "occasions[0].on",
        {"holiday": "China", "name": "Spring Festival"},
        ['occasions[0].on.holiday: "China" is no country (write two capitals of ISO 3166, such as CN)'],
    ),
    (
        "occasions[0].on",
        {"holiday": "ZZ", "name": "Spring Festival"},
        ['occasions[0].on.holiday: the holidays of ZZ are not known (write its days as {date: "06-18"})'],
    ),
    (
        "occasions[0].on",
        {"holiday": "CN", "name": "Sprng Festival"},
        ['occasions[0].on.name: CN has no holiday "Sprng Festival" (did you mean "Spring Festival"?)'],
    ),
    (
        "occasions[0].lead",
        "soon",
        ['occasions[0].lead: "soon" is not a length of time (write it as "30 days" or "12 months")'],
    ),
    (
        "occasions[0]",
        {"id": "o", "on": "enrolment", "lead": "14 days", "give": [{"points": 1, "wallet": "beans"}]},
        ['occasions[0].lead: only a birthday or a member\'s own date can be known for so long (leave "lead" out)'],
    ),
    ("occasions[0].on", {"holiday": "CN"}, ['occasions[0].on.name: "name" is missing']),
    (
        "occasions[0].on",
        {"date": "06-18", "lunar": "07-07"},
        [
            'occasions[0].on: "lunar" and "date" exclude each other (write one of "member_date", "lunar", "date", "after_purchase", "holiday")'
        ],
    ),
    (
        "occasions[0].on",
        {},
        ['occasions[0].on: one of "member_date", "lunar", "date", "after_purchase", "holiday" is missing'],
    ),
    (
        "occasions[0].give",
        [{"points": 5, "wallet": "beans", "times": "years"}],
        ['occasions[0].give: only an anniversary has years to multiply by (leave "times" out)'],
    ),
    ("occasions[0].give", [{"points": 5}], ['occasions[0].give[0].wallet: "wallet" is missing']),
    (
        "occasions[0].give",
        [{"reward": "cake", "points": 5}],
        ['occasions[0].give[0].points: it means nothing beside "reward" (leave it out)'],
    ),
    (
        "occasions[0].give",
        [{"reward": "cak"}],
        ['occasions[0].give[0].reward: there is no reward "cak" (did you mean "cake"?)'],
    ),
    ("occasions[0].message", "helo", ['occasions[0].message: there is no template "helo" (did you mean "hello"?)']),
    (
        "occasions[0]",
        {"id": "x", "on": "birthday"},
        ['occasions[0]: the occasion neither gives nor says anything (write "give", "message" or both)'],
    ),
    (
        "rewards[0].amount_off",
        "5.00",
        [
            'rewards[0]: "amount_off" and "product" exclude each other (write one of "amount_off", "percent_off", "product", "product_category")'
        ],
    ),
    (
        "rewards[0].product",
        GONE,
        ['rewards[0]: one of "amount_off", "percent_off", "product", "product_category" is missing'],
    ),
    ("rewards[0].at_most", "5.00", ['rewards[0].at_most: it means something only beside "percent_off" (leave it out)']),
    (
        "rewards[1].percent_off",
        "101%",
        ['rewards[1].percent_off: "101%" is not a part of the whole (write more than "0%", up to "100%")'],
    ),
    (
        "rewards[1].percent_off",
        10,
        ['rewards[1].percent_off: 10 is not a percentage (write at most 4 decimals and a per cent sign, as "50%")'],
    ),
    (
        "rewards[1].percent_off",
        "0%",
        ['rewards[1].percent_off: "0%" is not a part of the whole (write more than "0%", up to "100%")'],
    ),
    (
        "rewards[1].valid",
        "span",
        ['rewards[1].valid: a reward that is bought has no occasion whose span it could keep (write "30 days")'],
    ),
    (
        "rewards[0].automatic",
        True,
        ['rewards[0].automatic: nothing says when the reward is issued: it has no cost (write "cost")'],
    ),
    ("rewards[1].cost.wallet", "bean", ['rewards[1].cost.wallet: there is no wallet "bean" (did you mean "beans"?)']),
    ("rewards[1].levels", ["golden"], ['rewards[1].levels[0]: there is no level "golden" (did you mean "gold"?)']),
    ("rewards[1].stock", -1, ["rewards[1].stock: -1 is out of bounds (write a number from 0 to 1000000000)"]),
    ("rewards[1].per_member", {"per": "month"}, ['rewards[1].per_member.times: "times" is missing']),
    (
        "messages.at",
        "21:00",
        ["messages.at: messages would be sent at 21:00, in the quiet hours (write a time from 10:00 on)"],
    ),
    (
        "messages.at",
        "09:59",
        ["messages.at: messages would be sent at 09:59, in the quiet hours (write a time from 10:00 on)"],
    ),
    (
        "messages.quiet_hours.to",
        "20:00",
        ["messages.quiet_hours.to: the span ends when it starts (leave the whole test out if all day is meant)"],
    ),
    (
        "messages.limit",
        {"greetings": {"per": "day", "times": 1}},
        ['messages.limit.greetings: unknown key "greetings" (did you mean "greeting"?)'],
    ),
    (
        "messages.limit.greeting.per",
        "purchase",
        ['messages.limit.greeting.per: "purchase" is none of day | week | month | year | ever'],
    ),
    (
        "messages.expiry_notices.days_before",
        [30, 30],
        ["messages.expiry_notices.days_before[1]: 30 is listed twice (name it once)"],
    ),
    (
        "messages.expiry_notices.days_before",
        [0],
        ["messages.expiry_notices.days_before[0]: 0 is out of bounds (write a number from 1 to 3650)"],
    ),
    (
        "messages.expiry_notices.template",
        "expiry",
        ['messages.expiry_notices.template: there is no template "expiry" (there are: hello)'],
    ),
    (
        "messages.templates[0].en",
        "{points",
        ['messages.templates[0].en: a "{" stands alone (write places as "{salutation}")'],
    ),
    (
        "messages.templates[0].en",
        "points}",
        ['messages.templates[0].en: a "}" stands alone (write places as "{salutation}")'],
    ),
    (
        "messages.templates[0].en",
        "{}",
        [
            'messages.templates[0].en: there is no place "{}" (known here: {salutation}, {programme}, {wallet}, {points}, {balance}, {level}, {reward}, {code}, {minutes}, {years}, {valid_until}, {expires_on})'
        ],
    ),
    (
        "messages.templates[0].en",
        "{{points}}",
        ['messages.templates[0].en: a "{" stands alone (write places as "{salutation}")'],
    ),
    (
        "messages.templates[0].en",
        "{points.__class__}",
        [
            'messages.templates[0].en: there is no place "{points.__class__}" (known here: {salutation}, {programme}, {wallet}, {points}, {balance}, {level}, {reward}, {code}, {minutes}, {years}, {valid_until}, {expires_on})'
        ],
    ),
    (
        "messages.templates[0].en",
        "x" * 460,
        ["messages.templates[0].en: the text has 460 characters; at most 459 are allowed"],
    ),
    ("messages.templates[0].en", GONE, ['messages.templates[0]: the template has no text (write en: "…", zh: "…")']),
    (
        "messages.templates[0].english",
        "x",
        [
            'messages.templates[0].english: unknown key "english" (known here: "id", "purpose", "channels", "subject", "en")'
        ],
    ),
    (
        "messages.templates[0].purpose",
        "advert",
        ['messages.templates[0].purpose: "advert" is none of service | greeting | marketing'],
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "expected"), WRONG, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_at_its_path(path: str, value: Any, expected: list[str]) -> None:
    assert problems(changed(path, value)) == expected
