"""A programme made ready to be worked out many times: rates as integers over one denominator for each wallet.

With every rate of a wallet brought to a common denominator, the points of a purchase are sums and products of
integers; only a cap that binds, or a part of a line that came back, brings in fractions. Results are the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from math import lcm
from typing import Final, Generic, TypeVar

from rules.conditions import asks_for_profile, line_filters
from rules.filters import NO_LISTS, BySkuList, LineFilter, SkuLists
from rules.judging import Test, rule_tests
from rules.programme import (
    Basis,
    BonusRule,
    Cap,
    EarnRule,
    ExcludeRule,
    MultiplyRule,
    PerFact,
    PerMoney,
    PointsRule,
    Programme,
    Reward,
    Wallet,
)
from rules.views import Views

Rate = tuple[int, int]
"""A numerator and a denominator."""
NO_EXTRA: Final[Rate] = (0, 1)

Group = tuple[PointsRule, ...]
"""The rules of an exclusive group."""

AnyRule = TypeVar("AnyRule", EarnRule, MultiplyRule, BonusRule, ExcludeRule)


@dataclass(frozen=True, slots=True)
class Prepared(Generic[AnyRule]):
    """A rule with the view of its line filter, and its rate.

    The rate is in units of 1 / `scale` points: for each minor unit, whole amount, unit, purchase or number that an
    earning rule counts; for a bonus, all of it. A multiplier adds `rate` units for each `per` that it sees.
    """

    id: str
    rule: AnyRule
    view: int
    rate: int = 0
    per: int = 1


@dataclass(frozen=True, slots=True)
class WalletPlan:
    """The rules of one wallet, each kind in the order of the ids; points inside are in units of 1 / `scale`."""

    wallet: Wallet
    basis: int
    """The place of its basis among the plan's."""
    earn: tuple[Prepared[EarnRule], ...]
    multiply: tuple[Prepared[MultiplyRule], ...]
    bonus: tuple[Prepared[BonusRule], ...]
    points_views: tuple[tuple[str, int], ...]
    """Every rule above with its view."""
    earn_groups: tuple[Group, ...]
    """The exclusive groups of earning rules; a group never mixes these with what builds on them."""
    other_groups: tuple[Group, ...]
    levels: Mapping[str, Rate]
    """Level to what it adds to each point that was earned, where it adds any."""
    caps: tuple[Cap, ...]
    capped: tuple[str, ...]
    """The rules that stand under a cap."""
    scale: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A published version of a programme, ready to use. Keep it in the process, by version, never by time."""

    programme: Programme
    version: int
    lists: SkuLists
    list_names: tuple[str, ...]
    """The SKU lists that rules name."""
    views: Views
    bases: tuple[Basis, ...]
    judged: tuple[tuple[str, tuple[Test, ...]], ...]
    """What the rules ask of more than lines: a condition, a start, an end; only those that do."""
    asks_for_profile: bool
    """Whether any condition looks at the person."""
    excludes: tuple[Prepared[ExcludeRule], ...]
    wallets: tuple[WalletPlan, ...]
    caps: tuple[str, ...]
    period_caps: tuple[Cap, ...]
    """The caps that last longer than a purchase."""
    view_of: Mapping[str, int]
    """Rule to the view of its filter."""
    automatic: tuple[Reward, ...] = ()
    """The rewards that are issued by themselves once their cost is there, in the order of their ids."""
    said: dict[tuple[str, str | None, str], str] = field(default_factory=dict, compare=False, repr=False)
    """Reasons in words, by rule, what failed, and language: every purchase is told the same few."""


def make_plan(programme: Programme, version: int = 0, lists: SkuLists = NO_LISTS) -> Plan:
    """Prepare `programme`; `lists` are the SKU lists beside it, and stay the same while the plan is used."""
    rules = sorted(programme.accrual, key=lambda rule: rule.id)
    asked = (tests for rule in rules if rule.when for tests in line_filters(rule.when))
    views = Views(chain((rule.lines for rule in rules), asked), lists)
    bases = tuple(dict.fromkeys(wallet.basis for wallet in programme.wallets))
    return Plan(
        programme=programme,
        version=version,
        lists=lists,
        list_names=_list_names(views.filters),
        views=views,
        bases=bases,
        judged=tuple((rule.id, tests) for rule in rules if (tests := rule_tests(rule, views))),
        asks_for_profile=any(rule.when is not None and asks_for_profile(rule.when) for rule in rules),
        excludes=tuple(
            Prepared(rule.id, rule, views.view(rule.lines)) for rule in rules if isinstance(rule, ExcludeRule)
        ),
        wallets=tuple(_wallet_plan(programme, wallet, views, bases) for wallet in programme.wallets),
        caps=tuple(cap.id for cap in programme.caps),
        period_caps=tuple(cap for cap in programme.caps if cap.per != "purchase"),
        view_of={rule.id: views.view(rule.lines) for rule in rules},
        automatic=tuple(
            sorted((one for one in programme.rewards if one.automatic and one.cost), key=lambda one: one.id)
        ),
    )


def with_lists(plan: Plan, lists: SkuLists) -> Plan:
    """Return the plan with other SKU lists; everything else of it stays."""
    return replace(plan, lists=lists, views=Views(plan.views.filters, lists))


def _list_names(filters: Iterable[LineFilter]) -> tuple[str, ...]:
    tests = (test for line_filter in filters for test in line_filter if isinstance(test, BySkuList))
    return tuple(sorted({name for test in tests for name in test.lists.values}))


def _wallet_plan(programme: Programme, wallet: Wallet, views: Views, bases: tuple[Basis, ...]) -> WalletPlan:
    scale = _scale(programme, wallet)
    rules = sorted(_points_rules(programme, wallet), key=lambda rule: rule.id)
    caps = sorted((cap for cap in programme.caps if cap.wallet == wallet.id), key=lambda cap: cap.id)
    return WalletPlan(
        wallet=wallet,
        basis=bases.index(wallet.basis),
        earn=tuple(_prepare_earning(rule, views, scale) for rule in rules if isinstance(rule, EarnRule)),
        multiply=tuple(
            Prepared(rule.id, rule, views.view(rule.lines), *(rule.factor - 1).as_integer_ratio())
            for rule in rules
            if isinstance(rule, MultiplyRule)
        ),
        bonus=tuple(
            Prepared(rule.id, rule, views.view(rule.lines), rule.points * scale)
            for rule in rules
            if isinstance(rule, BonusRule)
        ),
        points_views=tuple((rule.id, views.view(rule.lines)) for rule in rules),
        earn_groups=_groups(rule for rule in rules if isinstance(rule, EarnRule)),
        other_groups=_groups(rule for rule in rules if not isinstance(rule, EarnRule)),
        levels={level: extra.as_integer_ratio() for level, extra in _level_extras(programme, wallet).items()},
        caps=tuple(caps),
        capped=tuple(rule.id for rule in rules if any(rule.id in cap.rules for cap in caps)),
        scale=scale,
    )


def _groups(rules: Iterable[PointsRule]) -> tuple[Group, ...]:
    grouped: dict[str, list[PointsRule]] = {}
    for rule in rules:
        if rule.exclusive:
            grouped.setdefault(rule.exclusive, []).append(rule)
    return tuple(tuple(group) for group in grouped.values())


def _points_rules(programme: Programme, wallet: Wallet) -> Iterator[PointsRule]:
    for rule in programme.accrual:
        if not isinstance(rule, ExcludeRule) and rule.wallet == wallet.id:
            yield rule


def _prepare_earning(rule: EarnRule, views: Views, scale: int) -> Prepared[EarnRule]:
    view = views.view(rule.lines)
    match rule.earn:
        case PerMoney(points, per_minor, whole=False):
            return Prepared(rule.id, rule, view, int(points * scale / per_minor))
        case _:
            return Prepared(rule.id, rule, view, int(rule.earn.points * scale))


def _level_extras(programme: Programme, wallet: Wallet) -> dict[str, Fraction]:
    levels = programme.tiers.levels if programme.tiers else ()
    return {level.id: level.factor - 1 for level in levels if level.wallet == wallet.id and level.factor != 1}


def _scale(programme: Programme, wallet: Wallet) -> int:
    """A common denominator of all that earning rules give, times one of all that multiplies it."""
    given = lcm(*(rate.denominator for rate in _earning_rates(programme, wallet)))
    factors = [rule.factor for rule in _points_rules(programme, wallet) if isinstance(rule, MultiplyRule)]
    factors += _level_extras(programme, wallet).values()
    return given * lcm(*(factor.denominator for factor in factors))


def _earning_rates(programme: Programme, wallet: Wallet) -> Iterator[Fraction]:
    for rule in _points_rules(programme, wallet):
        if not isinstance(rule, EarnRule):
            continue
        match rule.earn:
            case PerMoney(points, per_minor, whole=False):
                yield points / per_minor
            case PerFact(points, rates=rates):
                yield points
                yield from (points * rate for rate in rates.values())
            case _:
                yield rule.earn.points
