"""Accrual worked out a second time, slowly, in fractions, straight from the text of PROGRAMME.md, Accrual, exactly.

It shares nothing with the engine but the dataclasses that say what a programme and a purchase are, and knows only the
conditions that `strategies.py` makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from rules import conditions as c
from rules import filters as f
from rules import programme as p
from rules.facts import Line, MemberFacts, Purchase


@dataclass
class Worked:
    """What the reference says; rule and cap ids are unique in a programme."""

    points: dict[str, int] = field(default_factory=dict)
    gave: dict[str, Fraction] = field(default_factory=dict)
    level_gave: dict[str, Fraction] = field(default_factory=dict)
    cuts: dict[str, Fraction] = field(default_factory=dict)
    cap_use: dict[str, int] = field(default_factory=dict)


def work_out(
    programme: p.Programme,
    purchase: Purchase,
    member: MemberFacts,
    room: Mapping[str, int],
    left: Mapping[str, int] | None = None,
    out: frozenset[str] = frozenset(),
) -> Worked:
    """Work out every wallet; `left` is what remains of the lines, `out` the rules that did not apply when it was posted."""
    rules = [rule for rule in programme.accrual if rule.id not in out]
    if left is None:
        rules = [rule for rule in rules if applies(rule, purchase, member)]
    excludes = [rule for rule in rules if isinstance(rule, p.ExcludeRule)]
    counted = [
        line
        for line in purchase.lines
        if part(line, left) > 0
        and (line.quantity or line.amount_minor)
        and not any(passes(rule.lines, line) for rule in excludes)
    ]
    worked = Worked()
    for wallet in programme.wallets:
        mine = [rule for rule in rules if not isinstance(rule, p.ExcludeRule) and rule.wallet == wallet.id]
        _wallet(worked, programme, wallet, mine, purchase, counted, member, room, left)
    return worked


def _wallet(worked, programme, wallet, rules, purchase, counted, member, room, left):
    counted = [line for line in counted if wallet.basis.shipping or line.kind != "shipping"]
    seen = {rule.id: [line for line in counted if passes(rule.lines, line)] for rule in rules}
    rules = [rule for rule in rules if seen[rule.id]]
    whole = eligible(purchase, wallet.basis)
    money = {line.line_id: whole[line.line_id] * part(line, left) for line in purchase.lines}

    earned = {rule.id: _earned(rule.earn, seen[rule.id], money, left) for rule in rules if isinstance(rule, p.EarnRule)}
    totals = {rule: sum(lines.values()) for rule, lines in earned.items()}
    kept = _winners([rule for rule in rules if rule.id in earned], totals)
    earned = {rule: lines for rule, lines in earned.items() if rule in kept}

    others = {}
    for rule in rules:
        if isinstance(rule, p.MultiplyRule):
            on_lines = sum(lines.get(line.line_id, 0) for lines in earned.values() for line in seen[rule.id])
            others[rule.id] = (rule.factor - 1) * on_lines
        elif isinstance(rule, p.BonusRule):
            others[rule.id] = Fraction(rule.points)
    kept = _winners([rule for rule in rules if rule.id in others], others)
    gave = {rule: totals[rule] for rule in earned} | {rule: others[rule] for rule in others if rule in kept}

    levels = programme.tiers.levels if programme.tiers else ()
    factor = next(
        (level.factor for level in levels if level.id == member.level and level.wallet == wallet.id),
        1,
    )
    extra = {rule: totals[rule] * (factor - 1) for rule in earned}

    with_extra = {rule: Fraction(points + extra.get(rule, 0)) for rule, points in gave.items()}
    before_caps = sum(with_extra.values())
    caps = sorted((cap for cap in programme.caps if cap.wallet == wallet.id), key=lambda cap: cap.id)
    for cap in caps:
        together = sum(with_extra[rule] for rule in cap.rules if rule in with_extra)
        most = max(0, min(cap.points, room.get(cap.id, cap.points)))
        if together > most:
            worked.cuts[cap.id] = together - most
            for rule in cap.rules & with_extra.keys():
                with_extra[rule] *= Fraction(most) / together
    for cap in caps:
        worked.cap_use[cap.id] = ceil(sum(with_extra[rule] for rule in cap.rules if rule in with_extra))
    worked.gave |= gave
    worked.level_gave[wallet.id] = Fraction(sum(extra.values()))
    total = before_caps - sum(worked.cuts[cap.id] for cap in caps if cap.id in worked.cuts)
    half = Fraction(1, 2)
    worked.points[wallet.id] = {
        "floor": floor(total),
        "half_up": floor(total + half),
        "ceiling": ceil(total),
    }[wallet.rounding]


def _winners(rules, gives):
    groups = {}
    for rule in rules:
        groups.setdefault(rule.exclusive or f"alone: {rule.id}", []).append(rule)
    return {min(group, key=lambda rule: (-rule.priority, -gives[rule.id], rule.id)).id for group in groups.values()}


def _earned(earn, lines, money, left):
    """Line id to points."""
    match earn:
        case p.PerMoney(points, per_minor, False):
            return {line.line_id: points * money[line.line_id] / per_minor for line in lines}
        case p.PerMoney(points, per_minor, True):
            whole = floor(Fraction(sum(money[line.line_id] for line in lines)) / per_minor)
            return _in_proportion(points * whole, lines, money)
        case p.PerUnit(points, paid):
            units = {line.line_id: line.quantity * part(line, left) for line in lines}
            return {
                line.line_id: points * units[line.line_id] if money[line.line_id] > 0 or not paid else Fraction(0)
                for line in lines
            }
        case p.PerPurchase(points):
            return _in_proportion(points, lines, money)
        case p.PerFact():
            return {line.line_id: earn.points * _number(earn, line) * part(line, left) for line in lines}


def _in_proportion(points, lines, money):
    whole = sum(money[line.line_id] for line in lines)
    if whole == 0:
        return {line.line_id: Fraction(points) / len(lines) for line in lines}
    return {line.line_id: Fraction(points) * money[line.line_id] / whole for line in lines}


def _number(earn, line):
    number = line.facts.get(earn.fact)
    if not isinstance(number, int | Fraction):
        return Fraction(0)
    number = Fraction(number)
    if earn.at_least is not None and number < earn.at_least:
        number = earn.at_least
    if earn.rate_by is not None:
        number *= earn.rates.get(line.facts.get(earn.rate_by), Fraction(0))
    return number


def part(line: Line, left: Mapping[str, int] | None) -> Fraction:
    """What part of a line remains; a line of quantity 0 is whole or gone."""
    if left is None or line.line_id not in left:
        return Fraction(1)
    if line.quantity == 0:
        return Fraction(1 if left[line.line_id] else 0)
    return Fraction(left[line.line_id], line.quantity)


def eligible(purchase: Purchase, basis: p.Basis) -> dict[str, int]:
    """Line id to its amount less order discount, less what excluded tenders paid, less tax; never below 0."""
    money = net(purchase)
    excluded = sum(tender.amount_minor for tender in purchase.tenders if tender.kind in basis.tenders_excluded)
    off = largest_remainders(excluded, money)
    amounts = {}
    for line in purchase.lines:
        amount = max(0, money[line.line_id] - off[line.line_id])
        if not basis.tax_included:
            amount = max(0, amount - line.tax_minor)
        if line.kind == "shipping" and not basis.shipping:
            amount = 0
        amounts[line.line_id] = amount
    return amounts


def net(purchase: Purchase) -> dict[str, int]:
    """Line id to its amount less its share of the order discount."""
    amounts = {line.line_id: line.amount_minor for line in purchase.lines}
    off = largest_remainders(purchase.order_discount_minor, amounts)
    return {line: amount - off[line] for line, amount in amounts.items()}


def largest_remainders(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split at most all of the weights' sum; equal remainders go to the larger weight, then to the lower line id."""
    whole = sum(weights.values())
    total = min(total, whole)
    if whole == 0:
        return dict.fromkeys(weights, 0)
    quotas = {line: Fraction(total * weight, whole) for line, weight in weights.items()}
    shares = {line: floor(quota) for line, quota in quotas.items()}
    order = sorted(weights, key=lambda line: (shares[line] - quotas[line], -weights[line], line))
    for line in order[: total - sum(shares.values())]:
        shares[line] += 1
    return shares


