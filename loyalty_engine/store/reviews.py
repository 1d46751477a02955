"""Reviews many members' levels in a few set-based statements, a batch of members at a time: `rules.reviews` in SQL.

A property test holds the two together. A batch locks its members in the order of their ids, as imports do, so that a
purchase comes either before the look, and counts, or after it.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from loyalty_engine.store.tables import members, qualifying_days, tier_history
from loyalty_engine.store.types import Instant
from rules.programme import Tiers
from rules.reviews import GRACE, Look
from rules.tiers import metric_name

SOURCE: Final = "review"
_LOOKED_AT: Final = ("active", "suspended")
_HISTORY: Final = (
    "member_id change_no level since_at booked_at review_on metric version source_kind source_id actor reason".split()
)
_SPAN: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "due": sa.Date(),
    "joined": sa.Date(),
    **{name: sa.Date() for name in Look._fields},
    "happens_at": Instant(),
    "source_id": sa.Text(),
}
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


class Part(NamedTuple):
    """The members after one id and through another."""

    after: str | None
    last: str

    @property
    def holds(self) -> sa.ColumnElement[bool]:
        """The condition that a member is one of them."""
        return _between(m.member_id, self)


@dataclass(frozen=True, slots=True)
class Kind:
    """A look at those whose review is due, or at everybody: whom, and how what is decided is told in SQL."""

    due_only: bool
    look: Callable[[date, date], Look]
    """From the day that a review is due (the run's own, for everybody) and the day of joining."""
    happens_at: Callable[[date], datetime]
    """When what is decided by a look through that day begins."""


def lock(connection: sa.Connection, night: Night, kind: Kind, after: str | None, size: int) -> tuple[Part, int] | None:
    """Lock the next members to look at, at most `size`, in the order of their ids; None where there are no more."""
    chosen = sa.select(sa.cast(m.member_id, sa.Text).label("member_id")).where(_asked(night, kind))
    if after is not None:
        chosen = chosen.where(m.member_id > after)
    locked = chosen.order_by(m.member_id).limit(size).with_for_update().subquery()
    last, count = connection.execute(sa.select(sa.func.max(locked.c.member_id), sa.func.count())).one()
    return (Part(after, last), count) if count else None


def decide(connection: sa.Connection, night: Night, kind: Kind, part: Part) -> Counter[str]:
    """Look at a part's members and write what became of them; return how many of each outcome there were."""
    by_joining = night.tiers.window == "membership_year"
    spans = _spans(connection, night, kind, part, by_joining)
    if not spans:
        return Counter()
    decided = _decided(connection, night, kind, part, spans, by_joining)
    adding = tier_history.insert().from_select(_HISTORY, decided).returning(h.reason)
    outcomes = Counter(str(reason) for reason in connection.scalars(adding))
    if outcomes:
        connection.execute(_follow(part))
    return outcomes


def _follow(part: Part) -> sa.Update:
    """Bring the members' own rows to what the history now says."""
    newest = sa.and_(h.member_id == m.member_id, h.change_no == m.tier_changes + 1)
    return (
        members.update()
        .where(part.holds, newest, _between(h.member_id, part))
        .values(
            level=h.level,
            level_since_at=h.since_at,
            level_review_on=h.review_on,
            level_grace_until=sa.case((h.reason == GRACE, h.review_on)),
            level_by="metric",
            tier_changes=h.change_no,
        )
    )


def _between(column: sa.ColumnElement[str], part: Part) -> sa.ColumnElement[bool]:
    up_to = column <= sa.literal(part.last, m.member_id.type)
    return up_to if part.after is None else sa.and_(up_to, column > sa.literal(part.after, m.member_id.type))


def _asked(night: Night, kind: Kind) -> sa.ColumnElement[bool]:
    """Whom a look is at; nobody on a level that only a later ladder has."""
    known = m.level.in_([*(level.id for level in night.tiers.levels), *night.removed])
    there = m.status.in_(_LOOKED_AT)
    if kind.due_only:
        return sa.and_(m.level_review_on < night.day, there, known)
    return sa.and_(there, sa.or_(m.level.is_(None), known))


def _spans(
    connection: sa.Connection, night: Night, kind: Kind, part: Part, by_joining: bool
) -> Sequence[Mapping[str, str | None]]:
    """Return the days of each different look: mostly one, and for membership years one for each day of joining."""
    due = m.level_review_on if kind.due_only else sa.literal(night.day, sa.Date)
    joined = m.joined_on if by_joining else sa.literal(date.min, sa.Date)
    pairs = connection.execute(sa.select(due, joined).where(part.holds, _asked(night, kind)).distinct())
    return [_span(connection, kind, due, joined) for due, joined in pairs]


def _span(connection: sa.Connection, kind: Kind, due: date, joined: date) -> dict[str, str | None]:
    look = kind.look(due, joined)
    days = {name: day.isoformat() if day else None for name, day in look._asdict().items()}
    at = kind.happens_at(look.through).astimezone(UTC)
    if connection.dialect.name == "sqlite":
        at = at.replace(tzinfo=None)
    happens_at = at.isoformat(" ", "microseconds")
    return {"due": due.isoformat(), "joined": joined.isoformat(), "happens_at": happens_at, **days} | {
        "source_id": (look.through if kind.due_only else due).isoformat()
    }


def _table(connection: sa.Connection, spans: Sequence[Mapping[str, str | None]]) -> sa.FromClause:
    """Return the looks as a table: one parameter, however many they are."""
    text = json.dumps(spans)
    if connection.dialect.name == "postgresql":
        given = sa.cast(sa.literal(text, sa.Text), postgresql.JSONB)
        columns = [sa.column(name, kind) for name, kind in _SPAN.items()]
        read = sa.func.jsonb_to_recordset(given).table_valued(*columns)
        return read.render_derived("looks", with_types=True)
    each = sa.func.json_each(text).table_valued("value")
    picked = {name: sa.func.json_extract(each.c.value, f"$.{name}") for name in _SPAN}
    return sa.select(*(sa.type_coerce(picked[name], kind).label(name) for name, kind in _SPAN.items())).subquery(
        "looks"
    )


def _decided(
    connection: sa.Connection, night: Night, kind: Kind, part: Part, spans: Sequence[Mapping[str, str | None]], by: bool
) -> sa.Select[Any]:
    """Return the rows of the history that the looks make."""
    looks = _table(connection, spans)
    due = looks.c.due == m.level_review_on if kind.due_only else sa.true()
    same = sa.and_(due, looks.c.joined == m.joined_on) if by else due
    who = sa.and_(part.holds, _asked(night, kind))
    sums = _sums(night.tiers, part, looks, same, who, spans)
    judged = _judged(night, looks, same, who, sums)
    outcome = _reviewed(night.tiers, judged) if kind.due_only else _resettled(night.tiers, judged)
    return _rows(night, judged, outcome)


def _sums(
    tiers: Tiers,
    part: Part,
    looks: sa.FromClause,
    same: sa.ColumnElement[bool],
    who: sa.ColumnElement[bool],
    spans: Sequence[Mapping[str, str | None]],
) -> sa.FromClause:
    """Return for each member that has any the sum in the window that is looked at, and in the running one."""
    look = looks.c
    first = min(str(span[name]) for span in spans for name in ("counts_from", "running_from"))
    then = sa.and_(q.day >= look.counts_from, q.day <= look.through)
    days = sa.and_(
        q.member_id == m.member_id,
        _between(q.member_id, part),
        q.metric == metric_name(tiers),
        q.day >= date.fromisoformat(first),
    )
    return (
        sa.select(
            m.member_id,
            sa.func.sum(sa.case((then, q.amount), else_=0)).label("then"),
            sa.func.sum(sa.case((q.day >= look.running_from, q.amount), else_=0)).label("now"),
        )
        .select_from(sa.join(sa.join(members, looks, same), qualifying_days, days))
        .where(who)
        .group_by(m.member_id)
        .subquery("sums")
    )


def _judged(
    night: Night, looks: sa.FromClause, same: sa.ColumnElement[bool], who: sa.ColumnElement[bool], sums: sa.FromClause
) -> sa.CTE:
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
            *(looks.c[name] for name in _SPAN),
            then.label("then"),
            metric.label("metric"),
            reached.label("top"),
            sa.case(places | mapped, value=m.level, else_=-1).label("place"),
            sa.case(dict.fromkeys(places, 0), value=m.level, else_=sa.case((m.level.is_(None), 0), else_=1)).label(
                "is_removed"
            ),
            sa.case({one.id: one.threshold for one in tiers.levels}, value=m.level, else_=0).label("threshold"),
        )
        .select_from(sa.outerjoin(sa.join(members, looks, same), sums, sums.c.member_id == m.member_id))
        .where(who)
        .cte("judged")
        .prefix_with("MATERIALIZED")
    )


