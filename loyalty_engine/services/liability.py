"""What the programme owes its members in points: outstanding by age, what of it will lapse, and how it came to be.

Source: PROGRAMME.md (`worth`), RELIABILITY.md, The ledger, 7; docs/guides/liability.md says how it is reckoned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import sqlalchemy as sa

from loyalty_engine.services import days
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.days import Asked
from loyalty_engine.store import liability as store
from loyalty_engine.store.session import snapshot
from rules.errors import Conflict
from rules.liability import (
    Cell,
    Forecast,
    Outstanding,
    curves,
    expected_breakage,
    forecasts,
    outstanding,
    value_owed,
)
from rules.movement import Figures, Movement, movements
from rules.periods import business_day
from rules.programme import Programme
from rules.spans import day_ends, last_of, month_number, months_begin


@dataclass(frozen=True)
class WalletLiability:
    """What is owed in one wallet. `figures` are the sums of all accounts, `rows` what is left of each month's points."""

    wallet: str
    figures: Figures
    rows: tuple[Outstanding, ...]
    breakage: tuple[int, ...]
    """Points of each row that are expected to lapse."""
    owed_minor: tuple[int, ...] | None
    """What each row is worth, in minor units; None where the programme does not say what a point is worth."""

    @property
    def points(self) -> int:
        return sum(row.points for row in self.rows)

    @property
    def check(self) -> int:
        """What lots and entries disagree by: 0, or `loyalty audit` names what is wrong."""
        return self.points - self.figures.debt - self.figures.outstanding


@dataclass(frozen=True)
class Liability:
    """What is owed at the end of a day."""

    as_of: date
    currency: str
    wallets: tuple[WalletLiability, ...]


@dataclass(frozen=True)
class Moved:
    """What became of each wallet's points over the days from `first` through `last`."""

    first: date
    last: date
    wallets: tuple[Movement, ...]


@dataclass(frozen=True)
class Compared:
    """What was forecast from the first months alone for the months after them, beside what then happened."""

    history_from: date
    cut: date
    """The last day that the forecast knew of."""
    through: date
    wallets: tuple[Forecast, ...]

    @cached_property
    def months(self) -> int:
        """How many months were forecast."""
        return month_number(self.through) - month_number(self.cut)


def liability(actor: Actor, as_of: date | None = None) -> Liability:
    """Return what is owed at the end of a day, today's where none is named. Raises `Invalid` for a day to come."""
    actor.check_everywhere()
    with snapshot() as connection:
        as_of = as_of or days.today(connection)
        asked = days.as_of(connection, as_of)
        cells = _cells(connection, asked, as_of)
        sums = movements(_wallets(asked.programme), store.booked(connection, asked.before, asked.before))
    known = curves(cells, _last_whole_month(as_of))
    rows = outstanding(cells, month_number(as_of), known)
    found = tuple(_wallet(asked.programme, one, rows) for one in sums)
    return Liability(as_of, asked.programme.money, found)


def _wallets(programme: Programme) -> Iterator[str]:
    return (wallet.id for wallet in programme.wallets)


def _cells(connection: sa.Connection, asked: Asked, last: date) -> list[Cell]:
    bounds = store.bounds(connection, asked.before)
    if bounds is None:
        return []
    zone = asked.programme.time_zone
    first = month_number(business_day(bounds.first, zone))
    return store.cells(connection, months_begin(first, month_number(last), zone), asked.before)


def _last_whole_month(day: date) -> int:
    month = month_number(day)
    return month if day == last_of(month) else month - 1


def _wallet(programme: Programme, sums: Movement, rows: Sequence[Outstanding]) -> WalletLiability:
    mine = tuple(row for row in rows if row.cohort.wallet == sums.wallet)
    worths = {wallet.id: wallet.worth_minor for wallet in programme.wallets}
    worth = worths.get(sums.wallet)
    owed = None if worth is None else value_owed(mine, worth)
    return WalletLiability(sums.wallet, sums.closing, mine, expected_breakage(mine), owed)


def movement(actor: Actor, first: date, last: date) -> Moved:
    """Return how each wallet's points moved over a period. Raises `Invalid` for a period that is none."""
    actor.check_everywhere()
    with snapshot() as connection:
        asked = days.period(connection, first, last)
        found = movements(_wallets(asked.programme), store.booked(connection, *asked.span))
    return Moved(first, last, found)


def compared(actor: Actor, months: int) -> Compared:
    """Forecast what lapses after the first `months` of history from these alone, and compare it with what did.

    It looks at the points that were outstanding then, over the whole months of history that followed. Raises `Conflict`
    where none did.
    """
    actor.check_everywhere()
    with snapshot() as connection:
        asked = days.as_of(connection, days.today(connection))
        zone = asked.programme.time_zone
        first, last = _history(connection, asked)
        cut, through = last_of(first + months - 1), last_of(last)
        if last < first + months:
            raise _too_short(months, last - first + 1)
        cut_at, end = day_ends(cut, zone), day_ends(through, zone)
        cells = store.cells(connection, months_begin(first, month_number(cut), zone), cut_at)
        lapsed = store.lapsed(connection, cut_at, end)
    month = month_number(cut)
    rows = outstanding(cells, month, curves(cells, month), last - month)
    return Compared(last_of(first).replace(day=1), cut, through, forecasts(rows, lapsed))


def _history(connection: sa.Connection, asked: Asked) -> tuple[int, int]:
    """Return the month of the first entry, and the last month of entries that is over."""
    bounds = store.bounds(connection, asked.before)
    if bounds is None:
        raise _too_short(1, 0)
    zone = asked.programme.time_zone
    first, last = (month_number(business_day(at, zone)) for at in bounds)
    return first, min(last, month_number(days.today(connection)) - 1)


def _too_short(months: int, there: int) -> Conflict:
    return Conflict(
        "history_too_short",
        f"A forecast from {months} months needs at least one whole month after them, and there are {max(0, there)}.",
        {"months": [f"ask for {there - 1} at most" if there > 1 else "wait until two months are over"]},
    )
