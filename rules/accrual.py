"""What a purchase earns, and why: exact to the point, whatever the order of its lines and of the programme's rules.

Source: PROGRAMME.md, Accrual, exactly (1 to 8). `accrue` decides once, when a purchase is posted, and returns beside
the points the facts that decided; `rework` works out what is left of that purchase under those same facts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple, assert_never

from rules.basket import Basket, Remaining, counted, exact, goods_only, make_baskets, portions_of, ratio
from rules.earning import earn, earned_on
from rules.eligible import net_amounts
from rules.facts import MemberFacts, Number, Purchase
from rules.judging import Situation, first_failure, local_time
from rules.plan import NO_EXTRA, Group, Plan, Rate, WalletPlan, with_lists
from rules.programme import Cap, Rounding
from rules.views import EVERY_LINE, by_views

CapRoom = Mapping[str, int]
"""Cap id to the whole points that its period still has room for; a cap that is not named has all of its points."""

LINES = "lines"
"""The reason of a rule that sees no line."""
EXCLUSIVE = "exclusive:"
"""Followed by the id of the rule that was preferred."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The facts that decided, frozen with the purchase; nothing personal.

    `failed` maps each rule that did not apply to the path of what failed first: `when.all[0]`, `when.locked`, `from`, `to`,
    `lines`, or `exclusive:<rule>`.
    """

    version: int
    level: str | None
    failed: Mapping[str, str]
    cap_room: CapRoom = field(default_factory=dict)
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """SKU list to those of the purchase's products that were on it, for the lists that rules name."""


class WalletWork(NamedTuple):
    """How the points of one wallet came about, in units of 1 / `scale` except `points` and `cap_use`."""

    wallet: str
    scale: int
    gave: Mapping[str, Number]
    """Rule to what it gave before caps."""
    level_gave: Number
    cuts: Mapping[str, Number]
    """Cap to what it took, where it took anything."""
    points: int
    cap_use: Mapping[str, int]
    """Cap to the whole points that were used of it, where any were."""


@dataclass(frozen=True, slots=True)
class Accrual:
    """What a purchase, or what is left of it, earns."""

    decisions: Decisions
    wallets: tuple[WalletWork, ...]
    seen: Sequence[int]
    """For each line the views of the plan that it counts for, shipping included."""

    @property
    def points(self) -> dict[str, int]:
        """Wallet to points, for the wallets in which there are any."""
        return {work.wallet: work.points for work in self.wallets if work.points}

    @property
    def cap_use(self) -> dict[str, int]:
        """Cap to the whole points that were used of it, where any were."""
        return {cap: used for work in self.wallets for cap, used in work.cap_use.items()}


def accrue(plan: Plan, purchase: Purchase, member: MemberFacts, cap_room: CapRoom) -> Accrual:
    """Judge a purchase by the member as it was before it, and give the points with the facts that decided."""
    net = net_amounts(purchase)
    passed = plan.views.through(purchase.lines)
    spent = by_views(goods_only(purchase, passed), net)
    now = Situation(purchase, member, local_time(purchase.occurred_at, plan.programme.time_zone), passed, spent)
    failed = {rule: path for rule, tests in plan.judged if (path := first_failure(tests, now)) is not None}
    seen = counted(plan, purchase, passed, None, failed)
    works = _works(plan, make_baskets(plan, purchase, net, seen, None), member.level, failed, cap_room)
    rooms = {cap: cap_room[cap] for cap in plan.caps if cap in cap_room}
    return Accrual(Decisions(plan.version, member.level, failed, rooms, listed(plan, purchase)), works, seen)


def rework(plan: Plan, purchase: Purchase, decisions: Decisions, remaining: Remaining | None = None) -> Accrual:
    """Work out again what a purchase earned, or what its remaining lines earn, under the facts that decided then."""
    plan = as_it_was(plan, decisions)
    failed = dict(decisions.failed)
    portions = portions_of(purchase, remaining)
    seen = counted(plan, purchase, plan.views.through(purchase.lines), portions, failed)
    baskets = make_baskets(plan, purchase, net_amounts(purchase), seen, portions)
    return Accrual(decisions, _works(plan, baskets, decisions.level, failed, decisions.cap_room), seen)


def listed(plan: Plan, purchase: Purchase) -> dict[str, list[str]]:
    """Return which of the purchase's products are on each SKU list that the programme's rules name."""
    return {name: sorted({line.sku for line in purchase.lines} & plan.lists[name]) for name in plan.list_names}


def as_it_was(plan: Plan, decisions: Decisions) -> Plan:
    """Return the plan with the SKU lists as they were when a purchase was posted: they change without a version."""
    if not plan.list_names:
        return plan
    return with_lists(plan, {name: frozenset(skus) for name, skus in decisions.lists.items()})


