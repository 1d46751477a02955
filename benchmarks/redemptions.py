"""Redemptions a second over HTTP, beside purchases on the same server: points of ten thousand members, spent at once."""

from collections.abc import Iterator
from random import Random
from statistics import median

from benchmarks import load, servers
from benchmarks.databases import PostgreSQL, upgrade
from benchmarks.figures import Figure
from benchmarks.load import Load
from benchmarks.purchases import Measured, counted, measured, purchase_load
from benchmarks.setting import FIRST_CARD, MEMBERS, Setting, furnish, give_points

LEAST_OF_PURCHASES = 0.9
_OURS = "loyalty_bench_redemptions"
_BODY = '{"member": {"card": "%d"}, "wallet": "points", "points": 10, "purchase_total": "142.50"}'


def on_postgresql(server: PostgreSQL, seconds: float, rounds: int) -> Iterator[Figure]:
    """Measure purchases and redemptions in turns, on one database."""
    url = server.create(_OURS)
    upgrade(url)
    setting = furnish(url)
    give_points(url, setting, 10**6)
    spending = _load(setting)
    bought: list[Measured] = []
    spent: list[Measured] = []
    with servers.engine(url) as web:
        for asked in (purchase_load(setting), spending):
            measured(web, asked, 2)  # prepares statements, fills caches
        for _ in range(rounds):
            server.settle(_OURS)
            # Made anew each time: no purchase's number may come twice.
            bought.append(counted(web, url, "purchases", purchase_load(setting), seconds))
            spent.append(counted(web, url, "redemptions", spending, seconds))
    yield from _figures(bought, spent)


def _figures(bought: list[Measured], spent: list[Measured]) -> Iterator[Figure]:
    rates = [median([one.answered.per_second for one in runs]) for runs in (spent, bought)]
    pairs = [one.answered.per_second / other.answered.per_second for one, other in zip(spent, bought, strict=True)]
    note = "rounds " + ", ".join(f"{pair:.2f}" for pair in pairs)
    yield Figure("redemptions, of purchases", rates[0] / rates[1], "", at_least=LEAST_OF_PURCHASES, note=note)
    yield Figure("redemptions on PostgreSQL", rates[0], "/s")
    for part in ("p50", "p95", "p99"):
        yield Figure(f"redemptions on PostgreSQL, {part}", median([getattr(one.answered, part) for one in spent]), "ms")
    yield Figure("redemptions, server CPU a request", median([one.cpu_microseconds for one in spent]), "µs")


def _load(setting: Setting) -> Load:
    given = {"BENCH_BODY": _BODY, "BENCH_TOKEN": setting.till, "BENCH_FIRST_CARD": FIRST_CARD, "BENCH_MEMBERS": MEMBERS}

    def request(client: int, dice: Random) -> bytes:
        return load.http("POST", "/v1/redemptions", setting.till, _BODY % (FIRST_CARD + dice.randrange(MEMBERS)))

    return Load("post_redemption.lua", {name: str(value) for name, value in given.items()}, request)