class _Outcome(NamedTuple):
    """What `rules.reviews.Outcome` says, as columns; `because` is null where all stays as it is."""

    place: Number
    until: sa.ColumnElement[Any]
    because: sa.ColumnElement[Any]


def _reviewed(tiers: Tiers, judged: sa.CTE) -> _Outcome:
    """Return what `rules.reviews.review` decides."""
    j = judged.c
    ended, removed = j.level_by == "manual", j.is_removed == 1
    reached_then, reached_now = j.then >= j.threshold, j.metric >= j.threshold
    never = sa.literal(tiers.downgrade.steps == "never", sa.Boolean)
    graced = sa.and_(j.level_grace_until.is_(None), j.grace_until.is_not(None))
    one_down = sa.case((j.top > j.place - 1, j.top), else_=j.place - 1)
    return _Outcome(
        place=sa.case(
            (ended, j.top),
            (removed, sa.case((j.top > j.place, j.top), else_=j.place)),
            (sa.or_(reached_now, never, graced), j.place),
            else_=one_down if tiers.downgrade.steps == "one" else j.top,
        ),
        until=sa.case(
            (sa.or_(ended, removed), j.lowered_until),
            (sa.or_(reached_then, sa.and_(never, sa.not_(reached_now))), j.kept_until),
            (reached_now, j.reached_until),
            (graced, j.grace_until),
            else_=j.lowered_until,
        ),
        because=sa.case(
            (ended, "ended"),
            (removed, "removed"),
            (sa.or_(reached_now, never), "kept"),
            (graced, GRACE),
            else_="lowered",
        ),
    )


