"""Reads and writes tiers: what is counted, over which time, and the ladder of levels with their benefits.

Source: PROGRAMME.md, A whole example, and Tiers.
"""

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, Literal

from rules.document_surroundings import check_earned
from rules.document_wallets import write_texts
from rules.money import format_amount
from rules.periods import Period
from rules.programme import (
    Downgrade,
    Level,
    Metric,
    PointsOf,
    RewardBenefit,
    RollingWindow,
    TextBenefit,
    Tiers,
    Window,
)
from rules.reading import (
    Fields,
    Place,
    Reader,
    Unreadable,
    choice,
    each,
    each_named,
    items,
    name_of,
    reference,
)
from rules.reading_times import period
from rules.reading_values import (
    MAX_POINTS,
    amount,
    decimal_text,
    identifier,
    per,
    rate,
    texts,
    whole,
)
from rules.shown import shown

MAX_LEVELS: Final = 20
_STEPS: Final[Reader[Literal["one", "recalculated", "never"]]] = choice("one", "recalculated", "never")
_YEARS: Final[dict[str, Window]] = {"calendar": "calendar_year", "membership": "membership_year"}
_NO_GRACE: Final = Period(0, "days")


def tiers(place: Place) -> Tiers:
    """Read the ladder; thresholds are money under `net_spend`, else whole numbers."""
    fields = Fields(place, "a ladder of levels")
    metric, window = fields.need("metric", _metric), fields.need("window", _window)
    downgrade = fields.may("downgrade", _downgrade, Downgrade())
    levels = fields.need("levels", lambda listed: _levels(listed, _threshold(place.at("metric").value)))
    fields.close()
    return Tiers(metric, window, downgrade, levels)


def _metric(place: Place) -> Metric:
    if place.value == "net_spend":
        return "net_spend"
    if place.value == "visits":
        return "visits"
    fields = Fields(place, "net_spend, visits or {points_of: …}", words=("net_spend", "visits"))
    wallet = fields.need("points_of", reference("wallet"))
    fields.close()
    return PointsOf(wallet)


def _window(place: Place) -> Window:
    if place.value == "lifetime":
        return "lifetime"
    fields = Fields(
        place, "{rolling: 12 months}, {calendar: year}, {membership: year} or lifetime", words=("lifetime",)
    )
    year = choice("year")
    found = fields.one_of({"rolling": period(1), "calendar": year, "membership": year})
    fields.close()
    return RollingWindow(found) if isinstance(found, Period) else _YEARS[next(key for key in _YEARS if fields.has(key))]


def _downgrade(place: Place) -> Downgrade:
    fields = Fields(place, "{grace: 30 days, steps: one}")
    grace, steps = fields.may("grace", period(0), _NO_GRACE), fields.may("steps", _STEPS, None) or "recalculated"
    fields.close()
    return Downgrade(grace, steps)


def _threshold(metric: object) -> Reader[int] | None:
    """Return how thresholds are read; None where nobody knows what they count."""
    if metric == "net_spend":
        return amount
    return whole(0, MAX_POINTS) if metric == "visits" or isinstance(metric, dict) else None


def _levels(place: Place, threshold: Reader[int] | None) -> tuple[Level, ...]:
    def read(item: Place) -> Level:
        return _level(item, threshold or (lambda _: 0))

    levels = each_named(place, read, MAX_LEVELS)
    if threshold is not None:
        _check_order(place, threshold)
    return tuple(level for _, level in levels)


def _check_order(place: Place, threshold: Reader[int]) -> None:
    """Note levels that start no higher than the one before them, whatever else is wrong with either."""
    starts: list[tuple[Place, int]] = []
    for item in items(place, MAX_LEVELS):
        with suppress(Unreadable):
            starts.append((item, threshold(replace(item.at("from"), problems=[]))))
    for (before, lower), (item, higher) in pairwise(starts):
        if higher <= lower:
            item.at("from").note(
                f"the level starts no higher than {name_of(before)} before it",
                "write the levels lowest first, each with a higher threshold than the one before it",
            )


def _level(place: Place, threshold: Reader[int]) -> Level:
    fields = Fields(place, "a level")
    found_id, name = fields.need("id", identifier), fields.need("name", texts())
    starts = fields.need("from", threshold)
    factor, wallet = fields.may("multiply", _factor, Fraction(1)), fields.may("wallet", reference("wallet"), None)
    benefits = fields.may("benefits", lambda listed: tuple(found for _, found in each(listed, _benefit, 50)), ())
    if fields.has("multiply") != fields.has("wallet"):
        place.note('"multiply" and "wallet" go together', "write both or none")
    if wallet is not None:
        check_earned(place.at("multiply"), wallet)
    fields.close()
    return Level(found_id, name, starts, factor, wallet, benefits)


def _factor(place: Place) -> Fraction:
    factor = rate(place)
    if factor < 1:
        raise place.wrong(f"{shown(place.value)} would take points away", "write 1 or more")
    return factor


def _benefit(place: Place) -> RewardBenefit | TextBenefit:
    fields = Fields(place, "{reward: …, times: 1, per: day} or {text: …}")
    found: RewardBenefit | TextBenefit
    if fields.has("text"):
        found = TextBenefit(fields.need("text", texts()))
        fields.only(("reward", "times", "per"), 'it means nothing beside "text"')
    else:
        fields.knows("text")
        reward, times = fields.need("reward", reference("reward")), fields.need("times", whole(1, 10_000))
        found = RewardBenefit(reward, times, fields.need("per", per))
    fields.close()
    return found


def write_tiers(tiers: Tiers, currency: str) -> dict[str, Any]:
    """Return the ladder as `tiers` reads it."""
    steps, grace = tiers.downgrade.steps, tiers.downgrade.grace
    metric = {"points_of": tiers.metric.wallet} if isinstance(tiers.metric, PointsOf) else tiers.metric
    return {
        "metric": metric,
        "window": _write_window(tiers.window),
        "downgrade": {"grace": str(grace), "steps": steps},
        "levels": [_write_level(level, tiers.metric, currency) for level in tiers.levels],
    }


def _write_window(window: Window) -> Any:
    if isinstance(window, RollingWindow):
        return {"rolling": str(window.length)}
    return "lifetime" if window == "lifetime" else {window.removesuffix("_year"): "year"}


def _write_level(level: Level, metric: Metric, currency: str) -> dict[str, Any]:
    starts = format_amount(level.threshold, currency) if metric == "net_spend" else level.threshold
    written: dict[str, Any] = {"id": level.id, "name": write_texts(level.name), "from": starts}
    if level.wallet is not None:
        written |= {"multiply": decimal_text(level.factor), "wallet": level.wallet}
    if level.benefits:
        written["benefits"] = [_write_benefit(benefit) for benefit in level.benefits]
    return written


def _write_benefit(benefit: RewardBenefit | TextBenefit) -> dict[str, Any]:
    if isinstance(benefit, TextBenefit):
        return {"text": write_texts(benefit.text)}
    return {"reward": benefit.reward, "times": benefit.times, "per": benefit.per}