def _works(
    plan: Plan, baskets: Sequence[Basket], level: str | None, failed: dict[str, str], cap_room: CapRoom
) -> tuple[WalletWork, ...]:
    return tuple([_work(wallet, baskets[wallet.basis], level, failed, cap_room) for wallet in plan.wallets])


def _work(plan: WalletPlan, basket: Basket, level: str | None, failed: dict[str, str], cap_room: CapRoom) -> WalletWork:
    """Work out one wallet; rules that see no line, or lose their group, are added to `failed`."""
    for rule, view in plan.points_views:
        if not view & basket.views:
            failed.setdefault(rule, LINES)
    earned = {rule.id: earn(rule, basket) for rule in plan.earn if rule.id not in failed}
    _drop_losers(plan.earn_groups, earned, failed)
    extra = plan.levels.get(level or "", NO_EXTRA)
    level_gave = ratio(sum(earned.values()), *extra)
    gave = earned | _multiplied_and_added(plan, basket, earned, failed)
    kept = _with_extra(plan, gave, extra, earned)
    cuts, cap_use = _capped(plan, cap_room, kept) if kept else ({}, {})
    points = rounded(sum(gave.values()) + level_gave - sum(cuts.values()), plan.scale, plan.wallet.rounding)
    return WalletWork(plan.wallet.id, plan.scale, gave, level_gave, cuts, points, cap_use)


def _multiplied_and_added(
    plan: WalletPlan, basket: Basket, earned: Mapping[str, Number], failed: dict[str, str]
) -> dict[str, Number]:
    gave: dict[str, Number] = {bonus.id: bonus.rate for bonus in plan.bonus if bonus.id not in failed}
    for rule in plan.multiply:
        if rule.id not in failed:
            gave[rule.id] = ratio(_earned_on(rule.view, plan, basket, earned), rule.rate, rule.per)
    _drop_losers(plan.other_groups, gave, failed)
    return gave


def _earned_on(view: int, plan: WalletPlan, basket: Basket, earned: Mapping[str, Number]) -> Number:
    """Return what all earning rules gave on the lines of a view."""
    if view == EVERY_LINE:
        return sum(earned.values())
    return sum([earned_on(view, rule, basket, earned[rule.id]) for rule in plan.earn if rule.id in earned])


def _drop_losers(groups: Iterable[Group], gave: dict[str, Number], failed: dict[str, str]) -> None:
    """Of each exclusive group keep the highest priority; a tie goes to what gives more, then to the lower id."""
    for group in groups:
        rivals = [rule for rule in group if rule.id in gave]
        if len(rivals) > 1:
            winner, *losers = sorted(rivals, key=lambda rule: (-rule.priority, -gave[rule.id], rule.id))
            for loser in losers:
                failed[loser.id] = EXCLUSIVE + winner.id
                del gave[loser.id]


def _with_extra(
    plan: WalletPlan, gave: Mapping[str, Number], extra: Rate, earned: Collection[str]
) -> dict[str, Number]:
    """Return what the rules under caps gave, the level's extra on each earning rule included."""
    kept = {rule: gave[rule] for rule in plan.capped if rule in gave}
    if extra != NO_EXTRA:
        kept |= {rule: points + ratio(points, *extra) for rule, points in kept.items() if rule in earned}
    return kept


def _capped(plan: WalletPlan, cap_room: CapRoom, kept: dict[str, Number]) -> tuple[dict[str, Number], dict[str, int]]:
    """Apply the caps in the order of their ids; return what each took, and what of each was used in whole points."""
    cuts: dict[str, Number] = {}
    used = _used(plan.caps, kept)
    for cap in plan.caps:
        together, room = used[cap.id], min(cap.points, max(0, cap_room.get(cap.id, cap.points))) * plan.scale
        if together > room:
            cuts[cap.id] = exact(together - room)
            kept |= {rule: exact(Fraction(kept[rule]) * room / together) for rule in cap.rules if rule in kept}
            used = _used(plan.caps, kept)
    return cuts, {cap: -(-points // plan.scale) for cap, points in used.items() if points}


def _used(caps: Iterable[Cap], kept: Mapping[str, Number]) -> dict[str, Number]:
    return {cap.id: sum([points for rule, points in kept.items() if rule in cap.rules]) for cap in caps}


def rounded(total: Number, scale: int, rounding: Rounding) -> int:
    """Round `total / scale` points to whole ones."""
    match rounding:
        case "floor":
            return total // scale
        case "half_up":
            return (2 * total + scale) // (2 * scale)
        case "ceiling":
            return -(-total // scale)
        case _:
            assert_never(rounding)
