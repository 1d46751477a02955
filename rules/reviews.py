"""What a review does to a level: keeps it, gives it days of grace, or lowers it; and what an edited ladder does at once.

Source: PROGRAMME.md, Tiers; docs/guides/tiers.md tells the same in prose. `store.reviews` says it again in SQL for a
million members, and a property test holds the two together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from rules.periods import plus
from rules.programme import RollingWindow, Tiers, Window
from rules.tiers import metric_name, rank, reached, review_on, window_start

By = Literal["metric", "manual"]
Because = Literal["kept", "grace", "lowered", "ended", "removed", "raised", "scheduled"]
GRACE: Final = "grace"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands before a look.

    `review_on` is the day through which the level is safe: the end of a manual level, and during the grace its last day.
    """

    level: str | None
    review_on: date | None
    grace_until: date | None
    by: By
    joined_on: date


class Look(NamedTuple):
    """The days of one look at a member's level, and what each outcome would make of `review_on`."""

    through: date
    """The last day that counts, and the first one: the window that is looked at."""
    counts_from: date
    running_from: date
    """The first day of the window that runs in the night of the run: what was bought since `through` is not forgotten."""
    lowered_until: date | None
    reached_until: date | None
    kept_until: date | None
    grace_until: date | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the member stands after it. `metric` is the sum that decided."""

    level: str | None
    review_on: date | None
    grace_until: date | None
    by: By
    metric: int
    because: Because


class Keep(NamedTuple):
    """What keeps a level: the sum from a day on that must be reached through another."""

    threshold: int
    counts_from: date
    by: date
    grace_until: date | None
    """The last day of the grace: of the one that runs, or of the one that would follow."""


def keep(tiers: Tiers, at: Standing, today: date) -> Keep | None:
    """Return what has to happen for a level to be kept; None where nothing has to, or nothing can.

    A manual level is kept, by the metric, where that reaches it at its end. In the grace the window runs with the days:
    a purchase that reaches the threshold keeps the level at once.
    """
    place = rank(tiers, at.level)
    if place < 0 or at.review_on is None or (at.by == "metric" and tiers.downgrade.steps == "never"):
        return None
    window, grace = tiers.window, tiers.downgrade.grace
    counts_from = window_start(window, today if at.grace_until else at.review_on, at.joined_on)
    following = plus(at.review_on, grace) if grace.count and at.by == "metric" else None
    return Keep(tiers.levels[place].threshold, counts_from, at.review_on, at.grace_until or following)


def review_look(tiers: Tiers, due: date, night: date, joined_on: date) -> Look:
    """Return the days of the review of the window that ended on `due`, in the run of `night`: the day after, or later."""
    window, grace = tiers.window, tiers.downgrade.grace
    return Look(
        through=due,
        counts_from=window_start(window, due, joined_on),
        running_from=window_start(window, night, joined_on),
        lowered_until=review_on(window, due + _DAY, joined_on),
        reached_until=review_on(window, night, joined_on),
        kept_until=kept_until(window, due, joined_on),
        grace_until=plus(due, grace) if grace.count else None,
    )


def ladder_look(tiers: Tiers, night: date, joined_on: date) -> Look:
    """Return the days of the look at everybody in the first night of another ladder, at the window that then runs."""
    until = review_on(tiers.window, night, joined_on)
    counts_from = window_start(tiers.window, night, joined_on)
    return Look(night - _DAY, counts_from, counts_from, until, until, until, None)


def kept_until(window: Window, due: date, joined_on: date) -> date | None:
    """Return the day of the review after one that kept a level: a window's length later, or the next year's last day."""
    if isinstance(window, RollingWindow):
        return plus(due, window.length)
    return review_on(window, due + _DAY, joined_on)


def review(tiers: Tiers, removed: Mapping[str, str | None], at: Standing, look: Look, then: int, now: int) -> Outcome:
    """Decide the night after `at.review_on`; `then` and `now` are the sums in the window looked at and in the running one.

    What was bought between the window's end and the run counts too, as if the purchase had come after the run.
    """
    metric = max(then, now)
    place, top = rank(tiers, at.level), _rank_reached(tiers, metric)
    if at.by == "manual":
        return _put(tiers, top, look.lowered_until, metric, "ended")
    if place < 0:
        return _put(tiers, max(top, _mapped(tiers, removed, at.level)), look.lowered_until, metric, "removed")
    threshold, steps = tiers.levels[place].threshold, tiers.downgrade.steps
    if then >= threshold or (steps == "never" and metric < threshold):
        return _put(tiers, place, look.kept_until, metric, "kept")
    if metric >= threshold:
        return _put(tiers, place, look.reached_until, metric, "kept")
    if at.grace_until is None and look.grace_until is not None:
        return Outcome(at.level, look.grace_until, look.grace_until, "metric", metric, "grace")
    return _put(tiers, max(top, place - 1) if steps == "one" else top, look.lowered_until, metric, "lowered")


def resettle(
    tiers: Tiers, removed: Mapping[str, str | None], at: Standing, look: Look, then: int, now: int
) -> Outcome | None:
    """Decide in the first night of another ladder; None where all stays as it is. Nobody is lowered by a threshold."""
    metric = max(then, now)
    place, top = rank(tiers, at.level), _rank_reached(tiers, metric)
    is_removed = place < 0 and at.level is not None
    if is_removed:
        place = _mapped(tiers, removed, at.level)
    if top > place:
        return _put(tiers, top, look.lowered_until, metric, "raised")
    if is_removed:
        return _put(tiers, place, at.review_on if at.by == "manual" else look.lowered_until, metric, "removed")
    if at.by == "manual" or place < 0:
        return None
    if at.grace_until is not None and metric >= tiers.levels[place].threshold:
        return _put(tiers, place, look.lowered_until, metric, "kept")
    if at.review_on is None and safe_through(tiers, place, look.lowered_until) is not None:
        return _put(tiers, place, look.lowered_until, metric, "scheduled")
    return None


def safe_through(tiers: Tiers, place: int, until: date | None) -> date | None:
    """Return the day of the review of the level at `place`; None where there is nothing below it to go to."""
    return None if place < 0 or (place == 0 and tiers.levels[0].threshold <= 0) else until


def removed_levels(tiers: Tiers, earlier: Iterable[Tiers]) -> dict[str, str | None]:
    """Return the levels that `tiers` no longer has, each with the next lower one that is still there, or None.

    `earlier` are the older ladders, the newest first: the newest one that had a level says what stood below it.
    """
    found: dict[str, str | None] = {}
    for ladder in earlier:
        below = None
        for level in ladder.levels:
            if rank(tiers, level.id) >= 0:
                below = level.id
            else:
                found.setdefault(level.id, below)
    return found


def is_known(tiers: Tiers, removed: Mapping[str, str | None], level: str | None) -> bool:
    """Tell whether a look may be at a member: not on a level that only a later ladder has, in a run that comes late."""
    return level is None or rank(tiers, level) >= 0 or level in removed


def is_other_ladder(before: Tiers | None, after: Tiers) -> bool:
    """Tell whether levels or how they are reached have changed, so that everybody must be looked at."""
    return before is None or _ladder(before) != _ladder(after)


def _ladder(tiers: Tiers) -> tuple[object, ...]:
    return metric_name(tiers), tiers.window, tuple((level.id, level.threshold) for level in tiers.levels)


def _put(tiers: Tiers, place: int, until: date | None, metric: int, because: Because) -> Outcome:
    return Outcome(_level(tiers, place), safe_through(tiers, place, until), None, "metric", metric, because)


def _level(tiers: Tiers, place: int) -> str | None:
    return tiers.levels[place].id if place >= 0 else None


def _mapped(tiers: Tiers, removed: Mapping[str, str | None], level: str | None) -> int:
    return rank(tiers, removed.get(level)) if level is not None else -1


def _rank_reached(tiers: Tiers, metric: int) -> int:
    found = reached(tiers, metric)
    return rank(tiers, found.id) if found else -1
