"""Small values for tests of the rules: the programme of PROGRAMME.md, and lines and purchases with few words."""

from datetime import date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

from rules.conditions import All, BirthdayIs, OnWeekday, PurchasesBefore, TimeOfDay
from rules.facts import Line, MemberFacts, Purchase, Tender
from rules.filters import Bounds, ByCategory, BySku, ByTag, LineFilter, Words
from rules.periods import Period
from rules.plan import Plan, make_plan
from rules.programme import (
    Basis,
    BonusRule,
    Cap,
    Downgrade,
    EarnRule,
    ExcludeRule,
    Level,
    MultiplyRule,
    PerMoney,
    PerUnit,
    PointsOf,
    Programme,
    RollingExpiry,
    RollingWindow,
    Rule,
    Tiers,
    Wallet,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
SUNDAY = datetime(2026, 11, 22, 9, 41, tzinfo=SHANGHAI)
"""When the purchases of PROGRAMME.md and API.md happened."""

BEANS = Wallet(
    "beans",
    {"en": "Beans", "zh": "咖啡豆"},
    basis=Basis(tenders_excluded=frozenset({"points", "gift_card"})),
    expiry=RollingExpiry(Period(12, "months"), end_of_month=True),
    worth_minor=Fraction(1),
)
STAMPS = Wallet("stamps", {"en": "Stamps", "zh": "印花"})
GREEN = Level("green", {"en": "Green", "zh": "绿卡"}, 0)
GOLD = Level("gold", {"en": "Gold", "zh": "金卡"}, 1000, Fraction(5, 4), "beans")
TIERS = Tiers(
    PointsOf("beans"),
    RollingWindow(Period(12, "months")),
    Downgrade(Period(30, "days"), "one"),
    (GREEN, GOLD),
)


def words(*values: str, negated: bool = False) -> Words:
    return Words(frozenset(values), negated)


def of_category(*categories: str) -> LineFilter:
    return (ByCategory(words(*categories)),)


CORNER_COFFEE = Programme(
    id="corner-coffee",
    name={"en": "Corner Coffee Club", "zh": "街角咖啡会员"},
    money="CNY",
    time_zone=SHANGHAI,
    wallets=(BEANS, STAMPS),
    accrual=(
        EarnRule(
            id="base",
            name={"en": "One bean a yuan"},
            wallet="beans",
            earn=PerMoney(Fraction(1), 100),
        ),
        EarnRule(
            id="stamp",
            name={"en": "A stamp a cup"},
            wallet="stamps",
            earn=PerUnit(Fraction(1), paid=True),
            lines=of_category("coffee"),
        ),
        MultiplyRule(
            id="early-coffee",
            name={"en": "Double beans on coffee before ten"},
            wallet="beans",
            factor=Fraction(2),
            lines=(*of_category("coffee"), BySku(words("GIFT-CARD", negated=True))),
            when=All(
                (
                    TimeOfDay(time(7), time(10)),
                    OnWeekday(frozenset({"mon", "tue", "wed", "thu", "fri"})),
                )
            ),
            starts_at=datetime(2026, 12, 1, tzinfo=SHANGHAI),
            ends_at=datetime(2027, 1, 1, tzinfo=SHANGHAI),
            exclusive="coffee-campaigns",
            priority=20,
        ),
        EarnRule(
            id="big-beans",
            wallet="beans",
            earn=PerMoney(Fraction(500), 20000, whole=True),
            lines=of_category("beans-and-tea"),
        ),
        BonusRule(id="first-visit", wallet="beans", points=200, when=PurchasesBefore(Bounds(0, 0))),
        MultiplyRule(id="birthday-month", wallet="beans", factor=Fraction(2), when=BirthdayIs("month")),
        ExcludeRule(id="no-clearance", lines=(ByTag(words("clearance")),)),
    ),
    caps=(
        Cap("beans-a-day", "beans", frozenset({"base", "early-coffee"}), "day", 2000),
        Cap(
            "big-beans-budget",
            "beans",
            frozenset({"big-beans"}),
            "month",
            5_000_000,
            over="everyone",
        ),
    ),
    tiers=TIERS,
)
COFFEE_PLAN = make_plan(CORNER_COFFEE, version=7)

GOLD_MEMBER = MemberFacts(date(2025, 1, 1), level="gold", purchases_before=12)
PLAIN_MEMBER = MemberFacts(date(2025, 1, 1), purchases_before=12)

LATTE = Line(
    "1",
    "LATTE-L",
    2,
    4000,
    discount_minor=600,
    tax_minor=226,
    category="coffee",
    brand="house",
    tags=frozenset({"hot"}),
)
API_PURCHASE = Purchase(
    SUNDAY,
    (LATTE,),
    "CNY",
    channel="store",
    order_discount_minor=500,
    tenders=(Tender("card", 3500),),
)
"""The purchase of API.md: two lattes at 40.00 together, 5.00 off the order."""


def line(line_id: str, amount_minor: int = 1000, quantity: int = 1, sku: str = "SKU", **others: object) -> Line:
    return Line(line_id, sku, quantity, amount_minor, **others)


def purchase(*lines: Line, at: datetime = SUNDAY, **others: object) -> Purchase:
    return Purchase(at, lines, "CNY", **others)


def plan_of(*rules: Rule, wallet: Wallet = BEANS, caps: tuple[Cap, ...] = (), tiers: Tiers | None = TIERS) -> Plan:
    """A plan of one wallet with these rules."""
    return make_plan(Programme("small", {}, "CNY", SHANGHAI, (wallet,), accrual=rules, caps=caps, tiers=tiers))


def a_point_a_yuan(rule_id: str = "base", **others: object) -> EarnRule:
    return EarnRule(id=rule_id, wallet="beans", earn=PerMoney(Fraction(1), 100), **others)
