"""How points come and go in lots: points that expire together, opened by a grant, taken by what needs points.

Source: PROGRAMME.md, Lots, spending and expiry, and Returns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal, assert_never

from rules.periods import Period, end_of_month, plus
from rules.programme import (
    Expiry,
    InactivityExpiry,
    LevelExpiry,
    RollingExpiry,
    UntilEvent,
    Wallet,
    YearlyExpiry,
)

_GOOD_FOR: Final = Period(30, "days")
"""How long points that are given back are good at least (PROGRAMME.md, Returns)."""

LotState = Literal["pending", "available", "expired"]
"""A lot's state changes by entry only: until the nightly run it stays as it is."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Points of one wallet that expire together; `held` of the `remaining` are out of reach."""

    lot_id: str
    remaining: int
    held: int
    state: LotState
    expires_on: date | None
    opened_on: date

    @property
    def free(self) -> int:
        """The points of the lot that are not held."""
        return self.remaining - self.held


@dataclass(frozen=True, slots=True)
class NewLot:
    """A lot about to be opened: `granted` points, of which `paid_debt` never become available."""

    granted: int
    paid_debt: int
    state: LotState
    available_on: date
    expires_on: date | None
    level: str | None = None
    """The member's when the points were earned; None for whatever it is now."""


@dataclass(frozen=True, slots=True)
class Taking:
    """So many points from one lot; `state` tells from which figure of the account they come off."""

    lot_id: str
    points: int
    state: LotState


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a reversal took from lots, what had lapsed of the purchase's own before, and what was missing there."""

    takings: tuple[Taking, ...]
    missing: int
    lapsed: int = 0

    def of(self, state: LotState) -> int:
        """Return the points that came off lots in `state`."""
        return sum(taking.points for taking in self.takings if taking.state == state)


@lru_cache(maxsize=4096)
def expires_on(expiry: Expiry, earned_on: date, level: str | None = None) -> date | None:
    """Return the last day on which points earned on `earned_on` are good; None where lots carry no end of their own.

    `level` is the member's when they were earned.
    """
    match expiry:
        case LevelExpiry():
            return expires_on(expiry.of(level), earned_on)
        case None | InactivityExpiry():
            return None
        case RollingExpiry(after, at_end_of_month):
            day = plus(earned_on, after)
            return end_of_month(day) if at_end_of_month else day
        case YearlyExpiry(month, day_of_month, after):
            earliest = plus(earned_on, after)
            this_year = _day_of_year(earliest.year, month, day_of_month)
            return this_year if this_year >= earliest else _day_of_year(earliest.year + 1, month, day_of_month)
        case _:
            assert_never(expiry)


def _day_of_year(year: int, month: int, day: int) -> date:
    """A yearly 29 February is the 28th in the years that lack it."""
    first = date(year, month, 1)
    return min(first + timedelta(days=day - 1), end_of_month(first))


def open_lot(
    wallet: Wallet,
    points: int,
    earned_on: date,
    today: date,
    debt: int,
    level: str | None = None,
    waits: Period | UntilEvent | None = None,
) -> NewLot:
    """Return the lot that a grant of `points` opens; one that is available at once pays `debt` first.

    `today` is the day it is booked on: a grant whose waiting time is over by then is never pending. `level` is the
    member's when the points were earned. `waits` stands in for the wallet's own waiting time; what waits for an event
    becomes available on no day.
    """
    waiting = wallet.pending if waits is None else waits
    available_on = date.max if isinstance(waiting, UntilEvent) else plus(earned_on, waiting)
    pending = available_on > today
    paid = 0 if pending else min(points, debt)
    state: LotState = "pending" if pending else "available"
    return NewLot(points, paid, state, available_on, expires_on(wallet.expiry, earned_on, level), level)


