"""A trace in words, for the cashier, the member and the marketer: what gave points, what took some, and why not more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import assert_never

from rules.accrual import EXCLUSIVE, LINES, Accrual
from rules.birthdays import CHANGE_LOCK
from rules.conditions import part_at
from rules.facts import Purchase
from rules.judging import ENDS, LOCKED, STARTS
from rules.phrases import Tongue, number
from rules.plan import Plan
from rules.programme import BonusRule, EarnRule, ExcludeRule, MultiplyRule, PerMoney, Rule, Wallet
from rules.trace import Step, trace
from rules.wording import Wording

_LINES_NAMED = 3
"""So many products are named in one sentence; the others are counted."""


@dataclass(frozen=True, slots=True)
class WalletWords:
    """One wallet in words. The points in `gave` (what gave, then what took) add up to those of the headline."""

    wallet: str
    headline: str
    gave: tuple[str, ...]
    gave_nothing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A purchase's points in words.

    `left_out` says which lines counted for nothing in any wallet, `left_nothing_out` which exclude rules took none, and
    why; `returned` what stays of it after goods came back.
    """

    headline: str
    wallets: tuple[WalletWords, ...]
    left_out: tuple[str, ...]
    left_nothing_out: tuple[str, ...]
    returned: tuple[str, ...] = ()


def because(plan: Plan, step: Step, language: str) -> str:
    """Say why a rule that gave nothing gave nothing: `starts on 2026-12-01`."""
    key = (step.id, step.failed, language)
    words = plan.said.get(key)
    if words is None:
        wording = Wording(plan.programme, Tongue(language))
        words = plan.said[key] = _because(wording, _rule(wording, step.id), step.failed)
    return words


def explain(
    plan: Plan, purchase: Purchase, accrual: Accrual, language: str, kept: Mapping[str, int] | None = None
) -> Explanation:
    """Say in `language` what the purchase earned and why, and what was `kept` of it by wallet where goods came back."""
    wording = Wording(plan.programme, Tongue(language))
    steps = trace(plan, purchase, accrual)
    wallets = tuple(
        _wallet_words(wording, wallet, accrual.points.get(wallet.id, 0), purchase, steps)
        for wallet in plan.programme.wallets
    )
    headlines = [words.headline for words in wallets if words.wallet in accrual.points]
    headline = wording.tongue.say("comma").join(headlines) or wording.tongue.say("nothing")
    stays = tuple(_stays(wording, accrual, kept)) if kept is not None else ()
    left_out, left_nothing_out = _left_out(wording, purchase, steps)
    return Explanation(headline, wallets, left_out, left_nothing_out, stays)


def _wallet_words(
    wording: Wording, wallet: Wallet, points: int, purchase: Purchase, steps: Sequence[Step]
) -> WalletWords:
    say = wording.tongue.say
    of_wallet = [step for step in steps if step.wallet == wallet.id]
    name = wording.tongue.name(wallet.name, wallet.id)
    return WalletWords(
        wallet.id,
        say("headline", points=f"{points:,}", wallet=name),
        tuple(_gave(wording, purchase, step) for step in of_wallet if step.points),
        tuple(_gave_nothing(wording, step) for step in of_wallet if not step.points),
    )


def _gave(wording: Wording, purchase: Purchase, step: Step) -> str:
    say, points, plus = wording.tongue.say, number(step.points), step.points > 0
    match step.kind:
        case "rule":
            return _rule_gave(wording, purchase, step)
        case "level":
            return say("level_more" if plus else "level_less", points=points, level=wording.level(step.id))
        case "cap":
            return _capped(wording, step)
        case "rounding":
            return say("rounded_up" if plus else "rounded_down", points=points)
        case _:
            assert_never(step.kind)


