"""Reads and writes occasions, the days in a member's life that bring gifts, and rewards, what points buy or gifts are.

Source: PROGRAMME.md, A whole example, and Occasions.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, assert_never

from rules.document_conditions import needs, write_condition
from rules.document_filters import category
from rules.document_wallets import write_texts
from rules.money import format_amount
from rules.periods import Per, Period
from rules.programme import (
    AfterPurchase,
    AmountOff,
    Cost,
    FreeOfCategory,
    FreeProduct,
    Occasion,
    OccasionOn,
    OnDate,
    OnHoliday,
    OnLunar,
    OnMemberDate,
    PercentOff,
    PointsGift,
    Reward,
    RewardGift,
    RewardWorth,
    TimesPer,
)
from rules.reading import Fields, Place, Reader, Unreadable, choice, each, items, reference
from rules.reading_times import lunar_day, period, solar_day
from rules.reading_values import (
    amount,
    amount_above_zero,
    decimal_text,
    distinct,
    flag,
    identifier,
    part_of_whole,
    per,
    percentage,
    points,
    texts,
    whole,
    word,
)
from rules.shown import shown
from rules.special_days import countries, holiday_names, is_known

_LISTED: Final = 12
_MOST_GIFTS: Final = 20
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NAMED_DAYS: Final = ("birthday", "anniversary", "enrolment", "tier_upgrade")
_named_day: Final[Reader[Literal["birthday", "anniversary", "enrolment", "tier_upgrade"]]] = choice(
    "birthday", "anniversary", "enrolment", "tier_upgrade"
)
_LEAP_DAY: Final[Reader[Literal["feb-28", "mar-01"]]] = choice("feb-28", "mar-01")
_SPAN: Final[Reader[Literal["day", "week", "month"]]] = choice("day", "week", "month")


def occasion(place: Place) -> Occasion:
    """Read one occasion."""
    fields = Fields(place, "an occasion")
    found_id, on = fields.need("id", identifier), fields.need("on", _on)
    leap_day, span = fields.may("leap_day", _LEAP_DAY, None) or "feb-28", fields.may("span", _SPAN, None) or "day"
    asked = fields.may("needs", needs, None)
    gifts = fields.may("give", _gifts, ())
    message, lead = fields.may("message", reference("template"), None), fields.may("lead", period(1), None)
    if not fields.has("give", "message"):
        place.note("the occasion neither gives nor says anything", 'write "give", "message" or both')
    written = place.at("on").value
    is_other = isinstance(written, dict) or (written in _NAMED_DAYS and written != "anniversary")
    if is_other and any(isinstance(gift, PointsGift) and gift.times_years for gift in gifts or ()):
        place.at("give").note("only an anniversary has years to multiply by", 'leave "times" out')
    if lead is not None and on not in (None, "birthday") and not isinstance(on, OnMemberDate):
        place.at("lead").note("only a birthday or a member's own date can be known for so long", 'leave "lead" out')
    fields.close()
    return Occasion(found_id, on, leap_day, span, asked, gifts, message, lead)


def _on(place: Place) -> OccasionOn:
    if isinstance(place.value, str):
        return _named_day(place)
    fields = Fields(place, f'one of {", ".join(_NAMED_DAYS)}, or a mapping such as {{date: "06-18"}}')
    found: OccasionOn
    if fields.has("holiday"):
        country, name = fields.need("holiday", _country), fields.need("name", word)
        found = OnHoliday(country, name)
        fields.only(("member_date", "lunar", "date", "after_purchase"), 'it means nothing beside "holiday"')
    else:
        found = fields.one_of(_DAYS)
    fields.close()
    if isinstance(found, OnHoliday) and not is_known(found.country, found.name):
        listed = ", ".join(sorted(holiday_names(found.country), key=str.casefold)[:_LISTED])
        remedy = place.nearest(found.name, holiday_names(found.country), f"known there: {listed}")
        place.at("name").note(f"{found.country} has no holiday {shown(found.name)}", remedy)
    return found


_DAYS: Final[Mapping[str, Reader[OccasionOn]]] = {
    "member_date": lambda place: OnMemberDate(identifier(place)),
    "lunar": lambda place: OnLunar(*lunar_day(place)),
    "date": lambda place: OnDate(*solar_day(place)),
    "after_purchase": lambda place: AfterPurchase(period(1)(place)),
    "holiday": lambda place: OnHoliday(_country(place), ""),
}


def _country(place: Place) -> str:
    if isinstance(place.value, str) and _COUNTRY.fullmatch(place.value):
        if place.value in countries():
            return place.value
        raise place.wrong(f"the holidays of {place.value} are not known", 'write its days as {date: "06-18"}')
    raise place.wrong(f"{shown(place.value)} is no country", "write two capitals of ISO 3166, such as CN")


def _gifts(place: Place) -> tuple[PointsGift | RewardGift, ...]:
    """Read what an occasion gives: all of it, for its message says what there is."""
    found = tuple(gift for _, gift in each(place, _gift, _MOST_GIFTS))
    if len(found) < len(items(place, _MOST_GIFTS)):
        raise Unreadable
    return found


def _gift(place: Place) -> PointsGift | RewardGift:
    fields = Fields(place, "{points: 100, wallet: …} or {reward: …}")
    found: PointsGift | RewardGift
    if fields.has("reward"):
        found = RewardGift(fields.need("reward", reference("reward")))
        fields.only(("points", "wallet", "times"), 'it means nothing beside "reward"')
    else:
        fields.knows("reward")
        given, wallet = fields.need("points", points), fields.need("wallet", reference("wallet"))
        found = PointsGift(given, wallet, fields.may("times", choice("years"), None) is not None)
    fields.close()
    return found


def reward(place: Place) -> Reward:
    """Read one reward."""
    fields = Fields(place, "a reward")
    found_id, name, worth = fields.need("id", identifier), fields.need("name", texts()), _worth(fields)
    cost = fields.may("cost", _cost, None)
    levels = frozenset(fields.may("levels", distinct(reference("level")), ()) or ())
    least = fields.may("minimum_purchase", amount, 0)
    valid, stock = fields.may("valid", _valid, None), fields.may("stock", whole(0, 10**9), None)
    per_member, automatic = fields.may("per_member", times_per(per), None), fields.may("automatic", flag, False)
    if automatic and not fields.has("cost"):
        place.at("automatic").note("nothing says when the reward is issued: it has no cost", 'write "cost"')
    if valid == "span" and fields.has("cost"):
        place.at("valid").note("a reward that is bought has no occasion whose span it could keep", 'write "30 days"')
    fields.close()
    return Reward(found_id, name, worth, cost, levels, least, valid, stock, per_member, automatic)


def _worth(fields: Fields) -> RewardWorth:
    readers: Mapping[str, Reader[RewardWorth]] = {
        "amount_off": lambda place: AmountOff(amount_above_zero(place)),
        "percent_off": _percent_off,
        "product": lambda place: FreeProduct(word(place)),
        "product_category": lambda place: FreeOfCategory(category(place)),
    }
    worth = fields.one_of(readers)
    if not fields.has("percent_off"):
        fields.only(("at_most",), 'it means something only beside "percent_off"')
        return worth
    at_most = fields.may("at_most", amount_above_zero, None)
    return PercentOff(worth.rate, at_most) if isinstance(worth, PercentOff) else worth


def _percent_off(place: Place) -> PercentOff:
    return PercentOff(part_of_whole(place, percentage(place)))


def _cost(place: Place) -> Cost:
    fields = Fields(place, "{points: 500, wallet: …}")
    price, wallet = fields.need("points", points), fields.need("wallet", reference("wallet"))
    fields.close()
    return Cost(price, wallet)


def _valid(place: Place) -> Period | Literal["span"]:
    return "span" if place.value == "span" else period(1)(place)


def times_per(periods: Reader[Per]) -> Reader[TimesPer]:
    """Return a reader of `{per: month, times: 2}`."""

    def read(place: Place) -> TimesPer:
        fields = Fields(place, "{per: month, times: 2}")
        found_per, times = fields.need("per", periods), fields.need("times", whole(1, 10**6))
        fields.close()
        return TimesPer(found_per, times)

    return read


def write_occasion(occasion: Occasion, currency: str) -> dict[str, Any]:
    """Return the occasion as `occasion` reads it."""
    written: dict[str, Any] = {"id": occasion.id, "on": _write_on(occasion.on)}
    written |= {"leap_day": occasion.leap_day, "span": occasion.span}
    if occasion.needs is not None:
        written["needs"] = write_condition(occasion.needs, currency)
    if occasion.give:
        written["give"] = [_write_gift(gift) for gift in occasion.give]
    if occasion.lead is not None:
        written["lead"] = str(occasion.lead)
    return written | ({} if occasion.message is None else {"message": occasion.message})


def _write_on(on: OccasionOn) -> Any:
    match on:
        case OnMemberDate(name):
            return {"member_date": name}
        case OnHoliday(country, name):
            return {"holiday": country, "name": name}
        case OnLunar(month, day):
            return {"lunar": f"{month:02d}-{day:02d}"}
        case OnDate(month, day):
            return {"date": f"{month:02d}-{day:02d}"}
        case AfterPurchase(after):
            return {"after_purchase": str(after)}
        case str():
            return on
        case _:
            assert_never(on)


def _write_gift(gift: PointsGift | RewardGift) -> dict[str, Any]:
    if isinstance(gift, RewardGift):
        return {"reward": gift.reward}
    return {"points": gift.points, "wallet": gift.wallet} | ({"times": "years"} if gift.times_years else {})


def write_reward(reward: Reward, currency: str) -> dict[str, Any]:
    """Return the reward as `reward` reads it, without the fields that say nothing."""
    written: dict[str, Any] = {"id": reward.id, "name": write_texts(reward.name)}
    written |= _write_worth(reward.worth, currency)
    if reward.cost is not None:
        written["cost"] = {"points": reward.cost.points, "wallet": reward.cost.wallet}
    if reward.minimum_purchase_minor:
        written["minimum_purchase"] = format_amount(reward.minimum_purchase_minor, currency)
    if reward.per_member is not None:
        written["per_member"] = write_times_per(reward.per_member)
    optional = {
        "levels": sorted(reward.levels) or None,
        "valid": reward.valid and str(reward.valid),
        "stock": reward.stock,
        "automatic": reward.automatic or None,
    }
    return written | {key: value for key, value in optional.items() if value is not None}


def _write_worth(worth: RewardWorth, currency: str) -> dict[str, Any]:
    match worth:
        case AmountOff(amount_minor):
            return {"amount_off": format_amount(amount_minor, currency)}
        case PercentOff(off, at_most):
            limit = {} if at_most is None else {"at_most": format_amount(at_most, currency)}
            return {"percent_off": f"{decimal_text(off * 100)}%"} | limit
        case FreeProduct(sku):
            return {"product": sku}
        case FreeOfCategory(path):
            return {"product_category": path}
        case _:
            assert_never(worth)


def write_times_per(limit: TimesPer) -> dict[str, Any]:
    """Return the limit as `times_per` reads it."""
    return {"per": limit.per, "times": limit.times}
