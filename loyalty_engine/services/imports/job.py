"""Brings a file in, batch by batch: nothing twice, nothing lost between two batches, each refused row written down."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from loyalty_engine.services.imports.identity import file_hash
from loyalty_engine.services.imports.progress import Advance
from loyalty_engine.services.imports.rejects import RejectFile
from loyalty_engine.services.imports.rows import Row
from loyalty_engine.services.imports.sinks import Connection, Kind, Mark, Marks, Result, Then
from loyalty_engine.services.imports.totals import Totals
from rules.errors import Problem

T = TypeVar("T")
BATCH: Final = 500
_OF_LINE: Final = re.compile(r"lines\[(?P<place>[0-9]+)\]")
_REFUSED: Final = Problem("", "another line of this purchase was refused")
_WAITS: Final = Problem("", "a line of a purchase that waits")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """What one or more rows say together: a value, or what is wrong with it.

    A row that can't be read says so itself. `is_flat`: each row is one of the purchase's lines, so that what is wrong with
    a line stands in its row.
    """

    rows: Sequence[Row]
    value: T | None
    problems: Sequence[Problem] = ()
    is_flat: bool = False


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """How one kind of file is brought in.

    `read` turns a file (and its hash, from which rows get their names) into items; `write` stores many values in one
    transaction; `count` adds what became of one to the totals.
    """

    kind: Kind
    read: Callable[[Path, str], Iterator[Item[T]]]
    write: Callable[[Sequence[T], Then], Sequence[Result]]
    count: Callable[[Totals, T, Any], None]


def run(
    job: Job[T], path: Path, rejects_path: Path, marks: Marks, now: Callable[[], datetime], advance: Advance
) -> Totals:
    """Bring in the file, and return its control totals.

    A run that was cut off goes on where its last batch ended, with its totals. A run over a file that was finished
    reads it all again, because what was refused then may be accepted now; what is there already is found, not added.
    """
    source = file_hash(path)
    mark = _unfinished(marks.find(source, job.kind))
    totals = Totals.from_json(mark.totals)
    items = job.read(path, source)
    rows_done = _skip(items, mark.rows_done)
    advance(rows_done)
    with RejectFile(rejects_path, continued=rows_done > 0) as rejects:
        rejects.back_to(mark.rejects_length)
        while batch := list(islice(items, BATCH)):
            rows = sum(len(item.rows) for item in batch)
            rows_done += rows
            keep = partial(_keep, marks, source, job.kind, rows_done, rejects)
            totals = _bring_in(job, batch, totals, rejects, keep)
            advance(rows)
    marks.save(source, job.kind, Mark(rows_done, totals.to_json(), now()))
    return totals


def _keep(
    marks: Marks, source: str, kind: Kind, rows_done: int, rejects: RejectFile, connection: Connection, totals: Totals
) -> None:
    marks.save(source, kind, Mark(rows_done, totals.to_json(), rejects_length=rejects.place()), connection)


def _unfinished(mark: Mark | None) -> Mark:
    return mark if mark is not None and mark.finished_at is None else Mark()


def _skip(items: Iterator[Item[T]], rows: int) -> int:
    skipped = 0
    while skipped < rows and (item := next(items, None)) is not None:
        skipped += len(item.rows)
    return skipped


def _bring_in(
    job: Job[T],
    batch: Sequence[Item[T]],
    before: Totals,
    rejects: RejectFile,
    keep: Callable[[Connection, Totals], None],
) -> Totals:
    """Write a batch and return the totals after it, which are kept in the same commit: a run that is killed between two
    batches, or in one, goes on with the totals of what is there."""
    good = [item.value for item in batch if item.value is not None]
    place, totals = rejects.place(), before

    def settle(connection: Connection, results: Sequence[Result]) -> None:
        nonlocal totals
        # Where the transaction is tried again, so is this.
        rejects.back_to(place)
        totals = before.copy()
        _count(job, batch, iter(results), totals, rejects)
        keep(connection, totals)

    if good:
        job.write(good, settle)
    else:
        settle(None, ())
    return totals


def _count(
    job: Job[T], batch: Sequence[Item[T]], results: Iterator[Result], totals: Totals, rejects: RejectFile
) -> None:
    for item in batch:
        totals.rows_read += len(item.rows)
        result = next(results) if item.value is not None else None
        if item.value is None or result is None or result.status == "refused":
            totals.statuses["rejected"] += 1
            _write_down(item, _problems(result) if result else item.problems, _REFUSED, rejects)
            continue
        totals.statuses[result.status] += 1
        job.count(totals, item.value, result)
        if result.status == "unresolved":
            _write_down(item, [Problem("", f"waits: {result.code}: {result.detail}")], _WAITS, rejects)


def _problems(result: Result) -> list[Problem]:
    said = [(path, message) for path, messages in result.wrong.items() for message in messages]
    return [Problem(path, f"{result.code}: {message}") for path, message in said or [("", str(result.detail))]]


def _write_down(item: Item[T], problems: Sequence[Problem], others_say: Problem, rejects: RejectFile) -> None:
    """Write all rows of the item, so that they can be found, and what was refused can be brought in whole."""
    for row, said in zip(item.rows, _by_row(item, problems), strict=True):
        rejects.add(row.number, said or [others_say], row.values)


def _by_row(item: Item[T], problems: Sequence[Problem]) -> list[list[Problem]]:
    """Part the problems by row: a row has its own and those of its line, the first one all others as well."""
    parted = [[row.unreadable] if row.unreadable else [] for row in item.rows]
    for problem in problems:
        of_line = _OF_LINE.match(problem.path) if item.is_flat else None
        parted[int(of_line["place"]) if of_line else 0].append(problem)
    return parted
