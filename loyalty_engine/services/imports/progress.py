"""Shows how far long work is: a bar with rate and time left on a terminal, a line now and then in a log, or nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as BarTask
from rich.text import Text

Advance = Callable[[int], None]
"""Tells that so many more are done."""

_SECONDS_BETWEEN_LINES: Final = 10.0


@contextmanager
def progress(what: str, total: int | None, stream: IO[str], *, quiet: bool = False) -> Iterator[Advance]:
    """Show how `what` gets on, on `stream`; `quiet` is for `--json`, where nobody watches."""
    if quiet:
        yield lambda done: None
    elif stream.isatty():
        with _bar(stream) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)
    else:
        lines = _Lines(what, total, stream)
        yield lines.advance
        lines.say()


def _bar(stream: IO[str]) -> Progress:
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(),
    )  # fmt: skip
    return Progress(*columns, console=Console(file=stream), refresh_per_second=4)


class _Rate(ProgressColumn):
    def render(self, task: BarTask) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class _Lines:
    """Says where the work is at most every ten seconds, for logs."""

    def __init__(self, what: str, total: int | None, stream: IO[str]) -> None:
        self._what, self._total, self._stream = what, total, stream
        self._done = 0
        self._started = self._said = time.monotonic()

    def advance(self, done: int) -> None:
        self._done += done
        if time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self.say()

    def say(self) -> None:
        self._said = time.monotonic()
        seconds = max(self._said - self._started, 0.001)
        rate = self._done / seconds
        of = f" of {self._total:,}" if self._total is not None else ""
        left = f", {_clock((self._total - self._done) / rate)} left" if self._total and self._done else ""
        self._stream.write(f"{self._what}: {self._done:,}{of}, {rate:,.0f}/s{left}\n")
        self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
