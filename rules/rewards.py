"""What a reward is worth on a basket, who may have one, and how long its voucher is good.

Source: PROGRAMME.md, A whole example (rewards), and Tiers; docs/decisions/0024-what-a-voucher-is-worth.md. A voucher
works on goods, never on shipping, and on what order discount and earlier vouchers have left of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import floor
from typing import Final, Literal, assert_never

from rules.eligible import net_amounts
from rules.errors import Conflict, Refusal
from rules.facts import Line, Purchase
from rules.filters import ancestors
from rules.money import format_amount, shares
from rules.periods import Per, Period, period_start, plus
from rules.programme import AmountOff, FreeOfCategory, FreeProduct, Level, PercentOff, Reward, RewardBenefit
from rules.reading_values import decimal_text

BACK_FOR: Final = timedelta(days=30)
"""A voucher that comes back is good for as long at least; and so is a gift of an occasion outside of any."""


@dataclass(frozen=True, slots=True)
class Open:
    """What is left of a basket's goods for vouchers: by line the minor units and, of a line that has any, the units."""

    minor: Mapping[str, int]
    units: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.minor.values())


@dataclass(frozen=True, slots=True)
class Worth:
    """What a voucher takes off a basket: `lines` maps each line that it touches to minor units, above 0."""

    minor: int
    lines: Mapping[str, int]
    unit_of: str | None = None
    """The line of which it takes one unit whole."""


Nothing = Literal["minimum_not_reached", "not_in_basket", "nothing_left"]


@dataclass(frozen=True, slots=True)
class WorthNothing:
    """Why a voucher takes nothing off a basket: a stable code, and a sentence."""

    code: Nothing
    detail: str


def open_basket(purchase: Purchase) -> Open:
    """Return a basket's goods as they are before any voucher: amounts less their shares of the order discount."""
    goods = [
        (line, net) for line, net in zip(purchase.lines, net_amounts(purchase), strict=True) if line.kind == "goods"
    ]
    return Open(
        {line.line_id: net for line, net in goods},
        # What has no units is sold as one piece.
        {line.line_id: line.quantity or 1 for line, _ in goods},
    )


def worth_on(reward: Reward, purchase: Purchase, left: Open) -> Worth | WorthNothing:
    """Return what a voucher takes off what is `left` of a basket; never more than that, on no line.

    The minimum is asked of the goods as they were before any voucher, so that the order of vouchers changes nothing.
    """
    before = open_basket(purchase).total
    if before < reward.minimum_purchase_minor:
        least, there = (format_amount(minor, purchase.currency) for minor in (reward.minimum_purchase_minor, before))
        return WorthNothing("minimum_not_reached", f"It takes goods for {least}; there are goods for {there}.")
    match reward.worth:
        case AmountOff(amount_minor):
            return _spread(amount_minor, left)
        case PercentOff(rate, at_most):
            off = floor(rate * left.total)
            return _spread(off if at_most is None else min(off, at_most), left)
        case FreeProduct(named) | FreeOfCategory(named):
            return _unit(reward, purchase, left, named)
        case _:
            assert_never(reward.worth)


def less(left: Open, worth: Worth) -> Open:
    """Return what a voucher leaves for the next one."""
    minor = {line: amount - worth.lines.get(line, 0) for line, amount in left.minor.items()}
    if worth.unit_of is None:
        return replace(left, minor=minor)
    return Open(minor, {**left.units, worth.unit_of: left.units[worth.unit_of] - 1})


def _spread(off: int, left: Open) -> Worth | WorthNothing:
    """Split money off over all goods in proportion, by largest remainders in the order of the lines' ids."""
    lines = sorted(left.minor)
    parts = shares(min(off, left.total), [left.minor[line] for line in lines])
    touched = {line: part for line, part in zip(lines, parts, strict=True) if part}
    if not touched:
        return WorthNothing("nothing_left", "Nothing is left of the goods that it could take off.")
    return Worth(sum(parts), touched)


