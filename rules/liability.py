"""What outstanding points are worth: how many of them will lapse, by what became of older points, and what is owed.

Points that were issued in the same month at the same level are a cohort. What a cohort had at the beginning of a month
of its life, and what of that was used or lapsed in that month, gives for each age the share that is gone and the share
that lapsed; chained from a cohort's age on they say what of its points will lapse. docs/guides/liability.md has a worked
example. Every share is exact; only the chained one is cut to nine decimals, downwards, which owes more and not less.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Final, NamedTuple

from rules.money import shares

ENOUGH: Final = 1_000
"""From so many points of its own at an age on a level is judged by itself; else by all levels together."""
_DECIMALS: Final = 10**9
_NOTHING: Final = Fraction(0)


class Cell(NamedTuple):
    """Points of a cohort that came (positive) or went (negative) in a month by one kind of entry; months are numbers."""

    wallet: str
    issued: int
    level: str | None
    booked: int
    kind: str
    points: int


class Cohort(NamedTuple):
    """Points of one wallet that were issued in one month to members of one level."""

    wallet: str
    issued: int
    level: str | None


class Outstanding(NamedTuple):
    """What is left of a cohort, how old it is in months, and the share of it that is expected to lapse."""

    cohort: Cohort
    age: int
    points: int
    breakage: Fraction


@dataclass(slots=True)
class _Seen:
    """What was seen at one age: the points that were there, those that went, and of them those that lapsed."""

    there: int = 0
    gone: int = 0
    lapsed: int = 0

    def add(self, there: int, gone: int, lapsed: int) -> None:
        self.there += there
        self.gone += gone
        self.lapsed += lapsed


@dataclass(slots=True)
class Curve:
    """What became of a wallet's points at each age, by level and for all levels."""

    by_level: dict[tuple[str | None, int], _Seen] = field(default_factory=dict)
    pooled: dict[int, _Seen] = field(default_factory=dict)
    _known: dict[tuple[str | None, int, int], Fraction] = field(default_factory=dict)

    def see(self, level: str | None, age: int, there: int, gone: int, lapsed: int) -> None:
        """Add one cohort's month."""
        for seen in (self.by_level.setdefault((level, age), _Seen()), self.pooled.setdefault(age, _Seen())):
            seen.add(there, gone, lapsed)

    def at(self, level: str | None, age: int) -> tuple[Fraction, Fraction]:
        """Return the share that is gone at an age, and the share that lapsed; nothing for an age that nobody reached."""
        own = self.by_level.get((level, age))
        seen = own if own is not None and own.there >= ENOUGH else self.pooled.get(age)
        if seen is None or seen.there == 0:
            return _NOTHING, _NOTHING
        return Fraction(seen.gone, seen.there), Fraction(seen.lapsed, seen.there)

    def lapses(self, level: str | None, age: int, months: int | None = None) -> Fraction:
        """Return the share of points of that age that lapses within so many months; ever, where none are named.

        Ages that no points of the programme have reached yet are taken to lapse nothing.
        """
        last = max(self.pooled, default=0)
        through = last if months is None else min(last, age + months)
        key = (level, age, through)
        if key not in self._known:
            self._known[key] = Fraction(floor(self._chained(level, age, through) * _DECIMALS), _DECIMALS)
        return self._known[key]

    def _chained(self, level: str | None, age: int, through: int) -> Fraction:
        share = _NOTHING
        for later in range(through, age, -1):
            gone, lapsed = self.at(level, later)
            share = lapsed + (1 - gone) * share
        return share


_TRANSFERS: Final = ("transfer_in", "transfer_out")


@dataclass(slots=True)
class _Life:
    """One cohort, month by month."""

    came: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    went: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lapsed: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, cell: Cell) -> None:
        if cell.points > 0:
            self.came[cell.booked] += cell.points
        else:
            self.went[cell.booked] -= cell.points
        if cell.kind == "expiry":
            self.lapsed[cell.booked] -= cell.points

    def left(self) -> int:
        return sum(self.came.values()) - sum(self.went.values())


def _lives(cells: Iterable[Cell], through: int) -> dict[Cohort, _Life]:
    lives: dict[Cohort, _Life] = {}
    for cell in _merged(cells):
        if cell.booked <= through:
            lives.setdefault(Cohort(cell.wallet, cell.issued, cell.level), _Life()).add(cell)
    return lives