def _rule_gave(wording: Wording, purchase: Purchase, step: Step) -> str:
    rule, points = _rule(wording, step.id), number(step.points)
    name = wording.rule(rule.id)
    if step.points < 0:
        return wording.tongue.say("less", points=points, rule=name)
    match rule:
        case EarnRule():
            return wording.tongue.say("gave_on", points=points, rule=name, lines=_products(wording, purchase, step))
        case MultiplyRule():
            return wording.tongue.say("more", points=points, rule=name, lines=_products(wording, purchase, step))
        case BonusRule() | ExcludeRule():
            return wording.tongue.say("gave", points=points, rule=name)
        case _:
            assert_never(rule)


def _products(wording: Wording, purchase: Purchase, step: Step) -> str:
    """Name what was bought on the step's lines, each product once."""
    skus = list(dict.fromkeys(line.sku for line in purchase.lines if line.line_id in set(step.lines)))
    names = wording.tongue.say("comma").join(skus[:_LINES_NAMED])
    more = len(skus) - _LINES_NAMED
    return wording.tongue.say("and_more", names=names, count=more) if more > 0 else names


def _capped(wording: Wording, step: Step) -> str:
    cap = next(cap for cap in wording.programme.caps if cap.id == step.id)
    key = "capped_all" if cap.over == "everyone" else "capped"
    per = wording.tongue.say(f"per_{cap.per}")
    return wording.tongue.say(key, points=number(step.points), cap=cap.id, most=f"{cap.points:,}", per=per)


def _gave_nothing(wording: Wording, step: Step, key: str = "gave_nothing") -> str:
    rule = _rule(wording, step.id)
    reason = _because(wording, rule, step.failed)
    return wording.tongue.say(key, rule=wording.rule(rule.id), reason=reason)


def _because(wording: Wording, rule: Rule, failed: str | None) -> str:
    say = wording.tongue.say
    if failed is None:
        return _worth_nothing(wording, rule)
    if failed == STARTS and rule.starts_at:
        return say("starts", at=wording.instant(rule.starts_at))
    if failed == ENDS and rule.ends_at:
        return say("ended", at=_last(wording, rule.ends_at))
    if failed == LINES:
        return say("no_line", of=wording.filter(rule.lines)) if rule.lines else say("nothing_counts")
    if failed.startswith(EXCLUSIVE):
        return say("preferred", rule=wording.rule(failed.removeprefix(EXCLUSIVE)))
    if failed.endswith(LOCKED):
        return say("birthday_locked", period=wording.period(CHANGE_LOCK))
    if rule.when is None:
        return say("does_not_apply")
    return say("only", condition=wording.condition(part_at(rule.when, failed)))


def _last(wording: Wording, ends_at: datetime) -> str:
    """What ends at midnight ended the day before."""
    local = ends_at.astimezone(wording.programme.time_zone)
    return str(local.date() - timedelta(days=1)) if local.time() == time.min else wording.instant(ends_at)


def _worth_nothing(wording: Wording, rule: Rule) -> str:
    match rule:
        case EarnRule(earn=PerMoney(per_minor=per_minor, whole=True)):
            return wording.tongue.say("only_whole", amount=wording.money(per_minor))
        case _:
            return wording.tongue.say("nothing_there")


def _left_out(wording: Wording, purchase: Purchase, steps: Sequence[Step]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say what each exclude rule took out, and why others took out nothing."""
    say, of_exclude = wording.tongue.say, [step for step in steps if step.wallet is None]
    took = [step for step in of_exclude if step.lines]
    return (
        tuple(say("left_out", lines=_products(wording, purchase, step), rule=wording.rule(step.id)) for step in took),
        tuple(_gave_nothing(wording, step, "left_nothing_out") for step in of_exclude if not step.lines),
    )


def _stays(wording: Wording, accrual: Accrual, kept: Mapping[str, int]) -> Iterator[str]:
    for wallet in wording.programme.wallets:
        given, left = accrual.points.get(wallet.id, 0), kept.get(wallet.id, 0)
        if left != given:
            name = wording.tongue.name(wallet.name, wallet.id)
            yield wording.tongue.say("stays", kept=f"{left:,}", points=f"{given:,}", wallet=name)


def _rule(wording: Wording, rule_id: str) -> Rule:
    return next(rule for rule in wording.programme.accrual if rule.id == rule_id)
