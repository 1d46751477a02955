"""Posts the grocer's year with two processes: households are dealt out, so that neither ever waits for a member.

Each brings in one household's month after the other: a batch then touches few members, and pages of the database that
lie side by side, which halves what writing costs. One judges while the other writes (services/purchase_batches.py). After
each month both wait for the nights to be run. What they do is told through a pipe each, whose end is the end of the
import: nothing is left to clear up, and a year that was cut off is simply brought in again.
"""

import gc
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Final, NamedTuple, NoReturn, ParamSpec, Self, TypeVar

from loyalty_engine.services.actors import Actor
from loyalty_engine.services.demo.catalogue import wares
from loyalty_engine.services.demo.grocer import Year, read_share
from loyalty_engine.services.demo.load import Batches, RunNights, Sinks, post_month
from loyalty_engine.services.demo.months import months
from loyalty_engine.services.demo.shoppers import bring
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.totals import Totals
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.purchase_batches import post_many
from rules.errors import Busy, Refusal

P = ParamSpec("P")
T = TypeVar("T")

Found = Mapping[int, MemberReference]
Opened = Callable[[], AbstractContextManager[object]]
"""Opens the engine in a process of its own; known by its name, so that it can be handed to one."""
_HANDS: Final = 2
"""More were not measured; where one writes at a time, they wait for each other the sooner the more they are."""
_WORTH_IT: Final = 20_000
"""For fewer baskets a second process isn't started."""
_OBJECTS: Final = 100_000
"""An import makes as many in a second, of which hardly one needs the garbage collector: it looks after so many."""
_ATTEMPTS: Final = 10
"""Of a batch, when the database is busy; each waits for some seconds."""


class _Failed(NamedTuple):
    """Why a process gave up."""

    code: str
    detail: str


_Told = int | Totals | _Failed
"""What comes through a pipe: how many more baskets are posted, at the end the totals, or why there won't be any."""


def is_worth_it(baskets: int) -> bool:
    """Tell whether so many baskets are posted sooner by several processes."""
    return (os.cpu_count() or 1) > 1 and baskets >= _WORTH_IT


@dataclass(frozen=True, slots=True)
class Task:
    """What all processes of a crew know from the start; `opened` opens the engine."""

    as_of: date
    weeks: int | None
    actor: Actor
    opened: Opened


class Crew:
    """Processes that read their shares while stores, products and members are written, and then post the baskets."""

    def __init__(self, task: Task, year: Year) -> None:
        self._task = task
        self._shares = _dealt(year)
        self._months = tuple(months(year))
        self._context = get_context("spawn")
        self._pipes: list[Connection] = []

    def __enter__(self) -> Self:
        for share in self._shares:
            ours, theirs = self._context.Pipe()
            self._pipes.append(ours)
            self._context.Process(target=_work, args=(theirs, self._task, share)).start()
            theirs.close()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the processes nobody to tell: those that still work end after the batch that they are at."""
        for pipe in self._pipes:
            pipe.close()

    def post_year(self, found: Found, run_nights: RunNights, advance: Advance) -> Totals:
        """Post all baskets of the year, month by month; when one process fails, that is the end for all."""
        totals = Totals()
        try:
            for pipe, share in zip(self._pipes, self._shares, strict=True):
                pipe.send({household: found[household] for household in share})
            for month in self._months:
                for pipe in self._pipes:
                    pipe.send(month)
                totals.add(_gathered(self._pipes, advance))
                run_nights(month.following_on)
            for pipe in self._pipes:
                pipe.send(None)
            return totals
        except (EOFError, OSError) as gone:
            detail = "A process of the import died. Run the same command again: it goes on where this was cut off."
            raise Busy("import_cut_off", detail) from gone


def _dealt(year: Year) -> list[Sequence[int]]:
    """Deal out the households, those with the most baskets first, so that all processes have as much to do."""
    ranked = [household for household, _ in Counter(year.heads.households).most_common()]
    return [ranked[hand::_HANDS] for hand in range(_HANDS)]


def _gathered(pipes: Sequence[Connection], advance: Advance) -> Totals:
    totals, working = Totals(), list(pipes)
    while working:
        for pipe in wait(working):
            assert isinstance(pipe, Connection)
            told: _Told = pipe.recv()
            if isinstance(told, _Failed):
                raise Busy(told.code, told.detail)
            if isinstance(told, int):
                advance(told)
            else:
                totals.add(told)
                working.remove(pipe)
    return totals


def _work(pipe: Connection, task: Task, share: Sequence[int]) -> None:
    """Be one process of a crew. Ctrl-C reaches all of them, and is for the first one to see."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known, year = wares(), read_share(task.as_of, share, task.weeks)
    # What was read stays to the end: looking through it again and again would find nothing to collect.
    gc.freeze()
    gc.set_threshold(_OBJECTS)
    try:
        found: Found = pipe.recv()
        with task.opened():
            sinks = _sinks(task.actor)
            while (month := pipe.recv()) is not None:
                size = Batches().purchases
                pipe.send(post_month(month.of(year), found, known, sinks, pipe.send, size))
    except Refusal as refusal:
        pipe.send(_Failed(refusal.code, refusal.detail))
    except (EOFError, ConnectionError):
        return


def _sinks(actor: Actor) -> Sinks:
    """Return where a process's share goes: what is written before the baskets is not its work."""

    def nowhere(*_items: object) -> NoReturn:
        raise AssertionError("stores, products and members are written by the first process")

    post = partial(_patiently, partial(post_many, actor))
    return Sinks(nowhere, nowhere, nowhere, post, partial(_patiently, partial(bring, actor)))


def _patiently(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    for _ in range(1, _ATTEMPTS):
        try:
            return work(*args, **kwargs)
        except Busy:
            continue
    return work(*args, **kwargs)
