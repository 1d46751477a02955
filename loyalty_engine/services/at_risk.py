"""Members who will lose their level at the next review unless they do something: for marketers, a page at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.member_tier import keep_words
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import members_at_risk as store
from loyalty_engine.store.members_at_risk import Due
from loyalty_engine.store.session import reading
from rules.errors import Invalid
from rules.periods import business_day
from rules.programme import Programme
from rules.reviews import By, Keep, Standing, keep
from rules.tiers import metric_name

_LOOKED_AT_ONCE: Final = 1_000
_LOOKS_A_PAGE: Final = 20
MAX_DAYS: Final = 366


def page(actor: Actor, within_days: int, cursor: str | None, limit: int) -> dict[str, Any]:
    """Return members at risk whose review comes within so many days, in the order of their ids.

    A page may be shorter than `limit`, even empty, and have a `next` all the same: it ends after 20,000 members that
    were looked at.
    """
    actor.check_everywhere()
    after = _after(cursor)
    with reading() as connection:
        now = clock.now()
        programme = plan_for(connection, now).programme
        today = business_day(now, programme.time_zone)
        found: list[dict[str, Any]] = []
        following = None
        last = today + timedelta(days=within_days)
        for _ in range(_LOOKS_A_PAGE if programme.tiers is not None else 0):
            there = store.due(connection, today, last, after, _LOOKED_AT_ONCE)
            found += _at_risk(connection, programme, there, today)
            following = after = there[-1].member_id if len(there) == _LOOKED_AT_ONCE else None
            if after is None or len(found) > limit:
                break
    if len(found) > limit:
        found, following = found[:limit], found[limit - 1]["member_id"]
    return {"on": today.isoformat(), "members": found, "next": following}


def everybody(actor: Actor, within_days: int) -> Iterator[dict[str, Any]]:
    """Yield all members at risk, page by page."""
    cursor: str | None = None
    while True:
        found = page(actor, within_days, cursor, _LOOKED_AT_ONCE)
        yield from found["members"]
        cursor = found["next"]
        if cursor is None:
            return


def _after(cursor: str | None) -> str | None:
    try:
        return None if cursor is None else str(UUID(cursor))
    except ValueError:
        told = {"cursor": ["send `next` as it came"]}
        raise Invalid("cursor_invalid", "The cursor is not one that was given.", told) from None


def _at_risk(
    connection: sa.Connection, programme: Programme, there: Sequence[Due], today: date
) -> list[dict[str, Any]]:
    """Return those of them who miss something; the sums are asked for once for each different window."""
    tiers = programme.tiers
    assert tiers is not None
    asked: dict[str, Keep] = {}
    windows: defaultdict[date, list[str]] = defaultdict(list)
    for one in there:
        by: By = "manual" if one.by == "manual" else "metric"
        wanted = keep(tiers, Standing(one.level, one.review_on, one.grace_until, by, one.joined_on), today)
        if wanted is not None:
            asked[one.member_id] = wanted
            windows[wanted.counts_from].append(one.member_id)
    counted: dict[str, int] = {}
    for first, ids in windows.items():
        counted |= store.sums(connection, metric_name(tiers), ids, first)
    return [
        _told(programme, one, asked[one.member_id], counted.get(one.member_id, 0))
        for one in there
        if one.member_id in asked and counted.get(one.member_id, 0) < asked[one.member_id].threshold
    ]


def _told(programme: Programme, one: Due, asked: Keep, counted: int) -> dict[str, Any]:
    words = keep_words(programme, one.level, asked, counted)
    in_grace = one.grace_until is not None
    return {"member_id": one.member_id, "manual": one.by == "manual", "in_grace": in_grace, **words}
