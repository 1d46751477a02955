"""Random programmes, purchases and members for hypothesis: small on purpose, so that rules, caps and lines meet."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rules.conditions import (
    All,
    AnyOf,
    ByChannel,
    HasLevel,
    Not,
    PaidBy,
    PurchasesBefore,
    Spent,
    Units,
)
from rules.facts import Line, MemberFacts, Purchase, Tender
from rules.filters import Bounds, ByBrand, ByCategory, ByFact, BySku, ByTag, Words
from rules.periods import Period
from rules.programme import (
    Basis,
    BonusRule,
    Cap,
    Downgrade,
    EarnRule,
    ExcludeRule,
    Level,
    MultiplyRule,
    PerFact,
    PerMoney,
    PerPurchase,
    PerUnit,
    PointsOf,
    Programme,
    RollingWindow,
    Tiers,
    Wallet,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A whole random programme takes a while to draw, and longer on a busy machine."""

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 9, 41, tzinfo=ZONE)

WALLETS = ("beans", "stamps")
SKUS = ("latte", "mocha", "beans-1kg")
CATEGORIES = ("drinks", "drinks/coffee", "drinks/coffee/hot", "grocery")
BRANDS = ("house", "guest")
TAGS = ("hot", "clearance")
CHANNELS = ("store", "web")
TENDERS = ("cash", "points", "gift_card")
LEVELS = ("green", "gold")
FACTS = ("distance", "weight")
CLASSES = ("F", "Y", "K")

rates = st.builds(Fraction, st.integers(1, 60), st.sampled_from((1, 2, 3, 4, 7, 10)))
factors = st.builds(lambda extra: 1 + extra, st.builds(Fraction, st.integers(1, 8), st.sampled_from((1, 2, 3, 4))))
roundings = st.sampled_from(("floor", "half_up", "ceiling"))


def words(*values: str) -> st.SearchStrategy[Words]:
    return st.builds(Words, st.frozensets(st.sampled_from(values), min_size=1, max_size=2), st.booleans())


def bounds(largest: int) -> st.SearchStrategy[Bounds]:
    numbers = st.integers(0, largest)
    return st.one_of(
        st.builds(Bounds, numbers, st.none()),
        st.builds(Bounds, st.none(), numbers),
        st.tuples(numbers, numbers).map(lambda pair: Bounds(min(pair), max(pair))),
    )


line_tests = st.one_of(
    st.builds(BySku, words(*SKUS)),
    st.builds(ByCategory, words(*CATEGORIES)),
    st.builds(ByBrand, words(*BRANDS)),
    st.builds(ByTag, words(*TAGS)),
    st.builds(ByFact, st.sampled_from(FACTS), bounds(20)),
    st.builds(ByFact, st.just("class"), words(*CLASSES)),
)
line_filters = st.lists(line_tests, max_size=2).map(tuple)

_simple = st.one_of(
    st.builds(Spent, bounds(9000), line_filters),
    st.builds(Units, bounds(8), line_filters),
    st.builds(ByChannel, words(*CHANNELS)),
    st.builds(PaidBy, words(*TENDERS)),
    st.builds(HasLevel, words(*LEVELS)),
    st.builds(PurchasesBefore, bounds(3)),
)
conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=4,
)

earnings = st.one_of(
    st.builds(PerMoney, rates, st.sampled_from((1, 7, 100, 250, 5000)), st.booleans()),
    st.builds(PerUnit, rates, st.booleans()),
    st.builds(PerPurchase, rates),
    st.builds(
        PerFact,
        rates,
        st.sampled_from(FACTS),
        st.none() | st.integers(0, 10).map(Fraction),
        st.none() | st.just("class"),
        st.dictionaries(st.sampled_from(CLASSES), rates, max_size=2),
    ),
)

_dates = st.sampled_from((None, None, None, NOW - timedelta(days=1), NOW, NOW + timedelta(minutes=1)))
_mostly_none = st.none() | st.none() | conditions