def give_back(wallet: Wallet, points: int, earned_on: date, today: date, debt: int, level: str | None = None) -> NewLot:
    """Return the lot for points of a purchase on `earned_on` that a return took and a later one gives back.

    It ends as the purchase's own lot does; where that end is near or past, 30 days from `today`.
    """
    lot = open_lot(wallet, points, earned_on, today, debt, level)
    if lot.expires_on is None:
        return lot
    return replace(lot, expires_on=max(lot.expires_on, plus(today, _GOOD_FOR)))


def soonest_first(lots: Iterable[Lot]) -> list[Lot]:
    """Return the lots in the order in which they are used: soonest expiry, then oldest; never-expiring last."""
    return sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.opened_on, lot.lot_id))


def spend(points: int, lots: Iterable[Lot]) -> tuple[Taking, ...] | None:
    """Return from which lots `points` are spent or held: soonest expiry first, never what is held; None for too few."""
    takings = _take(points, [lot for lot in soonest_first(lots) if lot.state == "available"])
    return takings if sum(taking.points for taking in takings) == points else None


def take_back(points: int, own: Sequence[Lot], others: Sequence[Lot], lapsed: int = 0) -> TakenBack:
    """Take `points` off the purchase's own lots first, then off free available ones; never off what is held.

    What `lapsed` of its own lots counts as taken before others are asked: the member never used it.
    """
    alive = [lot for lot in own if lot.state != "expired"]
    available = [lot for lot in others if lot.state == "available"]
    off_own = _take(points, soonest_first(alive))
    left = points - sum(taking.points for taking in off_own)
    gone = min(left, lapsed)
    off_others = _take(left - gone, soonest_first(available))
    missing = left - gone - sum(taking.points for taking in off_others)
    return TakenBack((*off_own, *off_others), missing, gone)


def _take(points: int, lots: Iterable[Lot]) -> tuple[Taking, ...]:
    takings: list[Taking] = []
    for lot in lots:
        taken = min(points, lot.free)
        if taken:
            takings.append(Taking(lot.lot_id, taken, lot.state))
            points -= taken
    return tuple(takings)


@dataclass(frozen=True, slots=True)
class Spent:
    """So many points of a redemption that came from one lot, and that lot's end."""

    lot_id: str
    points: int
    expires_on: date | None


def capture(points: int, held: Sequence[Spent]) -> tuple[Spent, ...]:
    """Return which of the held points are captured: those that lapse first."""
    return _first(points, sorted(held, key=_end_of_spent))


def restore(spent: Sequence[Spent], before: int, after: int, today: date) -> dict[date | None, int]:
    """Return the ends of the points that come back when, of those spent, `after` have to be back and `before` were.

    What was spent last, the points that would have lapsed last, comes back first, so that any split of returns agrees.
    """
    latest_first = sorted(spent, key=_end_of_spent, reverse=True)
    back = _first(after, latest_first)
    already = {one.lot_id: one.points for one in _first(before, latest_first)}
    ends: dict[date | None, int] = {}
    for one in back:
        points = one.points - already.get(one.lot_id, 0)
        if points:
            end = None if one.expires_on is None else max(one.expires_on, plus(today, _GOOD_FOR))
            ends[end] = ends.get(end, 0) + points
    return ends


def in_new_lots(ends: Mapping[date | None, int], today: date, debt: int) -> list[NewLot]:
    """Return the lots for points that come back today with these ends; those that end first pay `debt`."""
    new = []
    for end, points in sorted(ends.items(), key=lambda one: one[0] or date.max):
        paid = min(debt, points)
        debt -= paid
        new.append(NewLot(points, paid, "available", today, end))
    return new


def _end_of_spent(one: Spent) -> tuple[date, str]:
    return one.expires_on or date.max, one.lot_id


def _first(points: int, ordered: Iterable[Spent]) -> tuple[Spent, ...]:
    taken: list[Spent] = []
    for one in ordered:
        part = min(points, one.points)
        if part:
            taken.append(Spent(one.lot_id, part, one.expires_on))
            points -= part
    return tuple(taken)
