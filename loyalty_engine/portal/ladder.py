"""The level in words: what is missing for the next, how far one has come, and what keeps the level by when."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loyalty_engine.portal import said
from loyalty_engine.portal.texts import say
from loyalty_engine.services.names import Names


@dataclass(frozen=True, slots=True)
class Ladder:
    """What the page says of a level; `percent` is how much of what the next one asks for is there."""

    level: str | None
    until: str | None
    following: str | None
    percent: int
    missing: str | None
    keep: str | None
    benefits: tuple[str, ...]


def ladder(tier: Mapping[str, Any], names: Names, language: str) -> Ladder | None:
    """Say a member's standing in words; None where the programme has no levels."""
    if names.counted is None:
        return None
    following = tier["next"]
    until = tier.get("review_on")
    return Ladder(
        level=names.level(tier["level"]),
        until=say(language, "level_until", day=said.day(language, until)) if until else None,
        following=names.level(following["level"]) if following else None,
        percent=_percent(tier["metric"]["amount"], following["missing"]) if following else 100,
        missing=_missing(following, names, language) if following else None,
        keep=_keep(tier, names, language) if tier["keep"] else None,
        benefits=tuple(_benefit(one, names, language) for one in tier["benefits"]),
    )


def _percent(there: int | str, missing: int | str) -> int:
    have, need = max(Decimal(there), Decimal(0)), Decimal(missing)
    return int(100 * have / (have + need)) if have + need else 100


def _missing(following: Mapping[str, Any], names: Names, language: str) -> str:
    words = _words("missing", following, names, language)
    return words + (
        _comma(language) + say(language, "by_day", day=said.day(language, following["by"])) if "by" in following else ""
    )


def _keep(tier: Mapping[str, Any], names: Names, language: str) -> str:
    """Say what keeps the level: by its day, or in the days of grace by their end."""
    keep, grace = tier["keep"], tier["grace_until"]
    if not Decimal(keep["missing"]):
        return say(language, "keep_done", level=names.level(keep["level"]))
    words = _words("keep", keep, names, language, day=said.day(language, grace or keep["by"]))
    return words + (_stop(language) + say(language, "grace_until", day=said.day(language, grace)) if grace else "")


def _words(key: str, asked: Mapping[str, Any], names: Names, language: str, **more: str) -> str:
    counted = names.counted if names.counted in ("net_spend", "visits") else "points"
    amount = asked["missing"]
    return say(
        language,
        f"{key}_{counted}",
        missing=said.number(amount) if isinstance(amount, int) else said.money(amount),
        money=names.money,
        wallet=names.counted,
        level=names.level(asked["level"]),
        **more,
    )


def _comma(language: str) -> str:
    return "，" if language == "zh" else " "


def _stop(language: str) -> str:
    return "。" if language == "zh" else ". "


def _benefit(benefit: Mapping[str, Any], names: Names, language: str) -> str:
    if "text" in benefit:
        texts: Mapping[str, str] = benefit["text"]
        return texts.get(language) or texts.get("en") or next(iter(texts.values()))
    per = say(language, f"per_{benefit['per']}")
    return say(language, "benefit_reward", reward=names.reward(benefit["reward"]), times=benefit["times"], per=per)
