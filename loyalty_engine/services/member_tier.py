"""What members and staff see of a level: until when it is safe, what keeps it, what is missing for the next, and why."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.level_words import because
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.services.purchase_answers import metric_words, next_words
from loyalty_engine.store import accounts, member_state, survivors
from loyalty_engine.store.member_state import MemberState
from loyalty_engine.store.session import reading
from loyalty_engine.store.survivors import MERGE
from rules.periods import business_day
from rules.programme import Level, Programme, TextBenefit, Tiers
from rules.reviews import By, Keep, Standing, keep
from rules.tiers import metric_name, next_level, review_on, window_start


def tier(member_id: str) -> dict[str, Any]:
    """Return the level with its benefits, what keeps it and by when, what is missing for the next, and how it came."""
    with reading() as connection:
        now = clock.now()
        programme = plan_for(connection, now).programme
        member_id = survivors.of(connection, member_id)
        state = member_state.read(connection, member_id)
        tiers = programme.tiers
        if tiers is None:
            return {"member_id": member_id, "level": None, "next": None, "keep": None, "history": []}
        today = business_day(now, programme.time_zone)
        start = window_start(tiers.window, today, state.joined_on)
        metric = member_state.qualified(connection, state, metric_name(tiers), start)
        keeps = _keep(connection, programme, tiers, state, today)
        history = history_words(connection, accounts.tier_history(connection, member_id), state.language)
    return {
        "member_id": member_id,
        "level": state.level,
        "since": state.level_since_at.isoformat() if state.level_since_at else None,
        "review_on": _day(state.level_review_on),
        "grace_until": _day(state.level_grace_until),
        "manual": state.level_by == "manual",
        "metric": {
            "name": metric_name(tiers),
            "amount": metric_words(programme, metric),
            "from": start.isoformat(),
        },
        "next": _next(programme, tiers, state, metric, today),
        "keep": keeps,
        "benefits": _benefits(programme.level(state.level)),
        "history": history,
    }


def standing_of(state: MemberState) -> Standing:
    """Return where a member stands, as the rules of reviews take it."""
    by: By = "manual" if state.level_by == "manual" else "metric"
    return Standing(state.level, state.level_review_on, state.level_grace_until, by, state.joined_on)


def keep_words(programme: Programme, level: str | None, asked: Keep, counted: int) -> dict[str, Any]:
    """Return what is missing to keep a level, and by when."""
    assert programme.tiers is not None
    return {
        "level": level,
        "missing": metric_words(programme, max(0, asked.threshold - counted)),
        "of": metric_name(programme.tiers),
        "by": asked.by.isoformat(),
        "grace_until": _day(asked.grace_until),
    }


def _keep(
    connection: sa.Connection, programme: Programme, tiers: Tiers, state: MemberState, today: date
) -> dict[str, Any] | None:
    asked = keep(tiers, standing_of(state), today)
    if asked is None:
        return None
    counted = member_state.qualified(connection, state, metric_name(tiers), asked.counts_from)
    return keep_words(programme, state.level, asked, counted)


def _next(programme: Programme, tiers: Tiers, state: MemberState, metric: int, today: date) -> dict[str, Any] | None:
    """Return the next level; a year's sum begins anew after its last day, a rolling one has no such day."""
    following = next_level(tiers, state.level, metric)
    words = next_words(programme, following.level, following.missing) if following else None
    if words is None:
        return None
    by = (
        review_on(tiers.window, today, state.joined_on)
        if tiers.window in ("calendar_year", "membership_year")
        else None
    )
    return words | ({"by": by.isoformat()} if by else {})


def _benefits(level: Level | None) -> list[dict[str, Any]]:
    return [
        {"text": dict(one.text)}
        if isinstance(one, TextBenefit)
        else {"reward": one.reward, "times": one.times, "per": one.per}
        for one in (level.benefits if level else ())
    ]


def history_words(connection: sa.Connection, rows: Sequence[accounts.Values], language: str) -> list[dict[str, Any]]:
    return [
        {
            "level": row["level"],
            "since": row["since_at"].isoformat(),
            "review_on": _day(row["review_on"]),
            "metric": row["metric"],
            "because": MERGE if row["source_kind"].startswith(MERGE) else row["source_kind"],
            "outcome": row["reason"] if row["source_kind"] == "review" else None,
            "reason": because(connection, row, before, language),
        }
        for before, row in pairwise([None, *rows])
        if row is not None
    ]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