def _merged(cells: Iterable[Cell]) -> Iterator[Cell]:
    """Take what merges moved within a cohort for one cell: it neither went nor came, save what paid a debt on its way."""
    moved: dict[Cell, int] = defaultdict(int)
    for cell in cells:
        if cell.kind in _TRANSFERS:
            moved[cell._replace(kind=_TRANSFERS[0], points=0)] += cell.points
        else:
            yield cell
    yield from (cell._replace(points=points) for cell, points in moved.items() if points)


def curves(cells: Iterable[Cell], through: int) -> dict[str, Curve]:
    """Return each wallet's curve by what was booked through the month `through`, which must be over."""
    found: dict[str, Curve] = defaultdict(Curve)
    for cohort, life in _lives(cells, through).items():
        for age, there, gone, lapsed in _months(cohort, life, through):
            found[cohort.wallet].see(cohort.level, age, there, gone, lapsed)
    return found


def _months(cohort: Cohort, life: _Life, through: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the months after the one of issue: the age, what was there, what went, and what of that lapsed."""
    first = min((*life.came, *life.went), default=through + 1)
    left = 0
    for month in range(first, through + 1):
        there = left + life.came.get(month, 0)
        gone = life.went.get(month, 0)
        left = there - gone
        if there and month > cohort.issued:
            yield month - cohort.issued, there, gone, life.lapsed.get(month, 0)


def outstanding(
    cells: Sequence[Cell], month: int, known: Mapping[str, Curve], months: int | None = None
) -> list[Outstanding]:
    """Return what is left of each cohort at the end of `month`, with the share of it that lapses within `months`.

    In the order of wallet, month of issue and level.
    """
    found = []
    for cohort, life in _lives(cells, month).items():
        points, age = life.left(), max(0, month - cohort.issued)
        if points:
            curve = known.get(cohort.wallet, Curve())
            found.append(Outstanding(cohort, age, points, curve.lapses(cohort.level, age, months)))
    return sorted(found, key=lambda one: (one.cohort.wallet, one.cohort.issued, one.cohort.level or ""))


def expected_breakage(rows: Sequence[Outstanding]) -> tuple[int, ...]:
    """Return how many points of each row are expected to lapse: the sum is cut downwards once, and shared out."""
    return _shared([one.points * one.breakage for one in rows], up=False)


def value_owed(rows: Sequence[Outstanding], worth_minor: Fraction) -> tuple[int, ...]:
    """Return what each row is worth in minor units, less its breakage: the sum is rounded up once, and shared out."""
    return _shared([one.points * (1 - one.breakage) * worth_minor for one in rows], up=True)


def _shared(parts: Sequence[Fraction], *, up: bool) -> tuple[int, ...]:
    exact = sum(parts, _NOTHING)
    total = ceil(exact) if up else floor(exact)
    common = lcm(*(part.denominator for part in parts))
    return shares(total, [int(part * common) for part in parts])


@dataclass(frozen=True, slots=True)
class Forecast:
    """What was forecast to lapse of a wallet's points, and what did."""

    wallet: str
    outstanding: int
    forecast: int
    lapsed: int

    @property
    def error(self) -> int:
        """The points by which the forecast was too high, or with a minus too low."""
        return self.forecast - self.lapsed

    @property
    def error_percent(self) -> str | None:
        """The error in percent of what lapsed, with one decimal; None where nothing lapsed."""
        return None if self.lapsed == 0 else percent(Fraction(self.error, self.lapsed), 1)


def forecasts(rows: Sequence[Outstanding], lapsed: Mapping[str, int]) -> tuple[Forecast, ...]:
    """Return by wallet what was to be expected of `rows`, to the nearest point, beside the points that lapsed."""
    points: dict[str, int] = defaultdict(int)
    expected: dict[str, Fraction] = defaultdict(Fraction)
    for one in rows:
        points[one.cohort.wallet] += one.points
        expected[one.cohort.wallet] += one.points * one.breakage
    wallets = sorted({*points, *lapsed})
    return tuple(
        Forecast(wallet, points[wallet], floor(expected[wallet] + Fraction(1, 2)), lapsed.get(wallet, 0))
        for wallet in wallets
    )


def percent(share: Fraction, decimals: int) -> str:
    """Write a share in percent, to the nearest of so many decimals: 1/8 with two is `12.50`."""
    scale = 10**decimals
    scaled = floor(abs(share) * 100 * scale + Fraction(1, 2))
    return f"{'-' if share < 0 and scaled else ''}{scaled // scale}.{scaled % scale:0{decimals}}"
