"""Why a purchase earned what it did: for each rule what it gave and on which lines, or the first thing that failed.

The steps of a wallet add up to its points: rules, then the level's extra, then what caps took, then rounding.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rules.accrual import LINES, Accrual, Decisions, WalletWork, as_it_was
from rules.basket import goods_only, ratio
from rules.facts import Number, Purchase
from rules.filters import sees
from rules.plan import Plan
from rules.programme import ExcludeRule


class Step(NamedTuple):
    """One thing that gave or took points, or did not.

    `id` is the rule's, the level's or the cap's; `failed` is the path of what failed first (see `Decisions`), and then
    `points` is 0. An exclude rule has no wallet; its `lines` are those that it took out, and it failed by its lines where it
    took out none.
    """

    kind: Literal["rule", "level", "cap", "rounding"]
    id: str
    wallet: str | None
    points: Number
    lines: tuple[str, ...] = ()
    failed: str | None = None


def trace(plan: Plan, purchase: Purchase, accrual: Accrual) -> tuple[Step, ...]:
    """Return every step of `accrual`, rules in the programme's order, then for each wallet what followed."""
    works = {work.wallet: work for work in accrual.wallets}
    steps = [*_rules(plan, purchase, accrual, works)]
    for work in accrual.wallets:
        steps += _followed(work, accrual.decisions.level)
    return tuple(steps)


def _rules(plan: Plan, purchase: Purchase, accrual: Accrual, works: dict[str, WalletWork]) -> Iterator[Step]:
    goods = goods_only(purchase, accrual.seen)
    with_shipping = {wallet.id for wallet in plan.programme.wallets if wallet.basis.shipping}
    for rule in plan.programme.accrual:
        failed = accrual.decisions.failed.get(rule.id)
        if failed is not None:
            wallet = None if isinstance(rule, ExcludeRule) else rule.wallet
            yield Step("rule", rule.id, wallet, 0, failed=failed)
        elif isinstance(rule, ExcludeRule):
            taken_out = _excluded(plan, purchase, accrual.decisions, rule)
            yield Step("rule", rule.id, None, 0, taken_out, failed=None if taken_out else LINES)
        else:
            work = works[rule.wallet]
            seen = accrual.seen if rule.wallet in with_shipping else goods
            lines = _seen_by(plan.view_of[rule.id], purchase, seen)
            yield Step("rule", rule.id, rule.wallet, ratio(work.gave.get(rule.id, 0), 1, work.scale), lines)


def _seen_by(view: int, purchase: Purchase, seen: Sequence[int]) -> tuple[str, ...]:
    return tuple([line.line_id for line, views in zip(purchase.lines, seen, strict=True) if views & view])


def _excluded(plan: Plan, purchase: Purchase, decisions: Decisions, rule: ExcludeRule) -> tuple[str, ...]:
    lists = as_it_was(plan, decisions).lists
    return tuple(line.line_id for line in purchase.lines if sees(rule.lines, line, lists))


def _followed(work: WalletWork, level: str | None) -> Iterator[Step]:
    if work.level_gave:
        yield Step("level", level or "", work.wallet, ratio(work.level_gave, 1, work.scale))
    for cap, cut in work.cuts.items():
        yield Step("cap", cap, work.wallet, ratio(cut, -1, work.scale))
    total = ratio(sum(work.gave.values()) + work.level_gave - sum(work.cuts.values()), 1, work.scale)
    if total != work.points:
        yield Step("rounding", work.wallet, work.wallet, work.points - total)
