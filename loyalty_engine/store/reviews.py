"""Reviews many members' levels in a few set-based statements, a batch of members at a time: `rules.reviews` in SQL.

A property test holds the two together. A batch locks its members in the order of their ids, as imports do, so that a
purchase comes either before the look, and counts, or after it. Its statements name the members one by one: how many lie
between two ids PostgreSQL guesses too low in a large table, and then works the sums out for each member anew.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from loyalty_engine.store.nights.batches import these
from loyalty_engine.store.nights.outbox import tell_levels
from loyalty_engine.store.review_looks import Columns, Kind, Looks, looks_of
from loyalty_engine.store.tables import members, qualifying_days, tier_history
from loyalty_engine.store.types import Instant
from loyalty_engine.store.webhooks import Of, Outbox
from rules.programme import Tiers
from rules.reviews import GRACE
from rules.tiers import metric_name

SOURCE: Final = "review"
_LOOKED_AT: Final = ("active", "suspended")
_HISTORY: Final = (
    "member_id change_no level since_at booked_at review_on metric version source_kind source_id actor reason".split()
)
m, q, h = members.c, qualifying_days.c, tier_history.c
Number = sa.ColumnElement[int]


class Night(NamedTuple):
    """One run: the ladder that it goes by, with what became of removed levels, and what it writes into the history."""

    day: date
    tiers: Tiers
    removed: Mapping[str, str | None]
    """Level that the ladder no longer has to the next lower one that is there."""
    version: int
    booked_at: datetime
    actor: str
    outbox: Outbox | None = None


def lock(connection: sa.Connection, night: Night, kind: Kind, after: str | None, size: int) -> list[str]:
    """Lock the next members to look at, at most `size`, in the order of their ids, and return these."""
    chosen = sa.select(sa.cast(m.member_id, sa.Text)).where(_asked(night, kind))
    if after is not None:
        chosen = chosen.where(m.member_id > after)
    return list(connection.scalars(chosen.order_by(m.member_id).limit(size).with_for_update()).all())


def decide(connection: sa.Connection, night: Night, kind: Kind, member_ids: Sequence[str]) -> Counter[str]:
    """Look at members that are locked and write what became of them; return how many of each outcome there were."""
    of = partial(these, connection, member_ids=member_ids)
    looks = looks_of(connection, kind, night.day, of(m.member_id), by_joining=night.tiers.window == "membership_year")
    if looks is None:
        return Counter()
    judged = _judged(night, looks, of, _sums(night.tiers, of, looks))
    days = looks.carried_by(judged)
    outcome = _reviewed(night.tiers, judged, days) if kind.due_only else _resettled(night.tiers, judged, days)
    decided = _rows(night, judged, looks, outcome)
    adding = tier_history.insert().from_select(_HISTORY, decided).returning(h.reason)
    outcomes = Counter(connection.scalars(adding).all())
    if outcomes:
        tell_levels(connection, of, night.outbox)
        connection.execute(_follow(of))
    return outcomes


def _follow(of: Of) -> sa.Update:
    """Bring the members' own rows to what the history now says."""
    newest = sa.and_(h.member_id == m.member_id, h.change_no == m.tier_changes + 1)
    return (
        members.update()
        .where(of(m.member_id), newest, of(h.member_id))
        .values(
            level=h.level,
            level_since_at=h.since_at,
            level_review_on=h.review_on,
            level_grace_until=sa.case((h.reason == GRACE, h.review_on)),
            level_by="metric",
            tier_changes=h.change_no,
        )
    )


def _asked(night: Night, kind: Kind) -> sa.ColumnElement[bool]:
    """Whom a look is at; nobody on a level that only a later ladder has."""
    known = m.level.in_([*(level.id for level in night.tiers.levels), *night.removed])
    there = m.status.in_(_LOOKED_AT)
    if kind.due_only:
        return sa.and_(m.level_review_on < night.day, there, known)
    return sa.and_(there, sa.or_(m.level.is_(None), known))


def _sums(tiers: Tiers, of: Of, looks: Looks) -> sa.FromClause:
    """Return for each member that has any the sum in the window that is looked at, and in the running one."""
    look = looks.columns
    then = sa.and_(q.day >= look["counts_from"], q.day <= look["through"])
    days = sa.and_(
        q.member_id == m.member_id,
        of(q.member_id),
        q.metric == metric_name(tiers),
        q.day >= looks.first,
    )
    return (
        sa.select(
            m.member_id,
            _sum(then).label("then"),
            _sum(q.day >= look["running_from"]).label("now"),
        )
        .select_from(sa.join(looks.beside_members, qualifying_days, days))
        .where(of(m.member_id))
        .group_by(m.member_id)
        .subquery("sums")
    )


def _sum(where: sa.ColumnElement[bool]) -> Number:
    """Return the sum as an integer again: PostgreSQL makes a slower number of it."""
    return sa.cast(sa.func.sum(sa.case((where, q.amount), else_=0)), sa.BigInteger)


