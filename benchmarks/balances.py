"""Balance queries a second over HTTP, beside a bare Flask answer from the same server."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import load, servers
from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.figures import Figure
from benchmarks.load import Answered, Load
from benchmarks.setting import Setting, furnish

LEAST_OF_BARE = 0.15
_OURS = "loyalty_bench_balances"


def on_postgresql(server: PostgreSQL, seconds: float, rounds: int) -> Iterator[Figure]:
    """Measure the bare answer and the balance query in turns."""
    url = server.create(_OURS)
    upgrade(url)
    setting = furnish(url)
    server.settle(_OURS)
    with TemporaryDirectory(prefix="loyalty-bench-") as folder, servers.bare() as bare, servers.engine(url) as web:
        asked = _load(setting, Path(folder) / "ids")
        for one in (bare, web):
            load.run(asked, one.port, 1)
        theirs: list[Answered] = []
        ours: list[Answered] = []
        used = 0.0
        for _ in range(rounds):
            theirs.append(load.run(asked, bare.port, seconds))
            used -= web.cpu_seconds()
            ours.append(load.run(asked, web.port, seconds))
            used += web.cpu_seconds()
    yield from _figures(theirs, ours, used)


def _figures(theirs: list[Answered], ours: list[Answered], used: float) -> Iterator[Figure]:
    bare, balances = (median([one.per_second for one in runs]) for runs in (theirs, ours))
    pairs = ", ".join(f"{one.per_second / other.per_second:.2f}" for one, other in zip(ours, theirs, strict=True))
    yield Figure("bare Flask answer", bare, "/s")
    yield Figure("balances, of the bare answer", balances / bare, "", at_least=LEAST_OF_BARE, note=f"rounds {pairs}")
    yield Figure("balances on PostgreSQL", balances, "/s")
    for part in ("p50", "p95", "p99"):
        yield Figure(f"balances on PostgreSQL, {part}", median([getattr(one, part) for one in ours]), "ms")
    yield Figure("balances, server CPU a request", 1e6 * used / sum(one.requests for one in ours), "µs")


def _load(setting: Setting, ids: Path) -> Load:
    ids.write_text("\n".join(setting.member_ids))

    def request(client: int, dice: Random) -> bytes:
        return load.http("GET", f"/v1/members/{dice.choice(setting.member_ids)}/balances", setting.service)

    return Load("get_balances.lua", {"BENCH_TOKEN": setting.service, "BENCH_IDS": str(ids)}, request)