def _unit(reward: Reward, purchase: Purchase, left: Open, named: str) -> Worth | WorthNothing:
    """Take off the cheapest unit of the lines that are wanted and still cost something; a tie goes to the lower id."""
    there = [line for line in purchase.lines if line.kind == "goods" and _is_wanted(reward, line)]
    if not there:
        return WorthNothing("not_in_basket", f"There is no {named} in the basket.")
    units = {line.line_id: left.units[line.line_id] for line in there if left.units[line.line_id] > 0}
    prices = {line: left.minor[line] // count for line, count in units.items() if left.minor[line] // count}
    if not prices:
        return WorthNothing("nothing_left", f"No {named} in the basket costs anything any more.")
    line = min(prices, key=lambda one: (prices[one], one))
    return Worth(prices[line], {line: prices[line]}, unit_of=line)


def before_discounts(purchase: Purchase) -> Purchase:
    """Return a purchase as it was before its discounts: the till that posts it took the vouchers off already."""
    whole = (replace(line, amount_minor=line.amount_minor + line.discount_minor) for line in purchase.lines)
    return replace(purchase, lines=tuple(whole), order_discount_minor=0)


def used_on(rewards: Iterable[Reward], purchase: Purchase) -> Iterator[Worth]:
    """Yield what each of the vouchers that a till has taken off a purchase was worth, in their order.

    The sale has happened: one that should have been worth nothing touches with 0 what it is meant for.
    """
    basket = before_discounts(purchase)
    left = open_basket(basket)
    for reward in rewards:
        worth = worth_on(reward, basket, left)
        if isinstance(worth, WorthNothing):
            worth = Worth(0, dict.fromkeys(_meant(reward, purchase), 0))
        left = less(left, worth)
        yield worth


def _meant(reward: Reward, purchase: Purchase) -> list[str]:
    """Return the lines that a reward is meant for; without any, all goods, and without those, all lines."""
    goods = [line for line in purchase.lines if line.kind == "goods"]
    wanted = [line for line in goods if _is_wanted(reward, line)]
    return [line.line_id for line in wanted or goods or purchase.lines]


def _is_wanted(reward: Reward, line: Line) -> bool:
    match reward.worth:
        case FreeProduct(sku):
            return line.sku == sku
        case FreeOfCategory(category):
            return category in ancestors(line.category or "")
        case AmountOff() | PercentOff():
            return True
        case _:
            assert_never(reward.worth)


def valid_through(reward: Reward, issued_on: date, span_end: date | None = None) -> date | None:
    """Return the last day of a voucher issued on `issued_on`; None for one without an end.

    `span_end` is the last day of the occasion that brings it; a gift of a span's reward without one has 30 days.
    """
    match reward.valid:
        case None:
            return None
        case "span":
            return span_end or issued_on + BACK_FOR
        case Period() as period:
            return plus(issued_on, period)
        case _:
            assert_never(reward.valid)


def back_through(old: date | None, today: date) -> date | None:
    """Return the last day of a voucher that comes back on `today`: its old one, or 30 days when that is later."""
    return None if old is None else max(old, today + BACK_FOR)


def level_refusal(reward: Reward, level: str | None) -> Refusal | None:
    """Return why a member at `level` can't have a reward; None where it can."""
    if not reward.levels or level in reward.levels:
        return None
    which = ", ".join(sorted(reward.levels))
    said = {"reward": [f"is for the levels {which}: choose another reward"]}
    return Conflict("reward_not_for_level", f"{reward.id} is for these levels: {which}.", said)


def limit_refusal(reward_id: str, per: Per, times: int, used: int, today: date) -> Refusal | None:
    """Return why no more of a reward can be had in the period of `today`, with when it can be again; None for more."""
    if used < times:
        return None
    again = again_on(per, today)
    when = f"again on {again}" if again else "never again"
    return Conflict("reward_limit_reached", f"{reward_id} can be had {times}× per {per}; {when}.")


def again_on(per: Per, today: date) -> date | None:
    """Return the first day of the next period; None where there is none. A purchase's limit goes by the day."""
    start = period_start(per, today)
    match per:
        case "purchase" | "day":
            return plus(start, Period(1, "days"))
        case "week":
            return plus(start, Period(1, "weeks"))
        case "month":
            return plus(start, Period(1, "months"))
        case "year":
            return plus(start, Period(1, "years"))
        case "ever":
            return None
        case _:
            assert_never(per)


def benefit_of(level: Level | None, reward_id: str) -> RewardBenefit | None:
    """Return how often a level gives a reward for nothing; None where it doesn't."""
    benefits = level.benefits if level else ()
    return next((one for one in benefits if isinstance(one, RewardBenefit) and one.reward == reward_id), None)


def in_words(reward: Reward, currency: str) -> dict[str, str]:
    """Say in English and Chinese what a reward is worth."""
    english, chinese = _worth_words(reward, currency)
    if reward.minimum_purchase_minor:
        least = f"{format_amount(reward.minimum_purchase_minor, currency)} {currency}"
        return {"en": f"{english}, for goods of at least {least}", "zh": f"{chinese}，商品满{least}可用"}
    return {"en": english, "zh": chinese}


def _worth_words(reward: Reward, currency: str) -> tuple[str, str]:
    match reward.worth:
        case AmountOff(amount_minor):
            off = f"{format_amount(amount_minor, currency)} {currency}"
            return f"{off} off", f"立减{off}"
        case PercentOff(rate, at_most):
            share = f"{decimal_text(rate * 100)}%"
            most = None if at_most is None else f"{format_amount(at_most, currency)} {currency}"
            return (
                (f"{share} off, {most} at most", f"减{share}，最多{most}") if most else (f"{share} off", f"减{share}")
            )
        case FreeProduct(sku):
            return f"one {sku} free", f"免费{sku}一件"
        case FreeOfCategory(category):
            return f"one of {category} free, the cheapest", f"{category}任一件免费（最低价的一件）"
        case _:
            assert_never(reward.worth)