def _judged(night: Night, looks: Looks, of: Of, sums: sa.FromClause) -> sa.CTE:
    """Return the members with their looks, the place of their level on the ladder, and the place that they reach."""
    tiers = night.tiers
    places: dict[str, int] = {level.id: place for place, level in enumerate(tiers.levels)}
    mapped = {level: places.get(to or "", -1) for level, to in night.removed.items()}
    then, now = (sa.func.coalesce(sums.c[name], 0) for name in ("then", "now"))
    metric = sa.case((now > then, now), else_=then)
    reached = sa.case(
        *((metric >= one.threshold, place) for place, one in reversed([*enumerate(tiers.levels)])), else_=-1
    )
    return (
        sa.select(
            *(m[name] for name in "member_id tier_changes level level_since_at last_booked_at level_by".split()),
            m.level_review_on,
            m.level_grace_until,
            *looks.to_carry,
            then.label("then"),
            metric.label("metric"),
            reached.label("top"),
            sa.case(places | mapped, value=m.level, else_=-1).label("place"),
            sa.case(dict.fromkeys(places, 0), value=m.level, else_=sa.case((m.level.is_(None), 0), else_=1)).label(
                "is_removed"
            ),
            sa.case({one.id: one.threshold for one in tiers.levels}, value=m.level, else_=0).label("threshold"),
        )
        .select_from(sa.outerjoin(looks.beside_members, sums, sums.c.member_id == m.member_id))
        .where(of(m.member_id))
        .cte("judged")
        .prefix_with("MATERIALIZED")
    )


class _Outcome(NamedTuple):
    """What `rules.reviews.Outcome` says, as columns; `because` is null where all stays as it is."""

    place: Number
    until: sa.ColumnElement[Any]
    because: sa.ColumnElement[Any]


def _reviewed(tiers: Tiers, judged: sa.CTE, days: Columns) -> _Outcome:
    """Return what `rules.reviews.review` decides."""
    j = judged.c
    ended, removed = j.level_by == "manual", j.is_removed == 1
    reached_then, reached_now = j.then >= j.threshold, j.metric >= j.threshold
    never = sa.literal(tiers.downgrade.steps == "never", sa.Boolean)
    graced = sa.and_(j.level_grace_until.is_(None), days["grace_until"].is_not(None))
    one_down = sa.case((j.top > j.place - 1, j.top), else_=j.place - 1)
    return _Outcome(
        place=sa.case(
            (ended, j.top),
            (removed, sa.case((j.top > j.place, j.top), else_=j.place)),
            (sa.or_(reached_now, never, graced), j.place),
            else_=one_down if tiers.downgrade.steps == "one" else j.top,
        ),
        until=sa.case(
            (sa.or_(ended, removed), days["lowered_until"]),
            (sa.or_(reached_then, sa.and_(never, sa.not_(reached_now))), days["kept_until"]),
            (reached_now, days["reached_until"]),
            (graced, days["grace_until"]),
            else_=days["lowered_until"],
        ),
        because=sa.case(
            (ended, "ended"),
            (removed, "removed"),
            (sa.or_(reached_now, never), "kept"),
            (graced, GRACE),
            else_="lowered",
        ),
    )


def _resettled(tiers: Tiers, judged: sa.CTE, days: Columns) -> _Outcome:
    """Return what `rules.reviews.resettle` decides."""
    j = judged.c
    raised, removed, manual = j.top > j.place, j.is_removed == 1, j.level_by == "manual"
    regained = sa.and_(j.level_grace_until.is_not(None), j.metric >= j.threshold)
    unsafe = sa.and_(j.level_review_on.is_(None), _safe_through(tiers, j.place, days["lowered_until"]).is_not(None))
    return _Outcome(
        place=sa.case((raised, j.top), else_=j.place),
        until=sa.case(
            (sa.and_(sa.not_(raised), removed, manual), j.level_review_on),
            else_=days["lowered_until"],
        ),
        because=sa.case(
            (raised, "raised"),
            (removed, "removed"),
            (sa.or_(manual, j.place < 0), None),
            (regained, "kept"),
            (unsafe, "scheduled"),
        ),
    )


def _safe_through(tiers: Tiers, place: Number, until: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    safe = 0 if tiers.levels[0].threshold <= 0 else -1
    return sa.case((place > safe, until))


def _rows(night: Night, judged: sa.CTE, looks: Looks, outcome: _Outcome) -> sa.Select[Any]:
    """Return the rows to add to the history, in the order of its columns."""
    decided = (
        sa.select(*judged.c, outcome.place.label("to"), outcome.until.label("until"), outcome.because.label("because"))
        .cte("decided")
        .prefix_with("MATERIALIZED")
    )
    j, days = decided.c, looks.carried_by(decided)
    level = sa.case({place: one.id for place, one in enumerate(night.tiers.levels)}, value=j.to)
    later = sa.or_(j.level_since_at.is_(None), j.level_since_at < days["happens_at"])
    booked_at = sa.literal(night.booked_at, Instant)
    return sa.select(
        j.member_id,
        j.tier_changes + 1,
        level,
        sa.case((sa.and_(level.is_distinct_from(j.level), later), days["happens_at"]), else_=j.level_since_at),
        sa.case((j.last_booked_at > booked_at, j.last_booked_at), else_=booked_at),
        _safe_through(night.tiers, j.to, j.until),
        j.metric,
        sa.literal(night.version, sa.Integer),
        sa.literal(SOURCE, sa.Text),
        days["source_id"],
        sa.literal(night.actor, sa.Text),
        j.because,
    ).where(j.because.is_not(None))
