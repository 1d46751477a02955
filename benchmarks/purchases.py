"""Purchases a second over HTTP, beside pgbench writing the same: five lines, ten rules, ten thousand members."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from benchmarks import load, pgbench, servers
from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.figures import Figure
from benchmarks.load import Answered, Load
from benchmarks.servers import Server
from benchmarks.setting import FIRST_CARD, HERE, MEMBERS, Setting, count, furnish
from loyalty_engine.store.tables import purchases

LEAST_OF_PGBENCH = 0.25
MOST_WORKER_MIB = 150
_OURS, _THEIRS = "loyalty_bench", "loyalty_bench_pgbench"


@dataclass(frozen=True, slots=True)
class Measured:
    """One run over HTTP, and the CPU that the server took for each request."""

    answered: Answered
    cpu_microseconds: float


def on_postgresql(server: PostgreSQL, seconds: float, rounds: int) -> Iterator[Figure]:
    """Measure pgbench and the service in turns, each on a database of its own with the same content."""
    url = server.create(_OURS)
    upgrade(url)
    setting = furnish(url)
    with servers.engine(url) as web:
        _measure(web, setting, 2)  # prepares statements, fills caches
        sample = _sample(url)
    if server.pgbench is not None:
        server.create(_THEIRS, template=_OURS)
    memory = 0.0
    yardstick: list[float] = []
    ours: list[Measured] = []
    for _ in range(rounds):
        if server.pgbench is not None:
            server.settle(_THEIRS)
            yardstick.append(pgbench.run(server.pgbench, server, _THEIRS, sample, seconds))
        server.settle(_OURS)
        with servers.engine(url) as web:
            _measure(web, setting, 1)
            ours.append(_counted(web, url, setting, seconds))
            memory = web.worker_mib()
    if yardstick:
        rate = median(yardstick)
        yield Figure("pgbench, the same statements", rate, "/s")
        ratio = median([one.answered.per_second for one in ours]) / rate
        yield Figure(
            "purchases on PostgreSQL, of pgbench", ratio, "", at_least=LEAST_OF_PGBENCH, note=_spread(yardstick, ours)
        )
    yield from _figures("PostgreSQL", ours)
    yield Figure("a web worker's memory after that", memory, "MiB", at_most=MOST_WORKER_MIB)


def on_sqlite(seconds: float, rounds: int) -> Iterator[Figure]:
    """Measure the service on the embedded database."""
    with TemporaryDirectory(prefix="loyalty-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade(url)
        setting = furnish(url)
        with servers.engine(url) as web:
            _measure(web, setting, 1)
            ours = [_counted(web, url, setting, seconds) for _ in range(rounds)]
    yield from _figures("SQLite", ours)


def _figures(database: str, ours: list[Measured]) -> Iterator[Figure]:
    name = f"purchases on {database}"
    yield Figure(name, median([one.answered.per_second for one in ours]), "/s")
    for part in ("p50", "p95", "p99"):
        yield Figure(f"{name}, {part}", median([getattr(one.answered, part) for one in ours]), "ms")
    yield Figure(f"{name}, server CPU a request", median([one.cpu_microseconds for one in ours]), "µs")


def _spread(yardstick: list[float], ours: list[Measured]) -> str:
    pairs = [one.answered.per_second / rate for one, rate in zip(ours, yardstick, strict=True)]
    return "rounds " + ", ".join(f"{pair:.2f}" for pair in pairs)


def _counted(web: Server, url: str, setting: Setting, seconds: float) -> Measured:
    return counted(web, url, "purchases", purchase_load(setting), seconds)


def counted(web: Server, url: str, table: str, asked: Load, seconds: float) -> Measured:
    """Measure, and make sure that for everything that was answered there is a row in its table."""
    before = count(url, table)
    done = measured(web, asked, seconds)
    there = count(url, table) - before
    if there < done.answered.requests:
        raise RuntimeError(f"{done.answered.requests} {table} were answered, and only {there} are there")
    return done


def _measure(web: Server, setting: Setting, seconds: float) -> Measured:
    return measured(web, purchase_load(setting), seconds)


def measured(web: Server, asked: Load, seconds: float) -> Measured:
    """Let eight clients ask, and look at the CPU that it took."""
    before = web.cpu_seconds()
    answered = load.run(asked, web.port, seconds)
    return Measured(answered, 1e6 * (web.cpu_seconds() - before) / answered.requests)


def purchase_load(setting: Setting) -> Load:
    """Return purchases of members by chance; no number comes twice."""
    body = purchase_body()
    given = {"BENCH_BODY": body, "BENCH_TOKEN": setting.till, "BENCH_FIRST_CARD": FIRST_CARD, "BENCH_MEMBERS": MEMBERS}

    def request(client: int, dice: Random) -> bytes:
        number, card = next(load.numbers), FIRST_CARD + dice.randrange(MEMBERS)
        return load.http("POST", "/v1/purchases", setting.till, body % (client, number, card, client, number))

    return Load("post_purchase.lua", {name: str(value) for name, value in given.items()}, request)


def purchase_body() -> str:
    """Return the body of a purchase that happens now, with places for client, number, card, client, number."""
    now = datetime.now(UTC)
    return (HERE / "purchase.json").read_text().strip() % {
        "run": f"{now:%H%M%S%f}",
        "now": now.isoformat(timespec="seconds"),
        "day": now.date().isoformat(),
    }


def _sample(url: str) -> dict[str, str]:
    """Return the texts of one stored purchase, which pgbench writes too."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(sa.select(purchases.c.facts, purchases.c.decisions, purchases.c.answer).limit(1)).one()
    engine.dispose()
    return {"facts": row[0], "decisions": row[1], "answer": row[2]}