def _resettled(tiers: Tiers, judged: sa.CTE) -> _Outcome:
    """Return what `rules.reviews.resettle` decides."""
    j = judged.c
    raised, removed, manual = j.top > j.place, j.is_removed == 1, j.level_by == "manual"
    regained = sa.and_(j.level_grace_until.is_not(None), j.metric >= j.threshold)
    unsafe = sa.and_(j.level_review_on.is_(None), _safe_through(tiers, j.place, j.lowered_until).is_not(None))
    return _Outcome(
        place=sa.case((raised, j.top), else_=j.place),
        until=sa.case(
            (sa.and_(sa.not_(raised), removed, manual), j.level_review_on),
            else_=j.lowered_until,
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


def _rows(night: Night, judged: sa.CTE, outcome: _Outcome) -> sa.Select[Any]:
    """Return the rows to add to the history, in the order of its columns."""
    j = judged.c
    decided = (
        sa.select(*judged.c, outcome.place.label("to"), outcome.until.label("until"), outcome.because.label("because"))
        .cte("decided")
        .prefix_with("MATERIALIZED")
    )
    j = decided.c
    level = sa.case({place: one.id for place, one in enumerate(night.tiers.levels)}, value=j.to)
    later = sa.or_(j.level_since_at.is_(None), j.level_since_at < j.happens_at)
    booked_at = sa.literal(night.booked_at, Instant)
    return sa.select(
        j.member_id,
        j.tier_changes + 1,
        level,
        sa.case((sa.and_(level.is_distinct_from(j.level), later), j.happens_at), else_=j.level_since_at),
        sa.case((j.last_booked_at > booked_at, j.last_booked_at), else_=booked_at),
        _safe_through(night.tiers, j.to, j.until),
        sa.cast(j.metric, sa.BigInteger),
        sa.literal(night.version, sa.Integer),
        sa.literal(SOURCE, sa.Text),
        j.source_id,
        sa.literal(night.actor, sa.Text),
        j.because,
    ).where(j.because.is_not(None))


def midnight_after(day: date, zone: Any) -> datetime:
    """Return the beginning of the day after `day`."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone)