def applies(rule: p.Rule, purchase: Purchase, member: MemberFacts) -> bool:
    at = purchase.occurred_at
    if rule.starts_at is not None and at < rule.starts_at:
        return False
    if rule.ends_at is not None and at >= rule.ends_at:
        return False
    return rule.when is None or holds(rule.when, purchase, member)


def holds(condition: c.Condition, purchase: Purchase, member: MemberFacts) -> bool:
    match condition:
        case c.All(parts):
            return all(holds(part, purchase, member) for part in parts)
        case c.AnyOf(parts):
            return any(holds(part, purchase, member) for part in parts)
        case c.Not(inner):
            return not holds(inner, purchase, member)
        case c.Spent(bounds, of):
            return within(
                bounds,
                sum(
                    net(purchase)[line.line_id] for line in purchase.lines if passes(of, line) and line.kind == "goods"
                ),
            )
        case c.Units(bounds, of):
            return within(
                bounds, sum(line.quantity for line in purchase.lines if passes(of, line) and line.kind == "goods")
            )
        case c.ByChannel(words):
            return named(words, {purchase.channel} - {None})
        case c.PaidBy(words):
            return named(words, {tender.kind for tender in purchase.tenders})
        case c.HasLevel(words):
            return named(words, {member.level} - {None})
        case c.PurchasesBefore(bounds):
            return within(bounds, member.purchases_before)
    raise AssertionError(condition)


def passes(line_filter: f.LineFilter, line: Line) -> bool:
    for test in line_filter:
        match test:
            case f.BySku(words):
                good = named(words, {line.sku})
            case f.ByCategory(words):
                path = (line.category or "").split("/")
                good = named(
                    words,
                    {"/".join(path[: i + 1]) for i in range(len(path))} if line.category else set(),
                )
            case f.ByBrand(words):
                good = named(words, {line.brand} - {None})
            case f.ByTag(words):
                good = named(words, line.tags)
            case f.ByFact(name, f.Words() as words):
                good = isinstance(line.facts.get(name), str) and named(words, {line.facts[name]})
            case f.ByFact(name, f.Bounds() as bounds):
                number = line.facts.get(name)
                good = isinstance(number, int | Fraction) and within(bounds, number)
            case _:
                raise AssertionError(test)
        if not good:
            return False
    return True


def named(words: f.Words, found: set[str] | frozenset[str]) -> bool:
    return not (words.values & found) if words.negated else bool(words.values & found)


def within(bounds: f.Bounds, number: int | Fraction) -> bool:
    if bounds.at_least is not None and number < bounds.at_least:
        return False
    return bounds.at_most is None or number <= bounds.at_most
