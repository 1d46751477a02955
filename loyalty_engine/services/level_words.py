"""Says in words, English or Chinese, what a review did to a level and why: the history keeps only codes and figures."""

from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services.programmes import plan_of
from loyalty_engine.services.purchase_answers import metric_words
from rules.programme import Level, Programme

_KEPT_ANYWAY: Final = "never"
_WORDS: Final = {
    "en": {
        "kept": "Kept: {metric} counted on {day}, and {threshold} were needed.",
        _KEPT_ANYWAY: "Kept: {metric} of {threshold} counted on {day}, and no level is lowered here.",
        "grace": "{metric} of {threshold} counted on {day}: the level stays through {until}.",
        "lowered": "Lowered: {metric} of {threshold} counted on {day}.",
        "ended": "The level that was given by hand ended on {day}; {metric} counted then.",
        "removed": "The programme no longer has the level {before}.",
        "raised": "Raised: {metric} counted, and the level now starts at {threshold}.",
        "scheduled": "The level is looked at on {until}.",
    },
    "zh": {
        "kept": "保级成功:{day}累计{metric},达到{threshold}。",
        _KEPT_ANYWAY: "等级保留:{day}累计{metric}(标准{threshold}),本方案不降级。",
        "grace": "{day}累计{metric},未达{threshold}:等级保留至{until}。",
        "lowered": "等级下调:{day}累计{metric},未达{threshold}。",
        "ended": "人工授予的等级于{day}到期,当时累计{metric}。",
        "removed": "方案中已取消等级{before}。",
        "raised": "等级上调:累计{metric},该等级现为{threshold}起。",
        "scheduled": "该等级将于{until}复核。",
    },
}


def because(connection: sa.Connection, change: Any, before: Any, language: str) -> str | None:
    """Return why a level changed or stayed; what staff wrote is returned as they wrote it."""
    if change["source_kind"] != "review":
        reason: str | None = change["reason"]
        return reason
    programme = plan_of(connection, change["version"]).programme
    words = _WORDS["zh" if language.lower().startswith("zh") else "en"]
    held = before["level"] if before is not None else None
    level = programme.level(change["level"] if change["reason"] in ("raised", "kept") else held)
    code = change["reason"]
    if code == "kept" and level is not None and change["metric"] < level.threshold:
        code = _KEPT_ANYWAY
    return words[code].format(
        metric=metric_words(programme, change["metric"]),
        threshold=_threshold(programme, level),
        day=change["source_id"],
        until=change["review_on"],
        before=held,
    )


def _threshold(programme: Programme, level: Level | None) -> int | str | None:
    return metric_words(programme, level.threshold) if level is not None else None