@st.composite
def rules(draw: st.DrawFn, rule_id: str) -> object:
    common = {
        "id": rule_id,
        "lines": draw(st.just(()) | line_filters),
        "when": draw(_mostly_none),
        "starts_at": draw(_dates),
        "ends_at": draw(st.none() | _dates),
    }
    kind = draw(st.sampled_from(("earn", "earn", "earn", "multiply", "multiply", "bonus", "exclude")))
    if kind == "exclude":
        return ExcludeRule(**{**common, "lines": (draw(line_tests),)})
    wallet = draw(st.sampled_from((WALLETS[0], WALLETS[0], WALLETS[1])))
    # a group lies in one wallet, and never mixes earning rules with what builds on them
    group = draw(st.sampled_from((None, "a", "b")))
    common |= {
        "wallet": wallet,
        "exclusive": group and f"{group}-{wallet}-{kind == 'earn'}",
        "priority": draw(st.integers(0, 1)) if group else 0,
    }
    if kind == "earn":
        return EarnRule(**common, earn=draw(earnings))
    if kind == "multiply":
        return MultiplyRule(**common, factor=draw(factors))
    return BonusRule(**common, points=draw(st.integers(1, 50)))


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    ids = draw(st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=8))
    accrual = tuple(draw(rules(rule_id)) for rule_id in ids)
    caps = tuple(
        draw(_cap(cap_id, accrual)) for cap_id in draw(st.permutations(("c1", "c2", "c3")))[: draw(st.integers(0, 3))]
    )
    wallets = tuple(
        Wallet(
            wallet,
            {},
            rounding=draw(roundings),
            basis=draw(bases),
            on_return=draw(st.sampled_from(("allow_debt", "clamp"))),
        )
        for wallet in WALLETS
    )
    gold = Level("gold", {}, 1000, draw(st.just(Fraction(1)) | factors), WALLETS[0])
    tiers = Tiers(
        PointsOf(WALLETS[0]),
        RollingWindow(Period(12, "months")),
        Downgrade(),
        (Level("green", {}, 0), gold),
    )
    return Programme(
        "random",
        {},
        "CNY",
        ZONE,
        wallets,
        accrual=accrual,
        caps=caps,
        tiers=draw(st.sampled_from((tiers, None))),
    )


bases = st.builds(Basis, st.booleans(), st.booleans(), st.frozensets(st.sampled_from(TENDERS[1:])))


@st.composite
def _cap(draw: st.DrawFn, cap_id: str, accrual: tuple[object, ...]) -> Cap:
    wallet = draw(st.sampled_from(WALLETS))
    ids = [rule.id for rule in accrual if getattr(rule, "wallet", None) == wallet]
    chosen = draw(st.frozensets(st.sampled_from(ids), min_size=1)) if ids else frozenset()
    return Cap(cap_id, wallet, chosen, "day", draw(st.integers(1, 300)))


@st.composite
def lines(draw: st.DrawFn, line_id: str) -> Line:
    amount = draw(st.integers(0, 6000))
    facts = {name: draw(st.integers(0, 20) | rates) for name in FACTS if draw(st.booleans())}
    if draw(st.booleans()):
        facts["class"] = draw(st.sampled_from(CLASSES))
    return Line(
        line_id,
        draw(st.sampled_from(SKUS)),
        draw(st.integers(0, 4)),
        amount,
        tax_minor=draw(st.integers(0, amount)),
        kind=draw(st.sampled_from(("goods", "goods", "goods", "shipping"))),
        category=draw(st.none() | st.sampled_from(CATEGORIES)),
        brand=draw(st.none() | st.sampled_from(BRANDS)),
        tags=draw(st.frozensets(st.sampled_from(TAGS))),
        facts=facts,
    )


@st.composite
def purchases(draw: st.DrawFn) -> Purchase:
    ids = draw(st.lists(st.sampled_from("12345"), unique=True, min_size=1))
    bought = tuple(draw(lines(line_id)) for line_id in ids)
    total = sum(line.amount_minor for line in bought)
    discount = draw(st.just(0) | st.integers(0, total))
    paid = draw(st.integers(0, total - discount))
    return Purchase(
        NOW,
        bought,
        "CNY",
        channel=draw(st.none() | st.sampled_from(CHANNELS)),
        order_discount_minor=discount,
        tenders=(
            Tender(draw(st.sampled_from(TENDERS)), paid),
            Tender(draw(st.sampled_from(TENDERS)), total - discount - paid),
        ),
    )


members = st.builds(
    MemberFacts,
    st.just(date(2025, 1, 1)),
    level=st.sampled_from((None, "green", "gold", "gold", "gone")),
    purchases_before=st.integers(0, 3),
)
cap_rooms = st.dictionaries(st.sampled_from(("c1", "c2", "c3")), st.integers(-5, 300))
